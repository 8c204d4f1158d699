// One ticket whole: how it stands, what happened, which clocks run and what they will do, why, and what may be done.

import { html, useEffect, useState } from "./vendor/preact-htm.js";
import { Actions } from "./actions.js";
import { get, Problem } from "./api.js";
import { Due, Light, Link } from "./bits.js";
import { isResting, placeOf } from "./state.js";
import { ofEvent, say, stamp } from "./words.js";

const BAD = new Set(["ticket.escalated", "ticket.converted", "guard.refused", "ticket.returned", "ticket.reopened"]);
const QUIET_FACTS = new Set(["assignment_id", "ticket_no", "rule_pack", "rules", "accepted_at", "exercise", "source", "cycle", "county", "designated", "ticket_type", "category", "urgency"]);

export function Ticket({ store, id, go }) {
  const [file, setFile] = useState(null), [error, setError] = useState(null);
  const known = store.versions.get(id);
  const read = async () => {
    try { setFile(await get(`/v1/tickets/${id}/file`)); setError(null); } catch (problem) { setError(problem); }
  };
  useEffect(() => { if (!file || file.ticket.ticket_id !== id || known > file.ticket.version) read(); }, [id, known]);
  useEffect(() => { if (!error || (error instanceof Problem && error.status === 404)) return undefined; const again = setTimeout(read, 3000); return () => clearTimeout(again); }, [error]);
  if (!file) return html`<main class="page">${error ? html`<p class="said bad" role="alert">${error instanceof Problem ? say("notFound") : say("failed")}</p><p><${Link} to=${{}} go=${go}>${say("back")}<//></p>` : html`<p class="loading">…</p>`}</main>`;
  const { ticket: t } = file, names = store.names;
  return html`<main class="file">
    <header class="panel wide title">
      <${Link} to=${{}} go=${go}>← ${say("back")}<//><h1><${Light} light=${t.light} names=${names} /> ${names.category(t.category)}</h1>
      <${Due} at=${isResting(t) ? null : t.due_at} now=${store.now()} light=${t.light} /><span>${names.state(t.state)}</span><span class="tag ${t.urgency}">${names.label("Urgency", t.urgency)}</span>
      <span class="tag">${names.label("MatterSize", t.size)}</span>${t.level > 0 && html`<span class="tag U1">${say("level")} ${t.level}</span>`}<span class="num quiet">${t.ticket_no}</span>
      ${t.state === "MERGED" && t.merge && html`<span>${say("mergedInto")} <${Link} class="num" to=${{ view: "ticket", id: t.merge.into }} go=${go}>${file.into?.ticket_no || t.merge.into.slice(0, 8)}<//></span>`}
    </header>
    ${error && html`<p class="said wide">${say("failed")}</p>`}
    <div class="side"><${Facts} t=${t} names=${names} waiting=${file.waiting} go=${go} /><${Clocks} clocks=${file.clocks} store=${store} /></div>
    <div class="side"><${Why} decisions=${file.decisions} /></div>
    <div class="side"><${Actions} store=${store} file=${file} reread=${read} /><${Story} story=${file.story} names=${names} /></div>
  </main>`;
}

function Facts({ t, names, waiting, go }) {
  const rows = [["place", names.place(placeOf(t))], ["type", names.label("TicketType", t.ticket_type)], ["accepted", stamp(t.accepted_at)], ["dueAt", stamp(t.due_at)], ["round", t.cycle], ["number", t.ticket_no]];
  return html`<section class="panel"><header><h2>${say("facts")}</h2></header><dl class="facts body">${rows.map(([key, value]) => html`<dt>${say(key)}</dt><dd class="num">${value}</dd>`)}
      ${waiting.length > 0 && html`<dt>${say("waiting")}</dt><dd>${waiting.map((w) => html`<${Link} class="num" to=${{ view: "ticket", id: w.ticket_id }} go=${go}>${w.ticket_no}<//><br />`)}</dd>`}</dl>
    <header><h2>${say("shares")}</h2></header><dl class="facts body">${t.assignments.map((a) => html`<dt>${names.label("AssignmentKind", a.kind)}</dt><dd>${names.unit(a.unit)} · ${names.share(a.state)} ${a.light !== "GREEN" && html`<${Light} light=${a.light} names=${names} />`}</dd>`)}</dl></section>`;
}

function Clocks({ clocks, store }) {
  const now = store.now();
  return html`<section class="panel"><header><h2>${say("clocks")}</h2></header><div class="body">${clocks.length === 0 && html`<p class="quiet">${say("none")}</p>`}
    ${clocks.map((c) => { const [start, due] = [Date.parse(c.started_at), Date.parse(c.due_at)], gone = Math.min(1, Math.max(0, (now - start) / Math.max(1, due - start)));
      const ahead = c.ahead.length ? c.ahead : [{ name: c.step_name, at: c.fire_at }];
      return html`<div class="clock"><div><strong>${store.names.pick(c.name)}</strong> ${c.unit && html`<span class="quiet">${store.names.unit(c.unit)}</span>`} <${Due} at=${c.due_at} now=${now} /></div>
        <div class="track ${gone >= 1 ? "late" : ""}"><i style=${{ width: `${100 * gone}%` }}></i></div>
        <div class="small quiet">${say("ahead")}: ${ahead.slice(0, 4).map((a) => `${store.names.pick(a.name)} ${stamp(a.at)}`).join(" · ")}</div></div>`; })}
  </div></section>`;
}

function Why({ decisions }) {
  const isEnglish = document.documentElement.lang === "en";
  return html`<section class="panel"><header><h2>${say("why")}</h2></header><ul class="why body">
    ${decisions.filter((d) => d.reasons.length > 0).flatMap((d) => [html`<p class="small quiet num">${stamp(d.decided_at)} · v${d.version}</p>`, ...d.reasons.map((r) => html`<li class=${r.refused ? "no" : ""}>${r.refused && html`<span class="tag">${say("refused")}</span> `}${isEnglish ? r.en : r.zh}<br /><small>${r.line}</small></li>`)])}
  </ul></section>`;
}

function Story({ story, names }) {
  return html`<section class="panel"><header><h2>${say("story")}</h2></header><ol class="story body">
    ${story.map((e) => html`<li class=${BAD.has(e.type) ? "bad" : ""}><span class="num quiet">${stamp(e.time)}</span><span><strong>${ofEvent(e.type)}</strong> <span class="small quiet">${facts(e.facts, names)}</span></span></li>`)}
  </ol></section>`;
}

const KINDS = { light: "Light", size: "MatterSize", kind: "AssignmentKind" };

function facts(all, names) {
  return Object.entries(all).filter(([key, value]) => !QUIET_FACTS.has(key) && value !== null && value !== "" && !["object", "boolean"].includes(typeof value)).slice(0, 5).map(([key, value]) => {
    if (key === "to" && value.startsWith("role:")) return names.addressee(value);
    if (key === "clock") return names.clock(value);
    if (key === "level") return `${say("level")} ${value}`;
    if (["unit", "target", "to"].includes(key)) return names.unit(String(value).replace(/^unit:/, ""));
    if (/_at$|_by$/.test(key)) return /^\d{4}-/.test(value) ? stamp(value) : value;
    if (key === "grid" || (key === "township" && !all.grid)) return names.place(value);
    if (key === "township") return "";
    if (key === "code") return names.refusal(value, value);
    return names.label(KINDS[key], value);
  }).filter(Boolean).join(" · ");
}
