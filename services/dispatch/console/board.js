// The overview: figures by light, the map of grids, alerts, and the queue, of which only the rows in sight are drawn.

import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { Due, Light, Link } from "./bits.js";
import { Grids } from "./map.js";
import { isResting, LIGHTS, placeOf, suits } from "./state.js";
import { say, stamp } from "./words.js";

const SPARE = 6;

export function Board({ store, filters, go }) {
  const set = (changes) => go({ ...filters, ...changes });
  const rows = store.list(filters);
  return html`<main class="board">
    <div class="side">
      <${Figures} store=${store} filters=${filters} set=${set} />
      <${Grids} store=${store} filters=${filters} set=${set} />
      <${Alerts} store=${store} set=${set} />
    </div>
    <section class="panel" aria-label=${say("queue")}>
      <header><h2>${say("queue")} <span class="num">${rows.length}</span></h2>${store.capped && html`<span class="small quiet">${say("capped")} ${store.tickets.size}</span>`}
        <${Filters} store=${store} filters=${filters} set=${set} /></header>
      <div class="head"><span></span><span>${say("due")}</span><span>${say("matter")}</span><span>${say("place")}</span><span>${say("unit")}</span><span>${say("state")}</span></div>
      <${Rows} store=${store} rows=${rows} go=${go} />
    </section>
  </main>`;
}

function Figures({ store, filters, set }) {
  const counts = { RED: 0, YELLOW: 0, GREEN: 0 };
  for (const t of store.tickets.values()) if (suits(t, { ...filters, light: "" })) counts[t.light] += 1;
  const total = counts.RED + counts.YELLOW + counts.GREEN;
  const words = { RED: "overdue", YELLOW: "soon", GREEN: "calm" };
  return html`<section class="panel figures" aria-label=${say("open")}>
    <button aria-pressed=${!filters.light} onClick=${() => set({ light: "" })}><b class="num">${total}</b><span>${say("open")}</span></button>
    ${LIGHTS.map((light) => html`<button aria-pressed=${filters.light === light} onClick=${() => set({ light: filters.light === light ? "" : light })}>
      <b class="num" data-count=${light}>${counts[light]}</b><span><${Light} light=${light} names=${store.names} />${say(words[light])}</span></button>`)}
  </section>`;
}

function Alerts({ store, set }) {
  const names = store.names;
  return html`<section class="panel"><header><h2>${say("alerts")}</h2></header><div class="alerts">
    ${store.alerts.length === 0 ? html`<span class="quiet">${say("noAlerts")}</span>` : store.alerts.map((a) => html`<button class="button" onClick=${() => set({ category: a.category, grid: a.township || "" })}>
      <strong>${names.label("AlertKind", a.kind)}</strong> ${names.category(a.category)} ${a.township ? names.place(a.township) : ""} <span class="num">${a.count}/${a.threshold}</span> <span class="quiet">${stamp(a.window_end)}</span></button>`)}
  </div></section>`;
}

function Filters({ store, filters, set }) {
  const { names } = store, states = ["ACCEPTED", "NEED_INFO", "DISPATCHED", "HUNG", "RESOLVED", "FOLLOWING_UP", "MERGED"];
  const roots = Object.keys(names.all.categories).filter((code) => code.length === 2).sort();
  const choice = (key, label, options) => html`<select aria-label=${label} value=${filters[key] || ""} onChange=${(e) => set({ [key]: e.target.value })}>
    <option value="">${label}: ${say("all")}</option>${options.map(([value, text]) => html`<option value=${value} selected=${filters[key] === value}>${text}</option>`)}</select>`;
  const busy = [...new Set([...store.tickets.values()].flatMap((t) => [t.unit, ...(t.supporting || [])]))].filter(Boolean).sort();
  const isFiltered = Object.keys(filters).some((key) => key !== "view" && filters[key]);
  const hours = (n) => new Date(store.now() + n * 3600e3).toISOString();
  return html`<div class="filters push">
    ${choice("state", say("state"), states.map((s) => [s, names.state(s)]))}
    ${choice("urgency", say("urgency"), ["U1", "U2", "U3"].map((u) => [u, names.label("Urgency", u)]))}
    ${choice("category", say("category"), roots.map((c) => [c, names.category(c)]))}
    ${choice("unit", say("unit"), busy.map((u) => [u, names.unit(u)]))}
    <button class="button" aria-pressed=${Boolean(filters.before)} onClick=${() => set({ before: filters.before ? "" : hours(24) })}>${say("dueBy")} 24h</button>
    <input type="search" inputmode="numeric" placeholder=${say("search")} aria-label=${say("search")} value=${filters.no || ""} onInput=${(e) => set({ no: e.target.value.replace(/\D/g, "").slice(0, 20) })} />
    ${isFiltered && html`<button class="button" onClick=${() => set(Object.fromEntries(Object.keys(filters).filter((k) => k !== "view").map((k) => [k, ""])))}>${say("reset")}</button>`}
  </div>`;
}

/** What sets a ticket apart: how urgent, how high it was escalated. It also says why one is red that has time left. */
function Marks({ t, names }) {
  return html`${t.urgency !== "U3" && html`<span class="tag ${t.urgency}">${names.label("Urgency", t.urgency)}</span> `}${t.level > 0 && html`<span class="tag U1">${say("level")} ${t.level}</span> `}`;
}

function Rows({ store, rows, go }) {
  const list = useRef(null), [top, setTop] = useState(0), [size, setSize] = useState({ view: 600, row: 44 });
  useEffect(() => {
    const measure = () => setSize({ view: list.current.clientHeight, row: parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row")) * parseFloat(getComputedStyle(document.documentElement).fontSize) });
    const watch = new ResizeObserver(measure);
    watch.observe(list.current);
    return () => watch.disconnect();
  }, []);
  const first = Math.max(0, Math.floor(top / size.row) - SPARE), last = Math.min(rows.length, Math.ceil((top + size.view) / size.row) + SPARE);
  const now = store.now(), names = store.names;
  return html`<div class="list" ref=${list} tabindex="0" role="region" aria-label=${say("queue")} onScroll=${(e) => setTop(e.currentTarget.scrollTop)}>
    ${rows.length === 0 && store.isLoaded && html`<p class="empty">${say("empty")}</p>`}
    <div class="tall" style=${{ height: `${rows.length * size.row}px` }}>
      ${rows.slice(first, last).map((t, n) => html`<${Link} key=${t.ticket_id} class="row ${performance.now() - (store.fresh.get(t.ticket_id) || -1e9) < 1600 ? "fresh" : ""}" style=${{ top: `${(first + n) * size.row}px` }} to=${{ view: "ticket", id: t.ticket_id }} go=${go} data-ticket=${t.ticket_id}>
        <span><${Light} light=${t.light} names=${names} /></span><${Due} at=${isResting(t) ? null : t.due_at} now=${now} light=${t.light} />
        <span><${Marks} t=${t} names=${names} />${names.category(t.category)}${t.size === "BIG" && html` <span class="tag">${names.label("MatterSize", t.size)}</span>`}</span><span>${names.place(placeOf(t))}</span><span>${names.unit(t.unit)}</span><span>${names.state(t.state)}</span>
      <//>`)}
    </div></div>`;
}
