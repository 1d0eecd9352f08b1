// What all explorers share: the block of numbers, the state, the frame around a picture, a little drawing.
//
// An explorer is EXPLORERS[kind] = (ui) => ({draw(state), write(state), say(state), table(state), code(state)}).
// It builds its panels once with `ui`; `draw` only moves what is there, `write` (if any) changes the words and numbers
// around it and what else can wait for a frame.  All text reaches the page as textContent.

const EXPLORERS = {};

const CSS = `
:host { display: block; max-width: 1120px; }
.root { --fg: #1b1f24; --soft: #57606a; --line: #d0d7de; --grid: #eaeef2; --bg: #ffffff; --panel: #f6f8fa; --accent: #0b62c4;
  --plus: 11, 98, 196; --minus: 200, 84, 0; --shared: #1b1f24; --warn: #a40e26;
  color: var(--fg); background: var(--bg); font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; box-sizing: border-box; }
.root[data-theme="dark"] { --fg: #e8eaed; --soft: #a9b1ba; --line: #444c56; --grid: #2d333b; --bg: #16191d; --panel: #1f242a;
  --accent: #6cb2ff; --plus: 108, 178, 255; --minus: 255, 159, 80; --shared: #e8eaed; --warn: #ff8f9c; }
* { box-sizing: border-box; }
h3 { font-size: 17px; line-height: 1.3; margin: 0 0 2px; }
h4 { font-size: 13.5px; margin: 0 0 2px; font-weight: 650; }
p { margin: 0; }
.about, .note { color: var(--soft); } .note { font-size: 12.5px; }
.controls { display: flex; flex-wrap: wrap; gap: 6px 18px; margin: 10px 0 4px; align-items: end; }
.control { display: flex; flex-direction: column; gap: 2px; min-width: 0; } .control.wide { flex: 1 1 100%; } .control.short { width: 230px; }
label, .label { font-weight: 600; font-size: 13px; } label output { font-weight: 400; font-variant-numeric: tabular-nums; }
input[type=range] { display: block; contain: size layout; width: 100%; margin: 4px 0 0; accent-color: var(--accent); height: 22px; cursor: pointer; }
@media (forced-colors: none) { /* our own look: the system's thumb makes Chromium sort the layers of the whole page at every move */
  input[type=range] { appearance: none; background: linear-gradient(var(--soft) 0 0) center / calc(100% - 12px) 4px no-repeat var(--bg); }
  input[type=range]::-webkit-slider-thumb { appearance: none; width: 16px; height: 16px; border-radius: 8px; background: var(--accent); }
  input[type=range]::-moz-range-thumb { width: 16px; height: 16px; border: 0; border-radius: 8px; background: var(--accent); } }
.track { position: relative; } .ends { display: flex; justify-content: space-between; gap: 12px; font-size: 12.5px; color: var(--soft); }
.ends span:last-child { text-align: right; }
.mark { position: absolute; top: -3px; transform: translateX(-50%); font-size: 11px; line-height: 1; color: var(--fg); pointer-events: none; }
select, input[type=text], button { font: inherit; font-size: 13px; color: var(--fg); background: var(--bg); border: 1px solid var(--soft);
  border-radius: 6px; padding: 4px 8px; min-height: 30px; max-width: 100%; }
button { cursor: pointer; background: var(--panel); } button[aria-pressed=true] { background: var(--accent); color: var(--bg); border-color: var(--accent); }
button:disabled { opacity: .5; cursor: default; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.controls, .say, .panel { isolation: isolate; background: var(--bg); } /* what changes is painted in a box of its own that stays: see "fast" below */
.value { display: inline-block; min-width: 3.4em; background: var(--bg); font-weight: 700; font-variant-numeric: tabular-nums; } .value:empty { display: none; }
.say { min-height: 3.1em; margin: 6px 0 8px; padding: 7px 10px; background: var(--panel); border-left: 4px solid var(--accent); border-radius: 4px; }
.panels { display: grid; grid-template-columns: var(--columns, repeat(2, minmax(0, 1fr))); gap: 12px 20px; } .panel { min-width: 0; } .panel.full { grid-column: 1 / -1; }
.narrow :is(th, td) { padding: 2px 4px; min-width: 0 !important; } .narrow .wrap td { white-space: normal; } .narrow .wrap :is(th, td) { padding: 2px; } .narrow .panels { grid-template-columns: minmax(0, 1fr); }
svg { display: block; width: 100%; overflow: visible; } svg text { fill: var(--fg); font-size: 12px; } svg .soft { fill: var(--soft); }
.track, .layer, .still { background: var(--bg); } .picture { position: relative; } .moving { position: absolute; inset: 0; pointer-events: none; }
.root:is(:hover, :focus-within) :is(.track, .say, .layer, .still, .moving) { will-change: transform; } /* the hand is here */
svg .grid { fill: none; stroke: var(--grid); } svg .axis { stroke: var(--line); } svg .cursor { stroke: var(--fg); stroke-width: 1.5; } svg .best { stroke: var(--soft); stroke-dasharray: 2 3; }
.tools { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 10px; align-items: center; }
.more { margin-top: 8px; overflow-x: auto; max-height: 320px; overflow-y: auto; } [hidden] { display: none !important; }
table { border-collapse: collapse; font-size: 12.5px; font-variant-numeric: tabular-nums; } th, td { padding: 2px 7px; white-space: nowrap; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } th { font-weight: 650; }
pre { margin: 0; padding: 8px 10px; background: var(--panel); border-radius: 4px; font: 12.5px/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-x: auto; user-select: all; }
.error { color: var(--warn); border: 1px solid var(--warn); border-radius: 4px; padding: 6px 10px; margin: 6px 0; white-space: pre-wrap; }
`;

// Fast: Chromium repaints what changed, but it sorts the layers of the whole page again (1.3 to 1.9 ms in JupyterLab, every
// frame) if an area that is painted by itself changes its extent.  So what moves lies inside a box that is painted too and
// stays: `.value` around a number, the sheet under a picture, the parts of the frame above.  And a shape is made pale
// with fill-opacity or stroke-opacity: `opacity` would make it such an area.  While the hand is on an explorer, its slider,
// its sentence and both sheets of its pictures are layers of their own: their pixels are drawn again, not every tile of the
// page that they touch; and what stands still on the lower sheet is not drawn again either.  A slider's layout ends at the
// slider (contain), not at the page.  When a hand that has rested moves, its first frame draws the picture only: the eye is
// there, the words can wait for the next (View.step).
const REST = 50; // milliseconds without a picture: the hand has rested

// ---- building and drawing ---------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";
/** An element; text children become text nodes, so a sentence with markup in it stays a sentence. */
function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key in node && key !== "list") node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}
function s(tag, attributes = {}, text = null) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== null) node.textContent = text;
  return node;
}
/** Change what differs: an attribute that is set again is work for the browser, though it says the same. */
function set(node, attributes) {
  for (const key in attributes) if (node.getAttribute(key) !== String(attributes[key])) node.setAttribute(key, attributes[key]);
}
/** One more: those who watch the page learn so that something was drawn or written. */
function count(data, name) {
  data[name] = String(Number(data[name] ?? 0) + 1);
}
/** Change a text only if it differs: an unchanged text costs no layout and is not read out again. */
function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
const DASH = ["", "7 3", "2 3", "9 3 2 3", "4 2", "12 4"];
/** Marker number i: circle, square, triangle, diamond, pentagon, cross, around where the pen is.  Never colour alone. */
const MARKER = [
  "m4.5,0a4.5,4.5 0 1,1 -9,0a4.5,4.5 0 1,1 9,0z", "m-4,-4h8v8h-8z", "m0,-5.2l5,9.2h-10z", "m0,-5.8l5.4,5.8l-5.4,5.8l-5.4,-5.8z",
  "m0,-5.2l5,3.7l-2,5.9h-6l-2,-5.9z", "m-5,-2h3v-3h4v3h3v4h-3v3h-4v-3h-3z",
];
function marker(i, color) {
  const node = s("path", { fill: color, stroke: "var(--bg)", "stroke-width": 1 });
  node.shape = MARKER[i % MARKER.length];
  return move(node, [0, 0]);
}
/** Put a marker (at one place or several) or a circle where it belongs, by its own numbers: many transforms that change
 * with every frame are work for the browser. */
function move(node, ...places) {
  if (node.shape) set(node, { d: places.map(([x, y]) => `M${x.toFixed(1)},${y.toFixed(1)}${node.shape}`).join("") });
  else set(node, { cx: places[0][0], cy: places[0][1] });
  return node;
}
const percent = (x) => `${Math.round(100 * x)} %`;
const minus = (text) => text.replace("-", "−");
const signed = (x, digits = 1) => (x >= 0 ? "+" : "") + minus(x.toFixed(digits));
/** A number as a person would write it: three digits, no exponent unless it is very small or large. */
function short(x) {
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size < 9e-6 || size >= 1e5) return minus(x.toExponential(1).replace("e+", "e"));
  return minus(Number(x.toPrecision(size >= 1 ? 3 : 2)).toFixed(7).replace(/\.?0+$/, ""));
}
/** About n round tick values from low to high. */
function ticks(low, high, n = 5) {
  const raw = (high - low) / n || 1, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((m) => m >= raw * 0.999);
  const out = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-6; k++) out.push(Number((k * step).toPrecision(12)));
  return out;
}
/** A place for a picture, in two sheets: the svg for what stands still, and over it svg.top for what moves. */
function canvas(panel) {
  const [svg, top] = ["still", "moving"].map((name) => s("svg", { class: name, "aria-hidden": "true" })); // the sentence and the table say what it shows
  panel.append(h("div", { className: "picture" }, svg, top));
  svg.top = top;
  return svg;
}
/** An empty sheet to draw on: an svg, or a part of one. */
function sheet(svg, { width, height }) {
  svg.replaceChildren(s("rect", { width, height, fill: "var(--bg)" }));
  svg.top?.replaceChildren();
  const whole = svg.ownerSVGElement ?? svg;
  for (const each of [whole, whole.top]) set(each, { viewBox: `0 0 ${width} ${height}`, height });
}
/** An empty plot: scales, grid, axis labels. box = {width, height, left, right, top, bottom}. */
function axes(svg, box, { x, y, xTicks = [], yTicks = [], xText = short, yText = short, xName = "", yName = "" }) {
  sheet(svg, box);
  const innerW = box.width - box.left - box.right, innerH = box.height - box.top - box.bottom;
  const X = (v) => box.left + ((v - x[0]) / (x[1] - x[0] || 1)) * innerW, Y = (v) => box.top + innerH - ((v - y[0]) / (y[1] - y[0] || 1)) * innerH;
  const bottom = box.top + innerH;
  const lines = [...yTicks.map((v) => `M${box.left},${Y(v)}h${innerW}`), ...xTicks.map((v) => `M${X(v)},${box.top}V${bottom}`)];
  svg.append(s("path", { class: "grid", d: lines.join("") }), s("path", { class: "axis", d: `M${box.left},${bottom}h${innerW}` }));
  for (const v of yTicks) svg.append(s("text", { class: "soft", x: box.left - 6, y: Y(v) + 4, "text-anchor": "end" }, yText(v)));
  for (const v of xTicks) svg.append(s("text", { class: "soft", x: X(v), y: bottom + 16, "text-anchor": "middle" }, xText(v)));
  if (xName) svg.append(s("text", { class: "soft", x: box.left + innerW / 2, y: box.height - 3, "text-anchor": "middle" }, xName));
  if (yName) svg.append(s("text", { class: "soft", x: box.left - 30, y: box.top - 8 }, yName));
  return { X, Y, bottom, innerW, innerH };
}
const line = (points) => "M" + points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L");

// ---- one store per widget: all its views show the same state ------------------------------------------------------

/** Arrays by name, from one block: read("w")(i, j) is a number, read("w").row(i) a Float32Array. */
function reader(block, layout) {
  const bytes = block instanceof DataView ? block.buffer.slice(block.byteOffset, block.byteOffset + block.byteLength) : block;
  const all = new Float32Array(bytes), made = {};
  return (name) => {
    if (made[name]) return made[name];
    const [offset, shape] = layout[name], strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
    const [s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0] = strides; // written out: a frame reads hundreds of numbers
    const at = (a, b = 0, c = 0, d = 0, e = 0) => all[offset + a * s0 + b * s1 + c * s2 + d * s3 + e * s4];
    at.shape = shape;
    at.row = (...index) => {
      const start = offset + index.reduce((sum, k, i) => sum + k * strides[i], 0);
      return all.subarray(start, start + (strides[index.length - 1] ?? 1));
    };
    at.all = all.subarray(offset, offset + shape.reduce((a, b) => a * b, 1));
    return (made[name] = at);
  };
}

class Store {
  constructor(model) {
    this.model = model;
    this.spec = model.get("spec");
    this.first = { ...this.spec.start };
    this.state = { ...this.first, ...model.get("state") };
    this.views = new Set();
    this.read = reader(model.get("block"), this.spec.layout);
    this.problem = "";
    this.heard = (message) => this.hear(message);
    model.on("msg:custom", this.heard);
  }
  refresh() {
    for (const view of this.views) view.schedule();
  }
  update(change) {
    Object.assign(this.state, change);
    this.refresh();
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.save(), 250); // the kernel hears of it when the hand rests
  }
  save() {
    this.model.set("state", { ...this.state });
    this.model.save_changes();
  }
  hear(message) {
    if (!message.move) return;
    Object.assign(this.state, message.move);
    this.moved?.(message.move);
    this.refresh();
  }
}

// ---- the frame: title, controls, sentence, panels, tools ------------------------------------------------------------

/** Dark or light: JupyterLab says, Colab says, else the system says. */
function darkNow() {
  const lab = document.body?.dataset.jpThemeLight;
  if (lab !== undefined) return lab === "false";
  const colab = document.documentElement.getAttribute("theme");
  return colab ? colab === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

class View {
  constructor(store, el) {
    this.store = store;
    this.spec = store.spec;
    this.host = h("div", { className: "ragteach-explorer" });
    this.host.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab: our keys are not its shortcuts
    this.root = h("div", { className: "root" });
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", this.spec.title);
    this.controls = h("div", { className: "controls" });
    this.words = h("p", { className: "say" });
    this.words.setAttribute("aria-live", "polite");
    this.error = h("div", { className: "error", hidden: true });
    this.error.setAttribute("role", "alert");
    this.panels = h("div", { className: "panels" });
    this.root.append(h("h3", {}, this.spec.title), h("p", { className: "about" }, this.spec.about), this.controls, this.words, this.error, this.panels);
    this.syncs = []; // controls that show the state
    this.labels = []; // and what is written beside them
    this.layouts = [];
    const shadow = this.host.attachShadow({ mode: "open" });
    shadow.append(h("style", {}, CSS), this.root);
    el.append(this.host);
    this.explorer = EXPLORERS[store.model.get("kind")](this);
    store.moved = (to) => this.explorer.accept?.(to, this.store.state);
    this.root.append(this.tools());
    for (const type of ["keydown", "keyup", "keypress", "paste", "copy", "cut"]) this.host.addEventListener(type, (event) => event.stopPropagation());
    this.theme = () => (this.root.dataset.theme = darkNow() ? "dark" : "light");
    this.theme();
    this.media = matchMedia("(prefers-color-scheme: dark)");
    this.media.addEventListener("change", this.theme);
    this.watch = new MutationObserver(this.theme);
    for (const node of [document.documentElement, document.body]) if (node) this.watch.observe(node, { attributes: true, attributeFilter: ["data-jp-theme-light", "theme"] });
    this.size = new ResizeObserver(() => this.resize());
    this.held = [this.words, ...this.controls.querySelectorAll("label")]; // texts that may need one line more, or less
    for (const node of [this.host, ...this.held]) this.size.observe(node);
    store.views.add(this);
    this.resize();
  }
  get state() {
    return this.store.state;
  }
  get read() {
    return this.store.read;
  }
  update(change) {
    this.store.update(change);
  }
  resize() {
    const width = this.host.clientWidth;
    if (width !== this.width) {
      this.width = width;
      if (!width) return; // taken off the page, for the moment
      this.root.classList.toggle("narrow", width < 720);
      for (const layout of this.layouts) layout();
      for (const node of this.held) node.style.minHeight = "";
      this.draw(); // at once: no frame may show the emptied pictures
    }
    const heights = this.held.map((node) => Math.ceil(node.getBoundingClientRect().height));
    this.held.forEach((node, i) => (node.style.minHeight = `${heights[i]}px`)); // as high as ever: nothing jumps under the hand
  }
  /** Something has changed: draw it in the next frame. */
  schedule() {
    this.moved = true;
    this.queue();
  }
  queue() {
    this.frame ??= requestAnimationFrame((now) => this.step(now));
  }
  /** One frame: the picture; and the words with it while the hand moves on, in the next frame when it has just begun. */
  step(now) {
    this.frame = null;
    const begun = this.moved && !this.behind && !(now - this.painted < REST);
    if (this.moved) this.paint(now);
    if (begun) this.queue();
    else this.write();
    this.behind = begun; // the words are, by one frame and never by two
  }
  /** All of it, at once. */
  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    this.paint();
    this.write();
  }
  paint(now = 0) {
    this.painted = now;
    this.moved = false;
    this.failure = "";
    this.attempt((state) => {
      for (const sync of this.syncs) sync(state);
      if (this.width) this.explorer.draw(state);
      count(this.root.dataset, "drawn");
    });
  }
  write() {
    this.attempt((state) => {
      for (const label of this.labels) label(state);
      if (this.width) this.explorer.write?.(state);
      put(this.words, this.explorer.say(state));
      count(this.root.dataset, "written");
      if (!this.tableBox.hidden) this.fillTable();
      if (!this.codeBox.hidden) put(this.codeBox, this.explorer.code(state));
    });
  }
  attempt(action) {
    try {
      action(this.state);
    } catch (error) {
      this.failure = `This explorer failed: ${error.message}`;
    }
    const text = this.failure || this.store.problem;
    this.error.hidden = !text;
    put(this.error, text);
  }
  panel(title, { full = false, note = "" } = {}) {
    const box = h("div", { className: full ? "panel full" : "panel" }, h("h4", {}, title));
    if (note) box.append(h("p", { className: "note" }, note));
    this.panels.append(box);
    return box;
  }
  /** A picture whose size follows the page: make(svg, width) is called again whenever that changes. */
  picture(panel, make) {
    const svg = canvas(panel);
    this.layouts.push(() => make(svg, Math.max(220, panel.clientWidth)));
  }
  slider({ name, label, max, min = 0, step = 1, text, ends = null, mark = null, wide = true }) {
    const input = h("input", { type: "range", min, max: String(max), step });
    input.max = max;
    input.setAttribute("aria-label", label);
    const value = h("output"), track = h("div", { className: "track" }, input);
    input.addEventListener("input", () => this.update({ [name]: Number(input.value) }));
    if (mark) {
      const part = (mark.at - min) / (max - min || 1);
      track.append(h("span", { className: "mark", style: `left: calc(8px + ${part} * (100% - 16px))`, title: mark.text }, "▼"));
    }
    const box = h("div", { className: wide ? "control wide" : "control short" }, h("label", {}, `${label} `, value), track);
    if (ends) box.append(h("div", { className: "ends" }, ...ends.map((end) => h("span", {}, end))));
    this.controls.append(box);
    this.syncs.push((state) => {
      if (Number(input.value) !== state[name]) input.value = state[name];
    });
    this.labels.push((state) => {
      const said = text(state[name], state);
      put(value, said);
      if (input.getAttribute("aria-valuetext") !== said) input.setAttribute("aria-valuetext", said);
    });
    return input;
  }
  choice({ name, label, options, into = this.controls, change = (v) => this.update({ [name]: v }) }) {
    const select = h("select", {}, ...options.map((text, i) => h("option", { value: i }, text)));
    select.setAttribute("aria-label", label);
    select.addEventListener("change", () => change(Number(select.value)));
    into.append(h("div", { className: "control" }, h("span", { className: "label" }, label), select));
    let shown = null;
    this.syncs.push((state) => {
      if (shown !== state[name]) select.value = shown = state[name];
    });
    return select;
  }
  tools() {
    this.tableBox = h("div", { className: "more", hidden: true });
    this.codeBox = h("pre", { hidden: true, tabIndex: 0 });
    const said = h("span", { className: "note" });
    said.setAttribute("role", "status");
    const numbers = h("button", { type: "button", "aria-expanded": "false", onclick: () => {
      this.tableBox.hidden = !this.tableBox.hidden;
      numbers.setAttribute("aria-expanded", String(!this.tableBox.hidden));
      this.schedule();
    } }, "Table of the numbers");
    const copy = h("button", { type: "button", onclick: async () => {
      this.codeBox.hidden = false;
      this.codeBox.textContent = this.explorer.code(this.state);
      try {
        await navigator.clipboard.writeText(this.codeBox.textContent);
        said.textContent = "Copied.";
      } catch {
        said.textContent = "Select the code below and copy it.";
      }
      setTimeout(() => (said.textContent = ""), 3000);
    } }, "Copy as code");
    const reset = h("button", { type: "button", onclick: () => {
      this.codeBox.hidden = this.tableBox.hidden = true;
      numbers.setAttribute("aria-expanded", "false");
      this.store.problem = "";
      this.update(structuredClone(this.store.first));
      this.explorer.reset?.();
    } }, "Reset");
    return h("div", {}, h("div", { className: "tools" }, reset, numbers, copy, said), this.codeBox, this.tableBox);
  }
  fillTable() {
    const { head, rows } = this.explorer.table(this.state);
    const cells = (tag, values) => h("tr", {}, ...values.map((v) => h(tag, {}, String(v))));
    this.tableBox.replaceChildren(h("table", {}, h("thead", {}, cells("th", head)), h("tbody", {}, ...rows.map((row) => cells("td", row)))));
  }
  /** The figure that stands before us (and its description) shows the same, standing still: it steps aside. */
  hideTwin(tries = 90) {
    const mine = this.host.closest(".jp-OutputArea-child");
    if (!mine && tries > 0) this.later = setTimeout(() => this.hideTwin(tries - 1), 50);
    this.twin = [];
    for (let node = mine?.previousElementSibling; node && this.twin.length < 2; node = node.previousElementSibling) {
      const image = node.querySelector("img");
      if (image ? image.alt && image.alt !== this.spec.alt : !node.querySelector("details")) break;
      this.twin.push(node);
      node.style.display = "none";
      if (image) break;
    }
  }
  destroy() {
    this.store.views.delete(this);
    clearTimeout(this.later);
    cancelAnimationFrame(this.frame);
    this.size.disconnect();
    this.watch.disconnect();
    this.media.removeEventListener("change", this.theme);
    this.explorer.destroy?.();
    if (!this.store.views.size) for (const node of this.twin ?? []) node.style.display = "";
    this.host.remove();
  }
}

export default () => {
  let store;
  return {
    initialize({ model }) {
      store = new Store(model);
      return () => { clearTimeout(store.saving); model.off("msg:custom", store.heard); };
    },
    render({ model, el }) {
      store ??= new Store(model);
      const view = new View(store, el);
      view.hideTwin();
      return () => view.destroy();
    },
  };
};
