// The units board, and how the system stands.

import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { DeskButton, maySort, mergeCommands } from "./actions.js";
import { get } from "./api.js";
import { Due, Gauge, Link } from "./bits.js";
import { say, stamp } from "./words.js";

const EVERY_MS = 5000;

/** What a path answers, read again every few seconds; the last answer stands while the next cannot be had. Without a path,
    nothing. */
function useFresh(path) {
  const [answer, setAnswer] = useState(null), [failed, setFailed] = useState(false), again = useRef(null);
  useEffect(() => {
    if (!path) return undefined;
    let timer = 0, isOver = false;
    const read = async () => {
      try { const next = await get(path); if (!isOver) { setAnswer(next); setFailed(false); } } catch (error) { if (!isOver) setFailed(error); }
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

const SERVICES = ["intake", "dispatch", "notify"];

/** How each service says it stands, as this page is told by each itself; `why` where one could not be asked. */
function useStandings(store) {
  return SERVICES.map((name) => {
    const origin = name === "dispatch" ? "" : store.names.all[name], isKnown = name === "dispatch" || Boolean(origin);
    const [answer, failed] = useFresh(isKnown ? `${origin}/v1/standing` : "");
    const why = !isKnown ? "noAddress" : !failed ? "" : failed.status === 403 || failed.status === 404 ? "notForYou" : "notAnswering";
    return { name, answer, why };
  });
}

const age = (s) => (s >= 1 ? `· ${Math.round(s)} s` : "");

export function System({ store, go }) {
  const [state, failed] = useFresh("/v1/system"), standings = useStandings(store);
  const tile = (key, n, bad, more) => html`<div class="panel tile ${bad ? "bad" : ""}" data-tile=${key}><b class="num">${n}</b><span class="small">${say(key)} ${more || ""}</span></div>`;
  if (!state) return html`<main class="page">${failed ? html`<p class="said" role="alert">${say("failed")}</p>` : html`<p class="loading">…</p>`}</main>`;
  const told = standings.filter((s) => s.answer), missing = standings.filter((s) => !s.answer || s.why).map((s) => s.name), dead = told.reduce((sum, s) => sum + s.answer.dead, 0);
  return html`<main class="page">${failed && html`<p class="said" role="status">${say("failed")}</p>`}
    <div class="tiles">${tile("dead", dead, dead > 0, missing.length > 0 && `· ${say("without")} ${missing.join(", ")}`)}
      ${tile("lateClocks", state.late.clocks, state.late.clocks > 0)}${tile("unwatched", state.unwatched.length, state.unwatched.length > 0)}${tile("watchers", state.stream.watchers, !state.stream.is_following)}</div>
    ${state.unwatched.length > 0 && html`<section class="panel body">${state.unwatched.map((id) => html`<${Link} to=${{ view: "ticket", id }} go=${go}>${id}<//> `)}</section>`}
    <${Services} standings=${standings} /><${DeadLetters} told=${told} go=${go} /></main>`;
}

function Services({ standings }) {
  const figure = (n, bad, more) => html`<td class="r ${bad ? "bad" : ""}"><span class="num">${n}</span> <span class="small">${more || ""}</span></td>`;
  return html`<section class="panel"><header><h2>${say("services")}</h2></header><div class="scroll" tabindex="0" role="region" aria-label=${say("services")}><table>
    <thead><tr><th>${say("service")}</th><th class="r">${say("outbox")}</th><th class="r">${say("parked")}</th><th class="r">${say("dead")}</th><th></th></tr></thead>
    <tbody>${standings.map(({ name, answer: a, why }) => html`<tr data-service=${name}><td>${name}</td>
      ${a ? [figure(a.unpublished.events, a.unpublished.age_s > 30, age(a.unpublished.age_s)), figure(a.parked.events, a.parked.events > 0, age(a.parked.age_s)), figure(a.dead, a.dead > 0)] : ["–", "–", "–"].map((n) => figure(n))}
      <td>${say(why || (a ? "answers" : "asked"))}</td></tr>`)}</tbody></table></div></section>`;
}

function DeadLetters({ told, go }) {
  const all = told.flatMap((s) => s.answer.dead_letters.map((d) => ({ ...d, service: s.name }))).sort((a, b) => (a.failed_at < b.failed_at ? 1 : -1));
  return html`<section class="panel"><header><h2>${say("deadLetters")}</h2></header><div class="scroll" tabindex="0" role="region" aria-label=${say("deadLetters")}><table><thead><tr><th>${say("when")}</th><th>${say("service")}</th><th>${say("from")}</th><th>${say("number")}</th><th>${say("reason")}</th></tr></thead>
      <tbody>${all.map((d) => html`<tr><td class="num">${stamp(d.failed_at)}</td><td>${d.service}</td><td class="num">${d.topic}/${d.partition}@${d.offset}</td><td>${d.key ? html`<${Link} to=${{ view: "ticket", id: d.key }} go=${go}>${d.key}<//>` : "–"}</td><td>${d.reason}</td></tr>`)}</tbody></table>
      ${all.length === 0 && html`<p class="empty">${say("none")}</p>`}</div></section>`;
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
