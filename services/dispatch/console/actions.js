// What may be done to a ticket: a form for each command, made from its schema. What somebody half wrote outlives a lost
// connection, an ended session and a closed page; it is gone only when the service has taken it.

import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { me, Offline, post, Problem, send as sendTo } from "./api.js";
import { Light } from "./bits.js";
import { placeOf } from "./state.js";
import { ofCommand, ofField, ofReason, say } from "./words.js";

const RETRY_MS = 2500;
const BY_STATE = {
  DISPATCHED: ["redispatch", "designate", "grant-return", "refuse-return", "recall", "grant-extension", "refuse-extension", "add-support", "waive-support", "propose-hang", "approve-hang", "convert-size", "assess", "mark-complex", "supervise", "hasten", "change-urgency",
    "confirm-category", "make-plan", "hold-meeting", "blow-whistle", "report-in", "sign", "name-handler", "contact", "check-in", "report-stage", "report-first-disposal", "resolve", "sub-dispatch", "return", "ask-info", "ask-extension", "evaluate-partner", "answer"],
  NEED_INFO: ["supply-info", "hasten"], HUNG: ["unhang", "hasten"], RESOLVED: ["pass-audit", "rework"], FOLLOWING_UP: ["hasten"], CLOSED: ["reopen"], ANSWERED: ["reopen"], TRANSFERRED: ["call-back"],
};
const OFFERED = 30;
const LONG = new Set(["reason", "decision", "basis", "plan", "report", "reply", "note", "question", "minutes", "summary", "legal_basis"]);
const UNITS = new Set(["unit", "owner", "by", "proposed_unit"]);
const ENDED = new Set(["ACCEPTED_RESULT", "RETURNED", "RECALLED", "WAIVED"]);

/** What waits on this device for this ticket and command. */
export const drafts = {
  key: (id, name) => `gd.draft.${id}.${name}`,
  read(id, name) { try { return JSON.parse(localStorage.getItem(this.key(id, name)) || "null"); } catch { return null; } },
  write(id, name, body) { localStorage.setItem(this.key(id, name), JSON.stringify(body)); },
  clear(id, name) { localStorage.removeItem(this.key(id, name)); },
};

/** Answers to something that somebody must have asked for first. */
const ASKED = {
  "grant-return": (t) => t.assignments.some((a) => a.state === "RETURN_REQUESTED"), "grant-extension": (t) => t.extension && t.extension.granted === null,
  "approve-hang": (t) => t.hang && !t.hang.approved_by, "report-in": (t) => t.whistles.some((w) => !w.answer),
  "answer": (t) => ["CONSULT", "SUGGESTION", "PRAISE"].includes(t.ticket_type), "call-back": (t) => t.call_back && !t.call_back.helped_at,
};
ASKED["refuse-return"] = ASKED["grant-return"];
ASKED["refuse-extension"] = ASKED["grant-extension"];

export function Actions({ store, file, reread }) {
  const [chosen, choose] = useState(null), { ticket } = file;
  const desk = deskCommands(store, ticket);
  const fits = (BY_STATE[ticket.state] || []).filter((name) => store.names.all.commands[name]?.roles.includes(me.role) && (!ASKED[name] || ASKED[name](ticket)));
  return html`<section class="panel"><header><h2>${say("actions")}</h2><span class="small quiet push">${me.role ? store.names.role(me.role) : say("noRole")}</span></header>
    <div class="body acts">${fits.length + desk.length === 0 && html`<span class="quiet small">${say("none")}</span>`}
      ${fits.map((name) => html`<button class="button" data-command=${name} onClick=${() => choose(name)}>${ofCommand(name)}${drafts.read(ticket.ticket_id, name) && html` <span class="tag U2">${say("draft")}</span>`}</button>`)}
      ${desk.map((command) => html`<${DeskButton} key=${command.name} store=${store} ticket=${ticket} command=${command} done=${reread} />`)}</div>
    ${chosen && html`<${Form} key=${chosen} store=${store} ticket=${ticket} name=${chosen} command=${store.names.all.commands[chosen]} done=${reread} close=${() => choose(null)} />`}</section>`;
}

/** A form in a box. `command.path` is where it is sent when that is not this service; `done` reads anew what it changed. */
function Form({ store, ticket, name, command, done, close }) {
  const draft = command.key || name; // two suggestions about one ticket have a draft each
  const box = useRef(null), asked = useRef(false), notBefore = useRef(0);
  const live = (ticket.assignments || []).filter((a) => !ENDED.has(a.state));
  const [body, setBody] = useState(drafts.read(ticket.ticket_id, draft) || {}), [said, setSaid] = useState(null), [busy, setBusy] = useState(false);
  const [share, setShare] = useState(live.at(-1)?.id), [unsure, setUnsure] = useState(false);
  useEffect(() => { box.current.showModal(); }, []);
  const write = (key, value) => { const next = { ...body, [key]: value }; setBody(next); drafts.write(ticket.ticket_id, draft, next); };
  const send = async () => {
    setBusy(true); setSaid({ text: say("sending") });
    try {
      const path = command.on === "assignment" ? `/v1/assignments/${share}/${name}` : `/v1/tickets/${ticket.ticket_id}/${name}`;
      if (command.path) await sendTo(command.path, readBody(body, command.schema)); else await post(path, ticket.version, readBody(body, command.schema));
      drafts.clear(ticket.ticket_id, draft);
      asked.current = false;
      await done(); close();
    } catch (error) {
      setBusy(false);
      if (error instanceof Offline) { asked.current = true; notBefore.current = Date.now() + error.afterMs; setUnsure(true); setSaid({ text: say(error.status ? "busy" : "offline") }); }
      else if (error instanceof Problem) { asked.current = false; setSaid({ bad: true, text: explain(error, store.names, unsure, command) }); if (error.status === 409) await done(); }
      else throw error;
    }
  };
  const retry = useRef(null);
  retry.current = () => { if (asked.current && !busy && Date.now() >= notBefore.current) send(); };
  useEffect(() => {
    const again = () => retry.current();
    const timer = setInterval(again, RETRY_MS);
    window.addEventListener("online", again);
    return () => { clearInterval(timer); window.removeEventListener("online", again); };
  }, []);
  const fields = Object.entries(command.schema.properties || {}), required = new Set(command.schema.required || []);
  return html`<dialog ref=${box} onClose=${close} aria-labelledby="act-title"><form method="dialog" onSubmit=${(e) => { e.preventDefault(); send(); }}>
    <h2 id="act-title">${ofCommand(name)}</h2><p class="small quiet">${store.names.category(ticket.category)} · <span class="num">${ticket.ticket_no}</span></p>
    ${command.about && html`<p class="small">${command.about}</p>`}
    ${command.on === "assignment" && live.length > 1 && html`<label class="field"><span>${say("shares")}</span><select value=${share} onChange=${(e) => setShare(e.target.value)}>${live.map((a) => html`<option value=${a.id} selected=${a.id === share}>${store.names.label("AssignmentKind", a.kind)} ${store.names.unit(a.unit)}</option>`)}</select></label>`}
    ${fields.map(([key, schema]) => html`<${Field} key=${key} name=${key} schema=${resolve(schema, command.schema)} needed=${required.has(key)} value=${body[key]} write=${write} names=${store.names} store=${store} ticket=${ticket} />`)}
    ${said && html`<p class="said ${said.bad ? "bad" : ""}" role="status">${said.text}</p>`}
    <footer><button type="button" class="button" onClick=${() => box.current.close()}>${say("cancel")}</button><button class="button main" disabled=${busy}>${say("send")}</button></footer>
  </form></dialog>`;
}

const DISPATCHERS = new Set(["dispatcher", "command_centre"]);
const REASON = { type: "string", maxLength: 500, why: true };

/** Whether the chosen role may merge and split, and there is somewhere to do it. */
export const maySort = (store) => Boolean(store.names.all.intake) && DISPATCHERS.has(me.role);

const MERGEABLE = new Set(["ACCEPTED", "DISPATCHED", "NEED_INFO", "HUNG", "RESOLVED"]);

/** What intake decides about a ticket: an open one may be merged into another, who waits for another one may be split off. */
function deskCommands(store, ticket) {
  if (!maySort(store) || (ticket.state !== "MERGED" && !MERGEABLE.has(ticket.state))) return [];
  if (ticket.state !== "MERGED") {
    const schema = { properties: { into_ticket_no: { type: "string", pattern: "[0-9]{20}" }, note: REASON }, required: ["into_ticket_no", "note"] };
    return [{ name: "merge-into", schema, about: say("mergesInto"), path: `${store.names.all.intake}/v1/tickets/${ticket.ticket_id}/merge` }];
  }
  const reasons = Object.keys(store.names.all.labels.SplitReason).filter((reason) => reason !== "WITHDRAWN");
  const schema = { properties: { reason: { $ref: "#/$defs/SplitReason" }, note: REASON }, required: ["reason", "note"], $defs: { SplitReason: { enum: reasons } } };
  return [{ name: "split", schema, about: say("splits"), path: `${store.names.all.intake}/v1/tickets/${ticket.ticket_id}/split` }];
}

/** What intake suggests to merge, decided one way or the other. */
export const mergeCommands = (store, suggestion) => [["merge", "acceptance"], ["keep-apart", "refusal"]].map(([name, path]) => ({
  name, key: `${name}.${suggestion.suggestion_id}`, path: `${store.names.all.intake}/v1/merges/${suggestion.suggestion_id}/${path}`, schema: { properties: { note: REASON }, required: ["note"] },
  about: `${say(name === "merge" ? "merging" : "keeps")} ${suggestion.into_ticket_no}`,
}));

/** A button with its form. */
export function DeskButton({ store, ticket, command, done }) {
  const [isOpen, open] = useState(false);
  return html`<button class="button" data-command=${command.name} onClick=${() => open(true)}>${ofCommand(command.name)}${drafts.read(ticket.ticket_id, command.key || command.name) && html` <span class="tag U2">${say("draft")}</span>`}</button>
    ${isOpen && html`<${Form} store=${store} ticket=${ticket} name=${command.name} command=${command} done=${done} close=${() => open(false)} />`}`;
}

/** A schema without its references and the null that stands for "not given". */
function resolve(schema, root) {
  const one = (schema.anyOf || schema.allOf || [schema]).find((s) => s.type !== "null");
  const target = one.$ref ? root.$defs[one.$ref.split("/").pop()] : one;
  return { ...target, title: one.$ref ? one.$ref.split("/").pop() : "", default: schema.default };
}

/** A ticket by its number: those that are open are offered, the same place first; what is known of the chosen one is shown. */
function TicketField({ label, needed, value, write, store, ticket }) {
  const { names } = store, near = (t) => (placeOf(t) === placeOf(ticket) ? 0 : 1) + (t.category === ticket.category ? 0 : 2);
  const told = (t) => `${names.category(t.category)} · ${names.place(placeOf(t))} · ${names.unit(t.unit)} · ${names.state(t.state)}`;
  const fits = [...store.tickets.values()].filter((t) => t.ticket_id !== ticket.ticket_id && (!value || t.ticket_no.includes(value)));
  const offered = fits.map((t) => [near(t), t]).sort((a, b) => a[0] - b[0]).slice(0, OFFERED).map(([, t]) => t);
  const chosen = value?.length === 20 && fits.find((t) => t.ticket_no === value);
  return html`<label class="field">${label}<input required=${needed} inputmode="numeric" autocomplete="off" list="open-tickets" pattern="[0-9]{20}" title=${say("twenty")} value=${value ?? ""} onInput=${(e) => write("into_ticket_no", e.target.value.replace(/\D/g, "").slice(0, 20))} />
    <datalist id="open-tickets">${offered.map((t) => html`<option value=${t.ticket_no}>${told(t)}</option>`)}</datalist>
    <span class="small" role="status">${chosen ? html`<${Light} light=${chosen.light} names=${names} /> ${told(chosen)}` : say(value?.length === 20 ? "notOpen" : "twenty")}</span></label>`;
}

function Field({ name, schema, needed, value, write, names, store, ticket }) {
  const label = html`<span>${ofField(schema.why ? "why" : name)}${needed ? " *" : ""}</span>`, set = (e) => write(name, e.target.value);
  if (name === "into_ticket_no") return html`<${TicketField} label=${label} needed=${needed} value=${value} write=${write} store=${store} ticket=${ticket} />`;
  if (schema.enum) return html`<label class="field">${label}<select required=${needed} value=${value || ""} onChange=${set}><option value=""></option>${schema.enum.map((v) => html`<option value=${v} selected=${v === value}>${names.label(schema.title, v)}</option>`)}</select></label>`;
  if (schema.type === "boolean") return html`<label><input type="checkbox" checked=${value === true} onChange=${(e) => write(name, e.target.checked)} /> ${ofField(name)}</label>`;
  if (UNITS.has(name) || name === "units") return html`<label class="field">${label}<select required=${needed} value=${value || ""} onChange=${set}><option value=""></option>${Object.keys(names.all.units).map((u) => html`<option value=${u} selected=${u === value}>${names.unit(u)}</option>`)}</select></label>`;
  if (LONG.has(name)) return html`<label class="field">${label}<textarea required=${needed} maxlength=${schema.maxLength || 4000} value=${value || ""} onInput=${set}></textarea></label>`;
  const isNumber = schema.type === "integer" || schema.type === "number";
  return html`<label class="field">${label}<input required=${needed} type=${isNumber ? "number" : "text"} min=${schema.minimum} max=${schema.maximum} step=${schema.type === "number" ? "any" : 1} pattern=${schema.pattern} value=${value ?? ""} onInput=${set} /></label>`;
}

/** What was written, as the schema wants it; what was left empty is left out. */
function readBody(body, root) {
  const read = {};
  for (const [key, raw] of Object.entries(root.properties || {})) {
    const schema = resolve(raw, root), value = body[key];
    if (value === undefined || value === "") continue;
    if (schema.type === "array") read[key] = String(value).split(/[,，\s]+/).filter(Boolean);
    else read[key] = schema.type === "integer" || schema.type === "number" ? Number(value) : value;
  }
  return read;
}

function explain(error, names, unsure, command) {
  if (command.path && error.status === 409) return unsure ? say("perhaps") : `${say("cannot")} ${ofReason(error.body.reason, error.message)}`;
  if (error.status === 401 || (error.status === 403 && !me.role)) return say("expired");
  if (error.code === "conflict") return unsure ? say("perhaps") : say("moved");
  if (error.status === 409 || error.status === 403) return names.refusal(error.code, error.message);
  return (error.body.problems || []).map((p) => `${ofField(p.field)}: ${p.message}`).join("; ") || error.message;
}
