// Talking to the service: one fetch with a deadline, who asks, and the live stream that finds its way back.

const DEADLINE_MS = 8000;
const SILENCE_MS = 35000;

export class Problem extends Error {
  constructor(status, body) {
    super(body.title || String(status));
    this.status = status;
    this.code = String(body.type || "").split(":").pop();
    this.body = body;
  }
}
/** Not now: no connection, or the service asks to come again, in `afterMs` at the earliest. */
export class Offline extends Error {
  constructor(text, afterMs = 0, status = 0) {
    super(text);
    this.afterMs = afterMs;
    this.status = status; // 0: nobody answered
  }
}

/** Answers that say nothing about what was asked: too late, too early, too much, nobody there. */
const LATER = new Set([408, 425, 429, 502, 503, 504]);
const LONGEST_WAIT_MS = 600_000;

/** How long Retry-After asks to wait, in seconds or until a date; 0 where it says nothing that makes sense. */
export function retryAfterMs(text, now = Date.now()) {
  const ms = /^\d{1,9}$/.test(text || "") ? Number(text) * 1000 : Date.parse(text || "") - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), LONGEST_WAIT_MS) : 0;
}

/** Who asks: role and actor while nobody proves who he is, a token where the service asks for one. */
export const me = {
  get role() { return localStorage.getItem("gd.role") || ""; },
  set role(value) { localStorage.setItem("gd.role", value); },
  get actor() { return localStorage.getItem("gd.actor") || ""; },
  set actor(value) { localStorage.setItem("gd.actor", value); },
  get token() { return sessionStorage.getItem("gd.token") || ""; },
  set token(value) { sessionStorage.setItem("gd.token", value); },
};

function headers(extra) {
  const all = { Accept: "application/json", ...extra };
  if (me.role) all["Griddispatch-Role"] = me.role;
  if (me.role && me.actor) all["Griddispatch-Actor"] = encodeActor(me.actor);
  if (me.token) all.Authorization = `Bearer ${me.token}`;
  return all;
}
const encodeActor = (text) => text.replace(/[^\x20-\x7e]/g, "");

async function call(path, options) {
  let answer;
  try {
    answer = await fetch(path, { ...options, signal: AbortSignal.timeout(DEADLINE_MS) });
  } catch (error) {
    throw new Offline(String(error));
  }
  const text = await answer.text().catch(() => { throw new Offline("cut off"); });
  let body = {};
  try { body = text ? JSON.parse(text) : {}; } catch { body = { title: text.slice(0, 200) }; }
  if (LATER.has(answer.status)) throw new Offline(body.title || String(answer.status), retryAfterMs(answer.headers.get("Retry-After")), answer.status);
  if (!answer.ok) throw new Problem(answer.status, body);
  return body;
}

export const get = (path) => call(path, { headers: headers() });
export const post = (path, version, body) =>
  call(path, { method: "POST", body: JSON.stringify(body), headers: headers({ "Content-Type": "application/json", "If-Match": `"${version}"` }) });

/** The same for a service that asks for no version: what is decided there is decided once. */
export const send = (path, body) => call(path, { method: "POST", body: JSON.stringify(body), headers: headers({ "Content-Type": "application/json" }) });

/** Follow the stream for as long as the page lives. `hear(event, data)`; `flows(bool, status)` when it begins or breaks. */
export async function follow(hear, flows) {
  let position = "";
  for (let failures = 0; ; failures += 1) {
    let asked = 0, status = 0;
    try {
      await listen(position, (event, data, id) => {
        failures = 0;
        position = id || position;
        if (event) hear(event, data);
      }, flows);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof DOMException || error instanceof Offline)) throw error;
      ({ afterMs: asked = 0, status = 0 } = error);
    }
    flows(false, status);
    await new Promise((done) => setTimeout(done, Math.max(asked, Math.min(10000, 500 * 2 ** failures)) * (0.75 + Math.random() / 2)));
  }
}

async function listen(position, tell, flows) {
  const control = new AbortController();
  let watch = setTimeout(() => control.abort(), SILENCE_MS);
  try {
    const asked = { ...headers(), Accept: "text/event-stream", ...(position && { "Last-Event-ID": position }) };
    const answer = await fetch("/v1/stream", { headers: asked, signal: control.signal });
    if (!answer.ok) throw new Offline(String(answer.status), retryAfterMs(answer.headers.get("Retry-After")), answer.status);
    flows(true);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(watch);
      watch = setTimeout(() => control.abort(), SILENCE_MS);
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      blocks.forEach((block) => tell(...parse(block)));
    }
  } finally {
    clearTimeout(watch);
  }
}

function parse(block) {
  const said = {};
  for (const line of block.split("\n")) {
    const at = line.indexOf(": ");
    if (at > 0) said[line.slice(0, at)] = line.slice(at + 2);
  }
  return [said.event, said.data ? JSON.parse(said.data) : null, said.id];
}
