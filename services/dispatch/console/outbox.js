// What a worker has done and the service does not know yet: kept on the phone, sent in order, each once. What the service
// refuses for good gives its words back to the worker's draft.

import { get, Offline, post, Problem } from "./api.js";

const KEY = "gd.outbox";
const REFUSED = "gd.refused";
const TRIES_MS = 3000;
const AFTER = { "sign": ["SIGNED", "HANDLING", "SUBMITTED", "ACCEPTED_RESULT"], "contact": ["HANDLING", "SUBMITTED", "ACCEPTED_RESULT"], "resolve": ["SUBMITTED", "ACCEPTED_RESULT"] };

export const kept = {
  get(key) { try { return JSON.parse(localStorage.getItem(key) || "null"); } catch { return null; } },
  set(key, value) { localStorage.setItem(key, JSON.stringify(value)); },
};
export const draftOf = (assignment, name) => `gd.draft.${assignment}.${name}`;

/** What was written before, with what was written since: the later word counts, but no sentence is lost. */
export function together(before, since) {
  const both = { ...before, ...since };
  for (const key of ["reply", "note", "basis"]) if (before?.[key] && since?.[key] && !since[key].includes(before[key])) both[key] = `${before[key]}\n${since[key]}`;
  if (before?.evidence && since?.evidence) both.evidence = [...new Set([...before.evidence, ...since.evidence])];
  return both;
}

/** Whether a whistle was blown before: the same is waiting for its answer, or one more stands there than before it was sent. */
export function isBlown(step, whistles) {
  const same = whistles.filter((w) => w.kind === step.body.kind && step.body.units.includes(w.unit));
  return same.some((w) => !w.answer) || (step.whistles !== undefined && same.length > step.whistles);
}

export class Outbox {
  constructor(changed) {
    this.changed = changed;
    this.busy = false;
    this.sent = [];
    this.notBefore = 0;
    addEventListener("online", () => this.flush());
    setInterval(() => this.flush(), TRIES_MS);
  }

  get waiting() { return kept.get(KEY) || []; }
  set waiting(steps) { kept.set(KEY, steps); this.changed(); }
  get refused() { return kept.get(REFUSED) || []; }
  set refused(steps) { kept.set(REFUSED, steps); this.changed(); }

  /** `draft` is what the worker typed, as his form keeps it. */
  add(step) {
    this.waiting = [...this.waiting, { ...step, id: crypto.randomUUID(), at: new Date().toISOString() }];
    return this.flush();
  }

  has(assignment, name) { return [...this.waiting, ...this.sent].some((s) => s.assignment === assignment && s.name === name); }

  /** Send what waits, one after the other; stop at the first that cannot be sent now. */
  async flush() {
    if (this.busy || Date.now() < this.notBefore) return;
    this.busy = true;
    try {
      while (this.waiting.length) {
        const [step] = this.waiting;
        const verdict = await this.send(step);
        if (verdict === "later") break;
        if (verdict === "done") this.sent = [...this.sent, step];
        else this.giveBack(step, verdict);
        this.waiting = this.waiting.filter((s) => s.id !== step.id); // read anew: more may have been added meanwhile
      }
    } finally { this.busy = false; this.changed(); }
  }

  giveBack(step, why) {
    if (step.draft) kept.set(draftOf(step.assignment, step.name), together(step.draft, kept.get(draftOf(step.assignment, step.name)) || {}));
    this.refused = [...this.refused, { step, why }];
  }

  /** "done", "later", or why not. The ticket is read just before: its version is the one the step is for, and a step
      whose effect is there already was sent before the answer got lost. */
  async send(step) {
    try {
      const ticket = await get(`/v1/tickets/${step.ticket}`), share = ticket.assignments.find((a) => a.id === step.assignment);
      if (share && AFTER[step.name]?.includes(share.state)) return "done";
      if (step.name === "check-in" && share?.checked_in_at) return "done";
      if (step.name === "blow-whistle") {
        if (isBlown(step, ticket.whistles)) return "done";
        this.note(step, { whistles: ticket.whistles.filter((w) => w.kind === step.body.kind && step.body.units.includes(w.unit)).length });
      }
      const path = step.name === "blow-whistle" ? `/v1/tickets/${step.ticket}/blow-whistle` : `/v1/assignments/${step.assignment}/${step.name}`;
      await post(path, ticket.version, step.body);
      return "done";
    } catch (error) {
      if (error instanceof Offline) { this.notBefore = Date.now() + error.afterMs; return "later"; }
      if (error instanceof Problem && (error.code === "conflict" || error.status === 401)) return "later";
      if (error instanceof Problem) return error.code || error.message;
      throw error;
    }
  }

  /** Write down with a step what must be known when it is tried again, also after the page was closed. */
  note(step, more) {
    if (step.whistles === undefined) this.waiting = this.waiting.map((s) => (s.id === step.id ? { ...s, ...more } : s));
  }
}
