// The units board, and how the system stands.

import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { DeskButton, maySort, mergeCommands } from "./actions.js";
import { get } from "./api.js";
import { Due, Gauge, Link } from "./bits.js";
import { say, stamp } from "./words.js";

const EVERY_MS = 5000;

/** What a path answers, read again every few seconds; the last answer stands while the next cannot be had. */
function useFresh(path) {
  const [answer, setAnswer] = useState(null), [failed, setFailed] = useState(false), again = useRef(null);
  useEffect(() => {
    let timer = 0, isOver = false;
    const read = async () => {
      try { const next = await get(path); if (!isOver) { setAnswer(next); setFailed(false); } } catch { if (!isOver) setFailed(true); }
      if (!isOver) timer = setTimeout(read, EVERY_MS);
    };
    again.current = () => { clearTimeout(timer); return read(); };
    read();
    return () => { isOver = true; clearTimeout(timer); };
  }, [path]);
  return [answer, failed, () => again.current()];
}

export function Units({ store, go }) {
  const [answer, failed] = useFresh("/v1/units"), names = store.names;
  const most = Math.max(1, ...(answer?.units || []).map((u) => u.open));
  return html`<main class="page">${failed && html`<p class="said" role="status">${say("failed")}</p>`}<section class="panel"><header><h2>${say("units")}</h2></header><div class="scroll" tabindex="0" role="region" aria-label=${say("units")}><table>
    <thead><tr><th>${say("unit")}</th><th>${say("load")}</th><th class="r">${say("leads")}</th><th class="r">${say("late")}</th><th class="r">${say("unsigned")}</th><th>${say("due")}</th><th class="r">${say("results")}</th><th>${say("rate")}</th></tr></thead>
    <tbody>${(answer?.units || []).map((u) => html`<tr><td><${Link} to=${{ unit: u.unit }} go=${go}>${names.unit(u.unit)}<//></td><td><${Gauge} share=${u.open / most} bad=${u.overdue > 0} /><span class="num">${u.open}</span></td><td class="r">${u.leads}</td><td class="r">${u.overdue || ""}</td><td class="r">${u.unsigned || ""}</td>
      <td>${u.next_due ? html`<${Due} at=${u.next_due} now=${store.now()} />` : "–"}</td><td class="r">${u.results}</td><td>${u.on_time_rate === null ? html`<span class="quiet">–</span>` : html`<${Gauge} share=${u.on_time_rate} bad=${u.on_time_rate < 0.9} /><span class="num">${(100 * u.on_time_rate).toFixed(1)} %</span>`}</td></tr>`)}</tbody></table>
    ${answer && answer.units.length === 0 && html`<p class="empty">${say("none")}</p>`}</div></section></main>`;
}

export function System({ store, go }) {
  const [state, failed] = useFresh("/v1/system");
  const tile = (key, n, bad, more) => html`<div class="panel tile ${bad ? "bad" : ""}"><b class="num">${n}</b><span class="small">${say(key)} ${more || ""}</span></div>`;
  if (!state) return html`<main class="page">${failed ? html`<p class="said" role="alert">${say("failed")}</p>` : html`<p class="loading">…</p>`}</main>`;
  const age = (s) => (s >= 1 ? `· ${Math.round(s)} s` : "");
  return html`<main class="page">${failed && html`<p class="said" role="status">${say("failed")}</p>`}
    <div class="tiles">${tile("outbox", state.outbox.depth, state.outbox.age_s > 30, age(state.outbox.age_s))}${tile("parked", state.parked.events, state.parked.events > 0, age(state.parked.age_s))}${tile("dead", state.dead.letters, state.dead.letters > 0)}
      ${tile("lateClocks", state.late.clocks, state.late.clocks > 0)}${tile("unwatched", state.unwatched.length, state.unwatched.length > 0)}${tile("watchers", state.stream.watchers, !state.stream.is_following)}</div>
    ${state.unwatched.length > 0 && html`<section class="panel body">${state.unwatched.map((id) => html`<${Link} to=${{ view: "ticket", id }} go=${go}>${id}<//> `)}</section>`}
    <section class="panel"><header><h2>${say("deadLetters")}</h2></header><div class="scroll" tabindex="0" role="region" aria-label=${say("deadLetters")}><table><thead><tr><th>${say("when")}</th><th>${say("from")}</th><th>${say("number")}</th><th>${say("reason")}</th></tr></thead>
      <tbody>${state.dead_letters.map((d) => html`<tr><td class="num">${stamp(d.failed_at)}</td><td class="num">${d.topic}/${d.partition}@${d.offset}</td><td>${d.key}</td><td>${d.reason}</td></tr>`)}</tbody></table>
      ${state.dead_letters.length === 0 && html`<p class="empty">${say("none")}</p>`}</div></section></main>`;
}

/** What intake found alike and leaves to a dispatcher; nothing is merged without a reason. */
export function Merges({ store, go }) {
  if (!maySort(store)) return html`<main class="page"><p class="said" role="status">${say("notForRole")}</p></main>`;
  return html`<${Suggestions} store=${store} go=${go} />`;
}

function Suggestions({ store, go }) {
  const [found, failed, again] = useFresh(`${store.names.all.intake}/v1/merges?limit=200`), names = store.names;
  const link = (id, no) => html`<${Link} class="num" to=${{ view: "ticket", id }} go=${go}>${no}<//>`;
  return html`<main class="page">${failed && html`<p class="said" role="status">${say("failed")}</p>`}<section class="panel"><header><h2>${say("suggested")} <span class="num">${found?.length ?? "…"}</span></h2></header>
    <div class="scroll" tabindex="0" role="region" aria-label=${say("suggested")}><table><thead><tr><th>${say("matter")}</th><th>${say("number")}</th><th>${say("sameAs")}</th><th>${say("place")}</th><th class="r">${say("alike")}</th><th class="r">${say("apart")}</th><th>${say("when")}</th><th>${say("actions")}</th></tr></thead>
    <tbody>${(found || []).map((s) => html`<tr key=${s.suggestion_id} data-suggestion=${s.suggestion_id}><td>${names.category(s.category)}</td><td>${link(s.ticket_id, s.ticket_no)}</td><td>${link(s.into_ticket, s.into_ticket_no)}</td><td>${names.place(s.grid)}</td>
      <td class="r">${Math.round(100 * s.likeness)} %</td><td class="r">${s.distance_m === null ? "–" : `${Math.round(s.distance_m)} m`}</td><td class="num">${stamp(s.suggested_at)}</td>
      <td class="acts">${mergeCommands(store, s).map((command) => html`<${DeskButton} key=${command.name} store=${store} ticket=${s} command=${command} done=${again} />`)}</td></tr>`)}</tbody></table>
    ${found?.length === 0 && html`<p class="empty">${say("none")}</p>`}</div></section></main>`;
}
