// What a worker has done and the service does not know yet: kept on the phone, sent in order, each once.

import { get, Offline, post, Problem } from "./api.js";

const KEY = "gd.outbox";
const TRIES_MS = 3000;
const AFTER = { "sign": ["SIGNED", "HANDLING", "SUBMITTED", "ACCEPTED_RESULT"], "contact": ["HANDLING", "SUBMITTED", "ACCEPTED_RESULT"], "resolve": ["SUBMITTED", "ACCEPTED_RESULT"] };

export class Outbox {
  constructor(changed) {
    this.changed = changed;
    this.busy = false;
    this.refused = [];
    this.sent = [];
    addEventListener("online", () => this.flush());
    setInterval(() => this.flush(), TRIES_MS);
  }

  get waiting() { try { return JSON.parse(localStorage.getItem(KEY) || "[]"); } catch { return []; } }
  set waiting(steps) { localStorage.setItem(KEY, JSON.stringify(steps)); this.changed(); }

  add(step) {
    this.waiting = [...this.waiting, { ...step, id: crypto.randomUUID(), at: new Date().toISOString() }];
    return this.flush();
  }

  has(assignment, name) { return [...this.waiting, ...this.sent].some((s) => s.assignment === assignment && s.name === name); }

  /** Send what waits, one after the other; stop at the first that cannot be sent now. */
  async flush() {
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.waiting.length) {
        const [step] = this.waiting;
        const verdict = await this.send(step);
        if (verdict === "later") break;
        if (verdict === "done") this.sent = [...this.sent, step];
        else this.refused = [...this.refused, { step, why: verdict }];
        this.waiting = this.waiting.filter((s) => s.id !== step.id); // read anew: more may have been added meanwhile
      }
    } finally { this.busy = false; this.changed(); }
  }

  /** "done", "later", or why not. The ticket is read just before: its version is the one the step is for, and a step
      whose effect is there already was sent before the answer got lost. */
  async send(step) {
    try {
      const ticket = await get(`/v1/tickets/${step.ticket}`), share = ticket.assignments.find((a) => a.id === step.assignment);
      if (share && AFTER[step.name]?.includes(share.state)) return "done";
      if (step.name === "check-in" && share?.checked_in_at) return "done";
      if (step.name === "blow-whistle" && ticket.whistles.some((w) => Date.parse(w.at) >= Date.parse(ticket.accepted_at) && w.kind === step.body.kind && step.body.units.includes(w.unit))) return "done";
      const path = step.name === "blow-whistle" ? `/v1/tickets/${step.ticket}/blow-whistle` : `/v1/assignments/${step.assignment}/${step.name}`;
      await post(path, ticket.version, step.body);
      return "done";
    } catch (error) {
      if (error instanceof Offline || (error instanceof Problem && (error.code === "conflict" || error.status === 401))) return "later";
      if (error instanceof Problem) return error.code || error.message;
      throw error;
    }
  }
}
