// What the page knows: every open ticket, the service's clock, the address. Views are told a few times a second at the most.

import { follow, get, Offline, Problem } from "./api.js";
import { Names } from "./words.js";

const MOST = 20000;
const PAGE = 1000;
const TELL_MS = 200;

export const LIGHTS = ["RED", "YELLOW", "GREEN"];

export class Store {
  constructor() {
    this.tickets = new Map();
    this.versions = new Map();
    this.fresh = new Map();
    this.alerts = [];
    this.flows = false;
    this.isFollowing = true;
    this.isLoaded = false;
    this.capped = false;
    this.trouble = null;
    this.clock = { server: Date.now(), client: performance.now(), speed: 1 };
    this.listeners = new Set();
    this.revision = 0;
    this.kept = {};
    this.telling = 0;
    this.toldAt = -TELL_MS;
  }

  /** The service's present instant, in milliseconds. */
  now() { return this.clock.server + (performance.now() - this.clock.client) * this.clock.speed; }

  listen(call) { this.listeners.add(call); return () => this.listeners.delete(call); }

  changed() {
    this.revision += 1;
    if (this.telling) return;
    const soon = Math.max(0, this.toldAt + TELL_MS - performance.now()); // the first news after a rest is told at once
    this.telling = setTimeout(() => { this.telling = 0; this.toldAt = performance.now(); this.listeners.forEach((call) => call()); }, soon);
  }

  async start() {
    const [names, area] = await Promise.all([this.patiently("/v1/names"), this.patiently("/v1/area")]);
    this.names = new Names(names);
    this.area = area;
    follow((event, data) => this.hear(event, data), (flows, status) => {
      this.flows = flows;
      if (flows) this.trouble = null; else if (status) this.trouble = { status };
      this.changed();
    });
  }

  /** What a path answers, however long it takes; the view says what stands in the way meanwhile. */
  async patiently(path) {
    for (;;) {
      try {
        const answer = await get(path);
        this.trouble = null;
        return answer;
      } catch (error) {
        if (!(error instanceof Offline || error instanceof Problem)) throw error;
        this.trouble = error;
        this.changed();
        await new Promise((done) => setTimeout(done, Math.max(2000, error.afterMs || 0)));
      }
    }
  }

  /** What a path answers, or nothing where it does not: the page goes on without. */
  async perhaps(path) {
    try { return await get(path); } catch (error) {
      if (!(error instanceof Offline || error instanceof Problem)) throw error;
      return null;
    }
  }

  hear(event, data) {
    if (event === "hello" || event === "clock") {
      this.clock = { server: Date.parse(data.now), client: performance.now(), speed: data.speed };
      this.isFollowing = data.is_following;
    }
    if ((event === "hello" && !this.isLoaded) || event === "missed") this.load();
    if (event === "ticket") this.put(data, true);
    if (event === "alert") this.alerts = [data, ...this.alerts.filter((a) => a.id !== data.id)].slice(0, 50);
    this.changed();
  }

  put(ticket, isFresh) {
    if ((this.versions.get(ticket.ticket_id) || 0) > ticket.version) return;
    this.versions.set(ticket.ticket_id, ticket.version);
    if (ticket.closed_at) this.tickets.delete(ticket.ticket_id);
    else {
      if (isFresh && !this.tickets.has(ticket.ticket_id)) this.fresh.set(ticket.ticket_id, performance.now());
      this.tickets.set(ticket.ticket_id, ticket);
    }
  }

  /** Read every open ticket. News may come meanwhile: the higher version counts; what is not there any more is closed. */
  async load() {
    if (this.loading) { this.again = true; return; }
    this.loading = true;
    const seen = new Set(), before = new Map(this.versions);
    let last = "";
    for (let after = "", n = 0; ; ) {
      const page = await this.patiently(`/v1/queue?limit=${PAGE}${after && `&after=${encodeURIComponent(after)}`}`);
      for (const t of page.tickets) { seen.add(t.ticket_id); this.put(t, false); last = standsAt(t); }
      n += page.tickets.length;
      after = page.next;
      this.capped = Boolean(after) && n >= MOST;
      this.changed();
      if (!after || n >= MOST) break;
    }
    this.forget(gone(this.tickets, this.versions, before, seen, this.capped ? last : ""));
    const system = await this.perhaps("/v1/system"); // not everybody may see it
    if (system) this.alerts = system.alerts;
    this.isLoaded = true;
    this.loading = false;
    this.changed();
    if (this.again) { this.again = false; this.load(); }
  }

  forget(ids) { for (const id of ids) this.tickets.delete(id); }

  /** What `make` makes of the tickets, anew only when a ticket or the filters have changed: the page is drawn every second. */
  derived(name, filters, make) {
    const key = JSON.stringify(filters) + this.revision;
    if (this.kept[name]?.key !== key) this.kept[name] = { key, made: make([...this.tickets.values()]) };
    return this.kept[name].made;
  }

  /** The tickets that fit: what units must still do first, of that what is red, then the nearest deadline; kept until
      something changes. */
  list(filters) {
    return this.derived("list", filters, (all) => inOrder(all.filter((t) => suits(t, filters))));
  }
}

/** The tickets that a whole reading did not bring and that nothing was heard of since it began: they are closed. What a
    reading that was broken off did not come to (behind `last` in the queue) is left. */
export function gone(tickets, versions, before, seen, last) {
  return [...tickets.values()].filter((t) => !seen.has(t.ticket_id) && before.get(t.ticket_id) === versions.get(t.ticket_id) && (!last || standsAt(t) < last)).map((t) => t.ticket_id);
}

/** Its clock does not run against a unit: the work is handed in, put off, or waits for another ticket's. */
export const isResting = (t) => (["RESOLVED", "FOLLOWING_UP", "HUNG", "MERGED"].includes(t.state) ? 1 : 0);

/** Where it stands in a queue: by its deadline, or further up where it was raised. */
const standsAt = (t) => t.queue_at || t.due_at;

/** A light may be red before the ticket is due: somebody should have been there by now. */
export function inOrder(tickets) {
  const keys = new Map(tickets.map((t) => [t, `${isResting(t)}${t.light === "RED" ? 0 : 1}${standsAt(t)}${t.ticket_id}`]));
  return tickets.sort((a, b) => (keys.get(a) < keys.get(b) ? -1 : 1));
}

export const placeOf = (t) => t.grid || t.township || t.county;

export function suits(t, f) {
  return (!f.light || t.light === f.light) && (!f.urgency || t.urgency === f.urgency) && (!f.state || t.state === f.state)
    && (!f.size || t.size === f.size) && (!f.unit || t.unit === f.unit || t.supporting?.includes(f.unit)) && (!f.grid || placeOf(t).startsWith(f.grid))
    && (!f.category || t.category.startsWith(f.category)) && (!f.no || t.ticket_no.includes(f.no)) && (!f.before || t.due_at < f.before);
}

const CHECKS = {
  view: /^(board|units|merges|system|ticket)$/, light: /^(RED|YELLOW|GREEN)$/, urgency: /^U[123]$/, size: /^(SMALL|BIG|UNSIZED)$/, state: /^[A-Z_]{3,20}$/,
  grid: /^\d{6,15}$/, category: /^\d{2,6}$/, unit: /^[a-z0-9:-]{1,80}$/, no: /^\d{1,20}$/, before: /^\d{4}-\d\d-\d\dT[\d:.]+Z$/,
  id: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
};

/** The address as filters, and what in it makes no sense. */
export function readAddress(search, names) {
  const asked = new URLSearchParams(search), filters = { view: "board" }, unknown = [];
  for (const [key, value] of asked) {
    const isKnown = CHECKS[key]?.test(value) && (key !== "state" || value in names.all.lifecycle.ticket.states) && (key !== "unit" || value in names.all.units);
    if (isKnown) filters[key] = value; else unknown.push(`${key}=${value}`.slice(0, 80));
  }
  if (filters.view === "ticket" && !filters.id) { filters.view = "board"; unknown.push("id"); }
  return { filters, unknown };
}

export function address(filters) {
  const kept = Object.entries(filters).filter(([key, value]) => value && !(key === "view" && value === "board"));
  return kept.length ? `?${new URLSearchParams(kept)}` : location.pathname;
}
