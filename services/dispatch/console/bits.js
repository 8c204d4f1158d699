// Small parts of every view: a light with its shape, a countdown, a link that stays in the page.

import { html } from "./vendor/preact-htm.js";
import { address } from "./state.js";
import { say, span, stamp } from "./words.js";

const SHAPES = { RED: "M2 2h12v12H2z", YELLOW: "M8 1.5 15 14H1z" };

export const Light = ({ light, names }) => html`
  <svg class="light ${light}" viewBox="0 0 16 16" role="img" aria-label=${names.label("Light", light)}>
    ${SHAPES[light] ? html`<path d=${SHAPES[light]} />` : html`<circle cx="8" cy="8" r="5.6" />`}
  </svg>`;

/** Time left till an instant, or by how much it has passed. */
export function Due({ at, now, light }) {
  if (!at) return html`<span class="due">–</span>`;
  const left = Date.parse(at) - now;
  const look = left < 0 || light === "RED" ? "late" : light === "YELLOW" ? "soon" : "";
  return html`<span class="due ${look}" title=${stamp(at)}>${left < 0 ? say("late") : say("left")} ${span(left)}</span>`;
}

export const Link = ({ to, go, children, ...rest }) => html`
  <a href=${address(to)} onClick=${(e) => { if (!e.metaKey && !e.ctrlKey) { e.preventDefault(); go(to); } }} ...${rest}>${children}</a>`;

export const Gauge = ({ share, bad }) => html`<span class="gauge ${bad ? "bad" : ""}" aria-hidden="true"><i style=${{ width: `${Math.round(100 * Math.min(1, Math.max(0, share)))}%` }}></i></span>`;
