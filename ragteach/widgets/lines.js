// Curves with their names at their ends: what stands still on one sheet, cursors and dots on the other.
//
// Enters: series [{ name, values, color, look }] over n places; a value that is not known yet is NaN.
// Leaves: { draw(at, before, pinned), write(at), again(place) }: again() after the values have changed.

const ENDS = 12; // series with their names at the line's end; of more the legend has them

/** Where labels go so that none covers another: as near to `wanted` as their height allows. */
function spaced(wanted, step, low, high) {
  const order = wanted.map((y, i) => [y, i]).sort((a, b) => a[0] - b[0]);
  const out = [];
  let last = low - step;
  for (const [y, i] of order) out[i] = last = Math.max(y, last + step);
  let over = last - high;
  for (const [, i] of [...order].reverse()) {
    if (over <= 0) break;
    out[i] -= over;
    const below = order[order.findIndex(([, k]) => k === i) - 1];
    over = below ? out[below[1]] + step - out[i] : 0;
  }
  return out;
}

/** The first of the places [x, y] for a text, to the right of x and on the line y, where it covers neither a point of the
 * drawing nor a text that stands already (kept in `taken`); the first of all if none is free. */
function freePlace(places, wide, points, taken) {
  const covers = ([x, y]) =>
    points.some(([px, py]) => px > x - 3 && px < x + wide + 3 && py > y - 12 && py < y + 4) ||
    taken.some(([tx, ty, tw]) => tx < x + wide && x < tx + tw && Math.abs(ty - y) < 12);
  const [x, y] = places.find((place) => !covers(place)) ?? places[0];
  taken.push([x, y, wide]);
  return [x, y];
}

/** Names at the ends of lines, each with its key and room for a number: { nodes, place(ys), read(where, texts) }.
 *  entries: [{ name, key, bold, title }]; right of x, between low and high. A name stands at the end of its line, its number
 *  is read elsewhere: where the hand is. So the line above the names says where, with the numbers and never without. */
function endNames(svg, entries, { x, low, high, numbers: some = true }) {
  const above = s("text", { class: "soft", x: x + 10 });
  if (some) svg.append(above);
  const made = entries.map(({ name, key, bold, title }) => {
    const text = s("text", { x: x + 26, "font-weight": bold ? 700 : 400 }, `${isolate(name)} `),
      number = s("tspan", { "font-weight": 700 });
    text.append(number, s("title", {}, title ?? name));
    svg.append(key, text);
    return { text, key, number };
  });
  return {
    read(where, texts) {
      put(above, where);
      made.forEach(({ number }, i) => put(number, texts[i]));
    },
    nodes: made.map(({ text, key }) => [text, key]),
    place(ys) {
      const at = spaced(
        ys.map((y) => y + 4),
        14,
        low + (some ? 20 : 6),
        high + 4,
      );
      set(above, { y: (Math.min(...at) - 15).toFixed(1) });
      made.forEach(({ text, key }, i) => {
        set(text, { y: at[i].toFixed(1) });
        move(key, [x + 16, at[i] - 4]);
      });
    },
  };
}
/** How much room such names need, in pixels; and the widest line above them. */
const endRoom = (names, where = "") => Math.max(...names.map((name) => ruler(name) + 66), ruler(where) + 14);

/** A line through the known values, broken where one is missing. */
function brokenLine(values, X, Y) {
  const runs = [[]];
  values.forEach((v, l) => {
    if (Number.isFinite(v)) runs.at(-1).push([X(l), Y(v)]);
    else if (runs.at(-1).length) runs.push([]);
  });
  return runs
    .filter((run) => run.length)
    .map(line)
    .join("");
}

/** The name of the level that guessing reaches, above or below its line at y, where it covers no curve; over those it has to
 * cover it keeps an edge of the page's colour. */
function chanceName(node, { left, right, y, chance, points, floor }) {
  const text = `chance ${percent(chance)}`,
    wide = ruler(text),
    room = right - left - wide - 8;
  const places = [1, 0.75, 0.5, 0.25, 0].flatMap((part) =>
    [-4, 13].filter((down) => y + down < floor).map((down) => [left + 4 + part * room, y + down]),
  );
  const [at, base] = freePlace(places, wide, points, []);
  put(node, text);
  set(node, { class: "soft tag", x: at.toFixed(1), y: base.toFixed(1) });
}

/** Points along a curve, a few pixels apart. */
function alongLine(values, X, Y) {
  const points = [];
  for (let l = 0; l + 1 < values.length; l++) {
    const [from, to] = [l, l + 1].map((k) => [X(k), Y(values[k])]);
    const steps = Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / 4);
    if (!Number.isFinite(steps)) continue;
    for (let k = 0; k <= steps; k++) points.push([0, 1].map((i) => from[i] + ((to[i] - from[i]) * k) / steps));
  }
  return points;
}

/** Draw the curves into a panel; `place` has x, xTicks, xText, xName, best, and where(at), which says it; `chance` a level to mark; `range` of the axis,
 * if it shall not follow from the values; `height` a function, since it may follow the page's width. */
function lineChart(ui, panel, { series, n, height: size, place, chance, range, change }) {
  const where = h("span", { className: "value" }),
    legend = series.length > ENDS ? h("div", { className: "legend" }, where) : null;
  if (legend) {
    region(legend, "The lines and their values");
    panel.append(legend);
  }
  const brief = legend
    ? clipAll(
        series.map(({ name }) => name),
        140,
      )
    : [];
  const values = series.map((one, i) => {
    const value = h("b", { className: "value" }),
      name = h("bdi", { title: one.name }, brief[i] ?? one.name);
    const entry = h("span", {}, sample(one.look, one.color, one.mean ? { width: 3, mark: null } : {}), name, value);
    if (one.task !== undefined) entry.dataset.task = one.task;
    legend?.append(entry);
    return value;
  });
  let drawn = null;
  const lay = (svg, width) => {
    const height = size();
    const whole = series.map(({ name }) => name),
      names = clipAll(whole, Math.min(150, width * 0.24));
    const right = legend ? 14 : endRoom(names, place.where(Math.floor(n / 2)));
    const box = { width, height, left: 42, right, top: 16, bottom: 36 };
    const all = series.flatMap((one) => Array.from(one.values));
    const low = range?.[0] ?? Math.floor(10 * Math.min(chance, ...all)) / 10,
      high = range?.[1] ?? Math.min(1, Math.ceil(10 * Math.max(...all, low + 0.1)) / 10);
    const every = Math.ceil((56 * place.xTicks.length) / (width - box.left - right)); // no label on another
    const { X, Y } = axes(svg, box, {
      x: [0, n - 1],
      y: [low, high],
      yTicks: ticks(low, high, 4),
      yText: percent,
      ...place,
      xTicks: place.xTicks.filter((_, i) => i % every === 0),
    });
    const bottom = height - box.bottom;
    svg.append(s("line", { class: "best", x1: X(0), x2: X(n - 1), y1: Y(chance), y2: Y(chance) }));
    if (place.best !== null) {
      svg.append(s("line", { class: "best", x1: X(place.best), x2: X(place.best), y1: box.top, y2: bottom }));
      const half = ruler(place.bestName) / 2 + 3;
      const free = 12 + (place.yName ? ruler(place.yName) + 6 : box.left - 12); // beside the name of the axis
      const middle = Math.max(free + half, Math.min(width - right - half, X(place.best)));
      svg.append(s("text", { class: "soft", x: middle, y: box.top - 5, "text-anchor": "middle" }, place.bestName));
    }
    const end = (v) => Array.from(v).findLast(Number.isFinite) ?? (low + high) / 2;
    const keys = series.map((one) =>
      one.mean ? s("circle", { r: 4.5, fill: one.color }) : marker(one.look, one.color),
    );
    const entries = series.map((one, i) => ({ name: names[i], key: keys[i], bold: one.mean, title: one.name }));
    const ends = legend ? null : endNames(svg, entries, { x: width - right, low: box.top, high: bottom });
    ends?.place(series.map(({ values: v }) => Y(end(v))));
    const dots = [];
    series.forEach((one, i) => {
      const d = brokenLine(one.values, X, Y),
        look = {
          d,
          fill: "none",
          stroke: one.color,
          "stroke-width": one.mean ? 3 : 1.8,
          "stroke-dasharray": dash(one.look),
        };
      const mark = one.mean
        ? s("circle", { r: 5.5, fill: one.color, stroke: "var(--bg)" })
        : marker(one.look, one.color);
      const group = s("g"),
        near = s("path", { d, fill: "none", stroke: "transparent", "stroke-width": 14 });
      group.append(s("path", look), near);
      if (ends) group.append(...ends.nodes[i]);
      for (const node of [group, mark]) if (one.task !== undefined) node.dataset.task = one.task;
      svg.append(group);
      dots.push(mark);
    });
    const level = s("text"),
      points = series.flatMap((one) => alongLine(one.values, X, Y)),
      crossed = place.best === null ? [] : [-4, 9].map((down) => [X(place.best), Y(chance) + down]); // by the line of the best
    points.push(...crossed);
    chanceName(level, { left: X(0), right: X(n - 1), y: Y(chance), chance, points, floor: bottom });
    svg.append(level);
    const [ghost, pin, cursor] = ["ghost", "pin", "cursor"].map((name) =>
      s("line", { class: name, y1: box.top, y2: bottom }),
    );
    const letter = s("text", { class: "soft", y: box.top + 10 }, "A");
    svg.top.append(ghost, pin, letter, cursor, ...dots);
    slideOver(svg, X, n, change);
    drawn = { X, Y, dots, ends, cursor, ghost, pin, letter, svg, width };
  };
  ui.picture(panel, lay);
  const said = (v) => (Number.isFinite(v) ? percent(v) : "");
  return {
    again(more) {
      Object.assign(place, more);
      lay(drawn.svg, drawn.width);
    },
    draw(at, before = null, pinned = null) {
      const { X, Y, dots, cursor, ghost, pin, letter } = drawn;
      set(cursor, { x1: X(at), x2: X(at) });
      for (const [node, where] of [
        [ghost, before],
        [pin, pinned],
      ])
        set(node, where === null ? { visibility: "hidden" } : { visibility: "visible", x1: X(where), x2: X(where) });
      set(letter, pinned === null ? { visibility: "hidden" } : { visibility: "visible", x: X(pinned) + 4 });
      series.forEach((one, i) => {
        const known = Number.isFinite(one.values[at]);
        set(dots[i], { visibility: known ? "visible" : "hidden" });
        if (known) move(dots[i], [X(at), Y(one.values[at])]);
      });
    },
    write(at) {
      const texts = series.map((one) => said(one.values[at]));
      drawn.ends?.read(place.where(at), texts);
      if (!legend) return;
      put(where, place.where(at));
      values.forEach((value, i) => put(value, texts[i]));
    },
  };
}
