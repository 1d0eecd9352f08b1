// Building and drawing: elements, numbers as a person writes them, markers, axes.  All text reaches the page as textContent.

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
  for (const key in attributes)
    if (node.getAttribute(key) !== String(attributes[key])) node.setAttribute(key, attributes[key]);
}
/** One more: those who watch the page learn so that something was drawn or written. */
function count(data, name) {
  data[name] = String(Number(data[name] ?? 0) + 1);
}
/** Change a text only if it differs: an unchanged text costs no layout and is not read out again. */
function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
// A look is a colour (of twelve), a dash and a marker (of six each). From the seventh on dashes and markers begin again in
// another order, from the thirteenth on colours: of 36 things no two look alike.
const DASH = ["", "7 3", "2 3", "9 3 2 3", "4 2", "12 4"];
const dash = (i) => DASH[(i + 2 * Math.floor(i / 6)) % DASH.length];
/** Colour number i of the theme: a name that the style sheet knows, light and dark. */
const series = (i) => `var(--series-${i % 12})`;
/** Marker number i: circle, square, triangle, diamond, pentagon, cross, around where the pen is.  Never colour alone. */
const MARKER = [
  "m4.5,0a4.5,4.5 0 1,1 -9,0a4.5,4.5 0 1,1 9,0z",
  "m-4,-4h8v8h-8z",
  "m0,-5.2l5,9.2h-10z",
  "m0,-5.8l5.4,5.8l-5.4,5.8l-5.4,-5.8z",
  "m0,-5.2l5,3.7l-2,5.9h-6l-2,-5.9z",
  "m-5,-2h3v-3h4v3h3v4h-3v3h-4v-3h-3z",
];
function marker(i, color) {
  const node = s("path", { fill: color, stroke: "var(--bg)", "stroke-width": 1 });
  node.shape = MARKER[(i + Math.floor(i / 6)) % MARKER.length];
  return move(node, [0, 0]);
}
/** What stands in a legend: a piece of the line, with its marker. */
function sample(i, color, { width = 2, mark = marker(i, color) } = {}) {
  const svg = s("svg", { viewBox: "-13 -7 26 14", class: "sample", "aria-hidden": "true" });
  svg.append(s("line", { x1: -13, x2: 13, stroke: color, "stroke-width": width, "stroke-dasharray": dash(i) }));
  if (mark) svg.append(mark);
  return svg;
}
/** Put a marker (at one place or several) or a circle where it belongs, by its own numbers: many transforms that change
 * with every frame are work for the browser. */
function move(node, ...places) {
  if (node.shape) set(node, { d: places.map(([x, y]) => `M${x.toFixed(1)},${y.toFixed(1)}${node.shape}`).join("") });
  else set(node, { cx: places[0][0], cy: places[0][1] });
  return node;
}
/** How wide a text is in a picture, in pixels. */
function ruler(text) {
  ruler.pen ??= document.createElement("canvas").getContext("2d");
  ruler.pen.font = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
  return ruler.pen.measureText(text).width;
}
/** A text cut so that it fits. */
function clip(text, width) {
  if (ruler(text) <= width) return text;
  const signs = Array.from(text);
  while (signs.length > 1 && ruler(`${signs.join("")}…`) > width) signs.pop();
  return `${signs.join("")}…`;
}
/** Names cut so that they fit; those that would look alike keep their ends, and lose their middles; those that differ in
 * their middles only keep a piece from where they part. */
function clipAll(names, width) {
  const cut = names.map((name) => clip(name, width)),
    twice = (text) => cut.indexOf(text) !== cut.lastIndexOf(text);
  for (const shorter of [clipMiddle, (name, room) => clipFrom(name, room, commonLength(names, name))]) {
    const alike = cut.map((text, i) => text !== names[i] && twice(text));
    alike.forEach((again, i) => again && (cut[i] = shorter(names[i], width)));
  }
  return cut;
}
function clipMiddle(text, width) {
  const signs = Array.from(text);
  let kept = text;
  for (let n = signs.length - 1; n > 1 && ruler(kept) > width; n--)
    kept = `${signs.slice(0, Math.ceil(n / 2)).join("")}…${signs.slice(-Math.floor(n / 2)).join("")}`;
  return kept;
}
/** How many signs a name has in common with the one among the others that parts from it last. */
function commonLength(names, name) {
  const signs = Array.from(name);
  const common = (other) => {
    const theirs = Array.from(other),
      n = signs.findIndex((sign, i) => sign !== theirs[i]);
    return n < 0 ? 0 : n;
  };
  return Math.max(0, ...names.filter((other) => other !== name).map(common));
}
/** A name from the word on that holds its sign number `from`; of a very long word, from shortly before. */
function clipFrom(text, width, from) {
  const signs = Array.from(text),
    word = signs.slice(0, from).lastIndexOf(" ") + 1,
    begin = from - word > 12 ? from - 3 : word;
  return clip(`${begin ? "…" : ""}${signs.slice(begin).join("")}`, width);
}
/** A text short enough for a list. */
const listed = (text, most = 90) => {
  const signs = Array.from(text);
  return signs.length > most ? `${signs.slice(0, most - 2).join("")}…` : text;
};
/** A name that may run from right to left, so that it does not carry along what stands beside it. */
const isolate = (name) => (/[\u0590-\u08ff\ufb1d-\ufefc]/.test(name) ? `\u2068${name}\u2069` : name);
/** A word as it is shown: of a run of letters the space at either end too, or two runs would look alike. */
const visible = (word) => (word.trim() === word ? word : word.replaceAll(" ", "␣"));
/** A box that may scroll: the keyboard reaches it, and it has a name. */
function region(node, name) {
  set(node, { role: "region", "aria-label": name, tabindex: 0 });
  return node;
}
/** Follow a finger or a pressed mouse across a picture: to(x) in its own pixels. Up and down stays the page's. */
function slide(svg, to) {
  const seek = (event) => to(event.clientX - svg.getBoundingClientRect().left);
  svg.style.cursor = "ew-resize";
  svg.style.touchAction = "pan-y";
  svg.onpointerdown = (event) => {
    svg.setPointerCapture(event.pointerId);
    seek(event);
  };
  svg.onpointermove = (event) => svg.hasPointerCapture(event.pointerId) && seek(event);
}
/** The same across n places that are drawn at X(0) .. X(n - 1): to(the nearest). */
function slideOver(svg, X, n, to) {
  const places = Array.from({ length: n }, (_, i) => i);
  slide(svg, (x) => to(places.reduce((best, i) => (Math.abs(X(i) - x) < Math.abs(X(best) - x) ? i : best), 0)));
}
/** Where something was: at the last state a dashed line, at the pinned one a thick one. show(before, pinned), each x or null. */
function marks(svg, y1, y2) {
  const nodes = ["ghost", "pin"].map((name) => s("line", { class: name, y1, y2, visibility: "hidden" }));
  svg.top.append(...nodes);
  return (...places) =>
    nodes.forEach((node, i) => {
      const x = places[i];
      set(node, x === null ? { visibility: "hidden" } : { visibility: "visible", x1: x, x2: x });
    });
}
/** A level that guessing reaches, as a line across a plot of bars. */
function chanceLine(svg, x, y1, y2) {
  svg.append(s("line", { class: "best", x1: x, x2: x, y1, y2 }));
}
const percent = (x) => `${Math.round(100 * x)} %`;
/** A share in a sentence: nearly all is not said to be all, nor nearly none to be none. */
function share(x) {
  const whole = Math.round(100 * x);
  if (whole === 100 && x < 1) return "over 99 %";
  return whole === 0 && x > 0 ? "under 1 %" : percent(x);
}
const minus = (text) => text.replace("-", "−");
/** With its sign; what rounds to nothing has none. */
function signed(x, digits = 1) {
  const text = x.toFixed(digits);
  if (Number(text) === 0) return text.replace("-", "");
  return (x > 0 ? "+" : "") + minus(text);
}
/** A number as a person would write it: three digits, no exponent unless it is very small or large. */
function short(x) {
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size < 9e-6 || size >= 1e5) return minus(x.toExponential(1).replace("e+", "e"));
  return minus(
    Number(x.toPrecision(size >= 1 ? 3 : 2))
      .toFixed(7)
      .replace(/\.?0+$/, ""),
  );
}
/** About n round tick values from low to high. */
function ticks(low, high, n = 5) {
  const raw = (high - low) / n || 1,
    power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((m) => m >= raw * 0.999);
  const out = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-6; k++)
    out.push(Number((k * step).toPrecision(12)));
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
  for (const each of [whole, whole.top].filter(Boolean)) set(each, { viewBox: `0 0 ${width} ${height}`, height });
}
/** An empty plot: scales, grid, axis labels. box = {width, height, left, right, top, bottom}. */
function axes(svg, box, { x, y, xTicks = [], yTicks = [], xText = short, yText = short, xName = "", yName = "" }) {
  sheet(svg, box);
  const innerW = box.width - box.left - box.right,
    innerH = box.height - box.top - box.bottom;
  const X = (v) => box.left + ((v - x[0]) / (x[1] - x[0] || 1)) * innerW,
    Y = (v) => box.top + innerH - ((v - y[0]) / (y[1] - y[0] || 1)) * innerH;
  const bottom = box.top + innerH;
  const lines = [
    ...yTicks.map((v) => `M${box.left},${Y(v)}h${innerW}`),
    ...xTicks.map((v) => `M${X(v)},${box.top}V${bottom}`),
  ];
  svg.append(
    s("path", { class: "grid", d: lines.join("") }),
    s("path", { class: "axis", d: `M${box.left},${bottom}h${innerW}` }),
  );
  for (const v of yTicks)
    svg.append(s("text", { class: "soft", x: box.left - 6, y: Y(v) + 4, "text-anchor": "end" }, yText(v)));
  for (const v of xTicks)
    svg.append(s("text", { class: "soft", x: X(v), y: bottom + 16, "text-anchor": "middle" }, xText(v)));
  if (xName)
    svg.append(
      s("text", { class: "soft", x: box.left + innerW / 2, y: box.height - 3, "text-anchor": "middle" }, xName),
    );
  if (yName) svg.append(s("text", { class: "soft", x: box.left - 30, y: box.top - 8 }, yName));
  return { X, Y, bottom, innerW, innerH };
}
const line = (points) => `M${points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}`;
