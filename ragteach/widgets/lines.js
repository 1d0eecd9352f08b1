// Curves with their names at their ends: what stands still on one sheet, cursors and dots on the other.
//
// Enters: series [{ name, values, color, look }] over n places.  Leaves: { seek, show(at, before, pinned) }.

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

/** Draw the curves into a panel; `place` has x, xTicks, xText, xName, best; `chance` a level to mark. */
function lineChart(ui, panel, { series, n, height, place, chance, change }) {
  const legend = series.length > ENDS ? h("div", { className: "legend" }) : null;
  if (legend) {
    region(legend, "The lines and their values");
    panel.append(legend);
  }
  const values = series.map((one) => {
    const value = h("b", { className: "value" }),
      name = h("bdi", {}, ` ${one.name} `);
    const entry = h("span", {}, sample(one.look, one.color, one.mean ? { width: 3, mark: null } : {}), name, value);
    if (one.task !== undefined) entry.dataset.task = one.task;
    legend?.append(entry);
    return value;
  });
  let drawn = null;
  ui.picture(panel, (svg, width) => {
    const names = series.map(({ name }) => clip(name, Math.min(150, width * 0.24)));
    const right = legend ? 14 : Math.max(...names.map(ruler)) + 66;
    const box = { width, height, left: 42, right, top: 16, bottom: 36 };
    const all = series.flatMap((one) => Array.from(one.values));
    const low = Math.floor(10 * Math.min(chance, ...all)) / 10,
      high = Math.min(1, Math.ceil(10 * Math.max(...all, low + 0.1)) / 10);
    const { X, Y } = axes(svg, box, {
      x: [0, n - 1],
      y: [low, high],
      yTicks: ticks(low, high, 4),
      yText: percent,
      ...place,
    });
    const bottom = height - box.bottom;
    svg.append(s("line", { class: "best", x1: X(0), x2: X(n - 1), y1: Y(chance), y2: Y(chance) }));
    svg.append(
      s(
        "text",
        { class: "soft", x: X(n - 1) - 4, y: Y(chance) - 4, "text-anchor": "end" },
        `chance ${percent(chance)}`,
      ),
    );
    svg.append(s("line", { class: "best", x1: X(place.best), x2: X(place.best), y1: box.top, y2: bottom }));
    const middle = Math.max(108, Math.min(width - right - 40, X(place.best)));
    svg.append(s("text", { class: "soft", x: middle, y: box.top - 3, "text-anchor": "middle" }, place.bestName));
    const ends = spaced(
      series.map(({ values: v }) => Y(v[n - 1]) + 4),
      14,
      box.top + 6,
      bottom + 4,
    );
    const dots = [],
      numbers = [];
    series.forEach((one, i) => {
      const d = line(Array.from(one.values, (v, l) => [X(l), Y(v)])),
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
      if (!legend) {
        const text = s(
          "text",
          { x: width - right + 26, y: ends[i], "font-weight": one.mean ? 700 : 400 },
          `${isolate(names[i])} `,
        );
        const number = s("tspan", { "font-weight": 700 });
        const key = one.mean ? s("circle", { r: 4.5, fill: one.color }) : marker(one.look, one.color);
        text.append(number, s("title", {}, one.name));
        move(key, [width - right + 16, ends[i] - 4]);
        group.append(key, text);
        numbers.push(number);
      }
      for (const node of [group, mark]) if (one.task !== undefined) node.dataset.task = one.task;
      svg.append(group);
      dots.push(mark);
    });
    const [ghost, pin, cursor] = ["ghost", "pin", "cursor"].map((name) =>
      s("line", { class: name, y1: box.top, y2: bottom }),
    );
    const letter = s("text", { class: "soft", y: box.top + 10 }, "A");
    svg.top.append(ghost, pin, letter, cursor, ...dots);
    slide(svg, (x) =>
      change(Math.max(0, Math.min(n - 1, Math.round(((x - box.left) / (width - box.left - right)) * (n - 1))))),
    );
    drawn = { X, Y, dots, numbers, cursor, ghost, pin, letter };
  });
  return {
    draw(at, before = null, pinned = null) {
      const { X, Y, dots, cursor, ghost, pin, letter } = drawn;
      set(cursor, { x1: X(at), x2: X(at) });
      for (const [node, where] of [
        [ghost, before],
        [pin, pinned],
      ])
        set(node, where === null ? { visibility: "hidden" } : { visibility: "visible", x1: X(where), x2: X(where) });
      set(letter, pinned === null ? { visibility: "hidden" } : { visibility: "visible", x: X(pinned) + 4 });
      series.forEach((one, i) => move(dots[i], [X(at), Y(one.values[at])]));
    },
    write(at) {
      series.forEach((one, i) => {
        put(values[i], percent(one.values[at]));
        if (drawn.numbers[i]) put(drawn.numbers[i], percent(one.values[at]));
      });
    },
  };
}
