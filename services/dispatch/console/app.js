// The console: one page, its address, its head, and the view that the address names.

import { html, render, useEffect, useState } from "./vendor/preact-htm.js";
import { maySort } from "./actions.js";
import { me } from "./api.js";
import { Link } from "./bits.js";
import { Board } from "./board.js";
import { address, readAddress, Store } from "./state.js";
import { Merges, System, Units } from "./tables.js";
import { Ticket } from "./ticket.js";
import { dress, language, say, wall } from "./words.js";

function useStore(store) {
  const [, redraw] = useState(0);
  useEffect(() => {
    const again = () => redraw((n) => n + 1), tick = setInterval(again, 1000), off = store.listen(again);
    return () => { clearInterval(tick); off(); };
  }, []);
}

function App({ store }) {
  const [search, setSearch] = useState(location.search), [, redraw] = useState(0);
  useStore(store);
  useEffect(() => {
    const read = () => setSearch(location.search);
    addEventListener("popstate", read);
    return () => removeEventListener("popstate", read);
  }, []);
  if (!store.area) return html`<p class="loading">Grid Dispatch… ${store.trouble ? say("failed") : ""}</p>`;
  const { filters, unknown } = readAddress(search, store.names);
  const go = (next) => {
    const isTyping = next.no !== undefined && next.no !== filters.no;
    history[isTyping ? "replaceState" : "pushState"](null, "", address(next));
    setSearch(location.search);
  };
  const views = { board: Board, units: Units, merges: Merges, system: System };
  return html`
    <${Head} store=${store} filters=${filters} go=${go} redraw=${() => redraw((n) => n + 1)} />
    ${unknown.length > 0 && html`<p class="notice bad" role="alert">${say("badAddress")} <code>${unknown.join("  ")}</code><button class="button" onClick=${() => go(filters)}>OK</button></p>`}
    ${store.trouble && html`<p class="notice bad" role="alert">${say({ 401: "signIn", 403: "notYours" }[store.trouble.status] || "failed")}</p>`}
    ${!store.isFollowing && html`<p class="notice still" role="status">${say("still")}</p>`}
    ${!store.flows && store.isLoaded && html`<p class="notice" role="status">${say("stale")}</p>`}
    ${filters.view === "ticket" ? html`<${Ticket} store=${store} id=${filters.id} go=${go} key=${filters.id} />` : html`<${views[filters.view]} store=${store} filters=${filters} go=${go} />`}`;
}

function Head({ store, filters, go, redraw }) {
  const [isShown, show] = useState(false);
  const roles = Object.keys(store.names.all.roles).filter((r) => r !== "system" && r !== "citizen");
  const tab = (view) => html`<${Link} class="tab" to=${{ view }} go=${go} aria-current=${filters.view === view ? "page" : undefined}>${say(view)}<//>`;
  return html`<header class="bar"><h1>${say("title")}</h1><nav>${tab("board")}${tab("units")}${maySort(store) && tab("merges")}${tab("system")}</nav>
    <span class="pulse ${store.flows && store.isFollowing ? "" : "off"}"><i></i>${store.flows && store.isFollowing ? say("live") : say(store.flows ? "halted" : "stale")}</span>
    <div class="push ${isShown ? "shown" : ""}"><button class="button fold" aria-expanded=${isShown} onClick=${() => show(!isShown)}>${me.role ? store.names.role(me.role) : say("noRole")} ▾</button><span class="wall num">${wall(store.now())}</span>
      <select class="mine" aria-label=${say("role")} value=${me.role} onChange=${(e) => { me.role = e.target.value; redraw(); }}><option value="">${say("noRole")}</option>${roles.map((r) => html`<option value=${r} selected=${r === me.role}>${store.names.role(r)}</option>`)}</select>
      <${Typed} class="mine" aria-label=${say("actor")} placeholder=${say("actor")} size="20" value=${me.actor} take=${(text) => { me.actor = text; redraw(); }} />
      <${Typed} class="mine" type="password" aria-label=${say("token")} placeholder=${say("token")} size="8" autocomplete="off" value=${me.token} take=${(text) => { me.token = text; redraw(); }} />
      <button class="button" onClick=${() => { language.now = 1 - language.now; redraw(); }}>${language.now ? "中文" : "English"}</button>
      <button class="button" onClick=${() => dress(true)}>${say("theme")}</button></div></header>`;
}

/** A field that is taken when it is left or Enter is pressed; until then the page, drawn anew each second, leaves it alone. */
function Typed({ value, take, ...rest }) {
  const [text, setText] = useState(value);
  return html`<input ...${rest} value=${text} onInput=${(e) => setText(e.target.value)} onChange=${(e) => take(e.target.value.trim())} />`;
}

const store = new Store();
dress();
render(html`<${App} store=${store} />`, document.getElementById("root"));
store.start();
