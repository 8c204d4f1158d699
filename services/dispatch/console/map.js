// The map of grids, coloured by open work and marked by lights; below them the tiles of a base map, where there is one.

import { html, useMemo, useState } from "./vendor/preact-htm.js";
import { Light } from "./bits.js";
import { placeOf, suits } from "./state.js";
import { say } from "./words.js";

const WIDE = 1000;
const EDGE = 12;
const TILE_PX = 256;
const FINEST = 18;
const EARTH_M = 40075016.685578488;

/** A point in the Web Mercator, the whole world being one by one from the north-west: tiles then fit their grids exactly. */
const project = ([lon, lat]) => [(lon + 180) / 360, 0.5 - Math.asinh(Math.tan((lat / 180) * Math.PI)) / (2 * Math.PI)];

/** The outlines as paths, and the view they lie in: `west`, `north` and `scale` lead from the world to it. */
export function layout(grids) {
  const worlds = grids.map((g) => g.rings.map((ring) => ring.map(project))), all = worlds.flat(2);
  const [west, north, east, south] = all.reduce(([w, n, e, s], [x, y]) => [Math.min(w, x), Math.min(n, y), Math.max(e, x), Math.max(s, y)], [1, 1, 0, 0]);
  const scale = WIDE / Math.max(east - west, south - north), at = ([x, y]) => [(x - west) * scale, (y - north) * scale];
  const cells = grids.map((g, n) => {
    const rings = worlds[n].map((ring) => ring.map(at));
    const flat = rings[0], middle = [0, 1].map((axis) => flat.reduce((sum, p) => sum + p[axis], 0) / flat.length);
    return { ...g, middle, path: rings.map((ring) => `M${ring.map((p) => p.map((v) => v.toFixed(1)).join(" ")).join("L")}Z`).join("") };
  });
  const [wide, high] = at([east, south]);
  return { cells, view: { west, north, east, south, scale }, box: `${-EDGE} ${-EDGE} ${(wide + 2 * EDGE).toFixed(0)} ${(high + 2 * EDGE).toFixed(0)}` };
}

/** The tiles that cover the view, each with its address and its place in the view; a few dozen at the most. */
export function tilesOf({ west, north, east, south, scale }, template) {
  const zoom = Math.max(0, Math.min(FINEST, Math.ceil(Math.log2((0.75 * WIDE) / TILE_PX / Math.max(east - west, south - north)))));
  const count = 2 ** zoom, metres = (part) => ((part - 0.5) * EARTH_M).toFixed(3), found = [];
  for (let x = Math.floor(west * count); x <= Math.floor(east * count); x += 1) {
    for (let y = Math.floor(north * count); y <= Math.floor(south * count); y += 1) {
      const box = [metres(x / count), metres(1 - (y + 1) / count), metres((x + 1) / count), metres(1 - y / count)].join(",");
      const said = { "{z}": zoom, "{x}": x, "{y}": y, "{bbox-epsg-3857}": box };
      found.push({ address: template.replace(/\{[^{}]*\}/g, (name) => said[name]), x: (x / count - west) * scale, y: (y / count - north) * scale, size: scale / count });
    }
  }
  return found;
}

const heat = (n) => (n === 0 ? 0 : n < 3 ? 1 : n < 8 ? 2 : n < 20 ? 3 : 4);
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The nearest cell that way; a step aside counts double. */
export function neighbour(cells, from, [dx, dy]) {
  const found = cells.map((c) => {
    const [x, y] = [c.middle[0] - from.middle[0], c.middle[1] - from.middle[1]];
    return [x * dx + y * dy, Math.abs(x * dy) + Math.abs(y * dx), c];
  });
  const ahead = found.filter(([along, aside]) => along > 1 && along >= aside / 2).sort((a, b) => a[0] + 2 * a[1] - b[0] - 2 * b[1]);
  return ahead.length ? ahead[0][2] : from;
}

/** The middle of every township, for its name. */
function towns(cells) {
  const found = new Map();
  for (const c of cells) {
    const town = found.get(c.township) || { code: c.township, zh: c.township_zh, en: c.township_en, n: 0, x: 0, y: 0 };
    found.set(c.township, { ...town, n: town.n + 1, x: town.x + c.middle[0], y: town.y + c.middle[1] });
  }
  return [...found.values()].map((t) => ({ ...t, x: t.x / t.n, y: t.y / t.n }));
}

const hide = (e) => e.target.setAttribute("visibility", "hidden");

function Tiles({ view, base }) {
  const tiles = useMemo(() => tilesOf(view, base.template), [view, base]);
  return html`<g class="tiles" aria-hidden="true">${tiles.map((t) => html`<image key=${t.address} href=${t.address} x=${t.x} y=${t.y} width=${t.size * 1.002} height=${t.size * 1.002} preserveAspectRatio="none" onError=${hide} />`)}</g>`;
}

export function Grids({ store, filters, set }) {
  const { cells, box, view } = useMemo(() => layout(store.area.grids), [store.area]), base = store.area.base_map;
  const names = useMemo(() => towns(cells), [cells]), [here, setHere] = useState(null), way = filters.grid?.length === 15 ? filters.grid : here || cells[0]?.code;
  const press = (e, c) => {
    if (e.key === "Enter" || e.key === " ") { e.preventDefault(); choose(c.code); }
    if (!ARROWS[e.key]) return;
    e.preventDefault();
    const next = neighbour(cells, c, ARROWS[e.key]).code;
    setHere(next);
    e.currentTarget.parentNode.querySelector(`[data-grid="${next}"]`).focus();
  };
  const loads = new Map();
  for (const t of store.tickets.values()) {
    if (!suits(t, { ...filters, grid: "" })) continue;
    const load = loads.get(placeOf(t)) || { n: 0, RED: 0, YELLOW: 0, GREEN: 0 };
    load.n += 1; load[t.light] += 1; loads.set(placeOf(t), load);
  }
  const none = { n: 0, RED: 0, YELLOW: 0 };
  const choose = (code) => set({ grid: filters.grid === code ? "" : code });
  return html`<section class="panel" aria-label=${say("map")}>
    <header><h2>${say("map")}</h2>${filters.grid && html`<span class="small">${store.names.place(filters.grid)}</span><button class="button push" aria-label=${say("reset")} onClick=${() => set({ grid: "" })}>×</button>`}</header>
    <div class="map ${base ? "based" : ""}"><svg viewBox=${box} preserveAspectRatio="xMidYMid meet" role="group" aria-label=${say("map")}>
      ${base && html`<${Tiles} view=${view} base=${base} />`}
      ${cells.map((c) => { const load = loads.get(c.code) || none; return html`<path key=${c.code} d=${c.path} data-grid=${c.code} tabindex=${c.code === way ? 0 : -1} role="button" aria-pressed=${filters.grid === c.code}
        class="cell h${heat(load.n)} ${filters.grid && c.code.startsWith(filters.grid) ? "chosen" : ""}" onClick=${() => choose(c.code)} onKeyDown=${(e) => press(e, c)}
        aria-label=${`${store.names.pick(c)} · ${store.names.place(c.township)}: ${load.n}, ${store.names.label("Light", "RED")} ${load.RED}`}><title>${`${store.names.pick(c)}\n${say("open")} ${load.n} · ${say("overdue")} ${load.RED} · ${say("soon")} ${load.YELLOW}`}</title></path>`; })}
      ${cells.map((c) => { const load = loads.get(c.code) || none, [x, y] = c.middle;
        return load.RED ? html`<rect class="mark RED" x=${x - 9} y=${y - 9} width="18" height="18" stroke-width="2" />` : load.YELLOW ? html`<path class="mark YELLOW" d=${`M${x} ${y - 11}L${x + 11} ${y + 9}H${x - 11}Z`} stroke-width="2" />` : null; })}
      <g class="towns" aria-hidden="true">${names.map((t) => html`<text x=${t.x} y=${t.y}>${store.names.pick(t)}</text>`)}</g>
    </svg>${base && html`<p class="credit">${base.attribution}</p>`}</div>
    <p class="legend"><span>${say("open")}</span>${[[0, "0"], [1, "1–2"], [2, "3–7"], [3, "8–19"], [4, "20+"]].map(([n, text]) => html`<span><i class="h${n}"></i>${text}</span>`)}
      <span><${Light} light="RED" names=${store.names} /> <${Light} light="YELLOW" names=${store.names} /></span></p>
  </section>`;
}
