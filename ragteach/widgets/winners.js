// Who wins where.  Arrays: values (R, N, S, seeds), stats (R, N, S, 3: mean, low, high), winner (R, N), margin (R, N, 3).

EXPLORERS.winners = (ui) => {
  const { spec } = ui,
    values = ui.read("values"),
    stats = ui.read("stats"),
    winner = ui.read("winner"),
    margin = ui.read("margin");
  const nR = spec.r.length,
    nN = spec.n.length,
    names = spec.strategies,
    color = (i) => spec.colors[i];
  const clear = (r, n) => margin(r, n, 1) > 0,
    points = (x) => minus((100 * x).toFixed(1));
  ui.slider({ name: "r", label: "Relatedness of the tasks:", max: nR - 1, wide: false, text: (r) => short(spec.r[r]) });
  ui.slider({
    name: "n",
    label: "Training sentences per task:",
    max: nN - 1,
    wide: false,
    text: (n) => String(spec.n[n]),
  });
  for (const control of ui.controls.children) control.style.cssText = "flex:1 1 260px;max-width:none";

  const grid = spec.r.flatMap((_, r) => spec.n.map((_, n) => [r, n])),
    sure = names.map((name, i) => [name, grid.filter(([r, n]) => clear(r, n) && winner(r, n) === i).length]),
    luck = grid.length - sure.reduce((sum, [, count]) => sum + count, 0),
    leads = sure.filter(([, count]) => count).map(([name, count]) => `${name} in ${count}`);
  const left = ui.panel("The map", {
    note: `Lead over the second, in points of accuracy. Clear: ${leads.join(", ") || "nowhere"}; in ${luck} of ${grid.length} cells it may be luck.`,
  });
  const legend = h(
    "div",
    { style: "display:flex;flex-wrap:wrap;gap:0 14px;font-size:12.5px" },
    ...names.map((name, i) => {
      const entry = h("span", {}, sample(i, color(i)), ` ${spec.letters[i]} ${name}`);
      entry.dataset.task = i;
      return entry;
    }),
  );
  left.append(legend);
  let frame, ghost, pin, letter, cell;
  ui.picture(left, (svg, width) => {
    const box = { left: 52, right: 4, top: 18, bottom: 40 },
      w = (width - box.left - box.right) / nN,
      hgt = Math.max(34, Math.min(48, 300 / nR));
    sheet(svg, { width, height: box.top + hgt * nR + box.bottom });
    cell = (r, n) => ({ x: box.left + w * n, y: box.top + hgt * (nR - 1 - r), width: w, height: hgt });
    svg.append(s("text", { class: "soft", x: 0, y: 11 }, "relatedness"));
    for (let r = 0; r < nR; r++) {
      svg.append(s("text", { x: box.left - 8, y: cell(r, 0).y + hgt / 2 + 4, "text-anchor": "end" }, short(spec.r[r])));
      for (let n = 0; n < nN; n++) {
        const at = cell(r, n),
          who = winner(r, n),
          group = s("g", { style: "cursor:pointer" });
        group.append(
          s("rect", {
            ...at,
            fill: clear(r, n) ? color(who) : "var(--panel)", // a lead that may be luck has no colour
            "fill-opacity": clear(r, n) ? 0.62 : 1,
            stroke: "var(--bg)",
            "stroke-width": 2,
          }),
        );
        group.append(
          s(
            "text",
            { x: at.x + w / 2, y: at.y + hgt / 2 + 4, "text-anchor": "middle", "font-weight": clear(r, n) ? 700 : 400 },
            margin(r, n, 0) < 5e-4
              ? w > 30
                ? "tie"
                : "="
              : `${spec.letters[who]} ${w > 48 ? points(margin(r, n, 0)) : ""}${clear(r, n) && w > 30 ? "★" : ""}`,
          ),
        );
        group.addEventListener("click", () => ui.update({ r, n }));
        svg.append(group);
      }
    }
    const every = Math.ceil(26 / w); // no label on another
    for (let n = 0; n < nN; n += every)
      svg.append(
        s("text", { x: cell(0, n).x + w / 2, y: cell(0, 0).y + hgt + 16, "text-anchor": "middle" }, String(spec.n[n])),
      );
    svg.append(
      s(
        "text",
        { class: "soft", x: box.left + (w * nN) / 2, y: cell(0, 0).y + hgt + 34, "text-anchor": "middle" },
        "training sentences per task",
      ),
    );
    frame = s("rect", { fill: "none", stroke: "var(--fg)", "stroke-width": 3, rx: 3 });
    [ghost, pin] = ["ghost", "pin"].map((name) => s("rect", { class: name, fill: "none", rx: 3 }));
    letter = s("text", { "font-weight": 700 }, "A");
    svg.top.append(ghost, pin, letter, frame);
  });
  /** A frame around the cell of a kept state, or none. */
  const around = (node, one, inside) => {
    const { x, y, width, height } = one ? cell(one.state.r, one.state.n) : { x: 0, y: 0, width: 0, height: 0 };
    const size = { x: x + inside, y: y + inside, width: width - 2 * inside, height: height - 2 * inside };
    set(node, one ? { visibility: "visible", ...size } : { visibility: "hidden" });
    return { x, y };
  };

  const right = ui.panel("This cell: every seed, mean and 95 % interval");
  const seedSvg = canvas(right);
  right.append(h("h4", { style: "margin-top:8px" }, "This row: learning curves"));
  const curveSvg = canvas(right);
  let low = 0,
    high = 1;
  /** The axis of a row: what its seeds, intervals and guessing need; no accuracy lies beyond 0 and 1. */
  const range = (r) => {
    const all = spec.n
      .flatMap((_, n) => names.flatMap((_, i) => [...values.row(r, n, i), ...stats.row(r, n, i)]))
      .filter((v) => !Number.isNaN(v));
    low = Math.max(0, Math.floor(20 * Math.min(spec.chance ?? 1, ...all)) / 20);
    high = Math.min(1, Math.ceil(20 * Math.max(...all)) / 20) || 1;
    if (high - low < 0.1) high = low + 0.1;
  };
  const within = (v) => (Number.isNaN(v) ? low : Math.max(low, Math.min(high, v))),
    there = (v) => (Number.isNaN(v) ? "none" : "");
  let seeds, X, curves, cursor, P, ends;
  const lay = () => {
    range(ui.state.r);
    const width = Math.max(220, right.clientWidth),
      step = 34,
      box = { width, height: step * names.length + 42, left: 92, right: 12, top: 4, bottom: 38 },
      xName = spec.chance ? `dotted: chance, ${percent(spec.chance)}` : "";
    ({ X } = axes(seedSvg, box, { x: [low, high], y: [0, 1], xTicks: ticks(low, high, 4), xText: percent, xName }));
    if (spec.chance) chanceLine(seedSvg, X(spec.chance), box.top, box.height - box.bottom);
    seeds = names.map((name, i) => {
      const y = box.top + step * (i + 0.5),
        bar = s("line", { y1: y + 8, y2: y + 8, stroke: color(i), "stroke-width": 3 }),
        mean = marker(i, color(i));
      const dots = spec.seeds.map((_, k) =>
        s("circle", { cy: y - 8 + ((k * 5) % 7), r: 2.6, fill: color(i), "fill-opacity": 0.55 }),
      );
      const label = s("text", { x: box.left - 8, y: y + 4, "text-anchor": "end" }, name);
      for (const node of [...dots, bar, mean, label]) node.dataset.task = i;
      seedSvg.append(label);
      seedSvg.top.append(...dots, bar, mean);
      return { y, dots, bar, mean };
    });
    const plot = { width, height: 190, left: 46, right: endRoom(names), top: 8, bottom: 38 },
      every = Math.ceil((nN * 34) / (width - plot.left - plot.right)); // no label on another
    P = axes(curveSvg, plot, {
      x: [-0.15, nN - 0.85],
      y: [low, high],
      xTicks: spec.n.map((_, k) => k).filter((k) => k % every === 0),
      xText: (k) => String(spec.n[k]),
      yTicks: ticks(low, high, 4),
      yText: percent,
      xName: "training sentences per task",
    });
    if (spec.chance) {
      const y = P.Y(spec.chance);
      curveSvg.append(s("line", { class: "best", x1: plot.left, x2: width - plot.right, y1: y, y2: y }));
    }
    slideOver(curveSvg, P.X, nN, (n) => ui.update({ n }));
    cursor = s("line", { class: "cursor", y1: plot.top, y2: plot.height - plot.bottom, "stroke-opacity": 0.5 });
    curveSvg.top.append(cursor);
    const entries = names.map((name, i) => ({ name, key: marker(i, color(i)) }));
    ends = endNames(curveSvg, entries, {
      x: width - plot.right,
      low: plot.top,
      high: plot.height - plot.bottom,
      numbers: false,
    });
    ends.nodes.forEach((nodes, i) => nodes.forEach((node) => (node.dataset.task = i)));
    curves = names.map((_, i) => {
      const path = s("path", { fill: "none", stroke: color(i), "stroke-width": 2, "stroke-dasharray": dash(i) });
      const points = spec.n.map(() => ({
        bar: s("line", { stroke: color(i), "stroke-width": 1.5 }),
        mean: marker(i, color(i)),
      }));
      for (const node of [path, ...points.flatMap(({ bar, mean }) => [bar, mean])]) node.dataset.task = i;
      curveSvg.append(path, ...points.flatMap(({ bar, mean }) => [bar, mean]));
      return { path, points };
    });
    row = null;
  };
  ui.layouts.push(lay);
  let row = null;
  /** The learning curves of row r. */
  const layRow = (r) => {
    row = r;
    curves.forEach(({ path, points }, i) => {
      const at = (k) => [P.X(k) + (i - 1) * 4, P.Y(within(stats(r, k, i, 0)))];
      set(path, {
        d: line(
          spec.n
            .map((_, k) => k)
            .filter((k) => !Number.isNaN(stats(r, k, i, 0)))
            .map(at),
        ),
      });
      points.forEach(({ bar, mean }, k) => {
        const [x, y] = at(k),
          [m, a, b] = stats.row(r, k, i);
        set(bar, { x1: x, x2: x, y1: P.Y(within(a)), y2: P.Y(within(b)), display: there(a) });
        set(move(mean, [x, y]), { display: there(m) });
      });
    });
    const last = (i) => spec.n.map((_, k) => stats(r, k, i, 0)).findLast((v) => !Number.isNaN(v));
    ends.place(names.map((_, i) => P.Y(within(last(i) ?? low))));
  };
  const drawCell = (r, n) =>
    seeds.forEach(({ y, dots, bar, mean }, i) => {
      const [m, a, b] = stats.row(r, n, i);
      dots.forEach((dot, k) => set(dot, { cx: X(within(values(r, n, i, k))), display: there(values(r, n, i, k)) }));
      set(bar, { x1: X(within(a)), x2: X(within(b)), display: there(a) });
      set(move(mean, [X(within(m)), y + 8]), { display: there(m) });
    });
  const wins = (r, n, i) =>
    spec.seeds.filter((_, k) => names.every((_, o) => o === i || values(r, n, i, k) > values(r, n, o, k))).length;
  const lost = (r, n, i) =>
    spec.seeds.filter((_, k) => names.some((_, o) => values(r, n, o, k) > values(r, n, i, k))).length;
  const behind = (r, n, i) => {
    const means = names.map((_, o) => stats(r, n, o, 0));
    return Math.max(...means.filter(Number.isFinite)) - means[i];
  };
  return {
    draw(state) {
      set(frame, cell(state.r, state.n));
      const { before, pinned } = ui.store;
      around(ghost, before, 4);
      const { x, y } = around(pin, pinned, 4);
      set(letter, { x: x + 9, y: y + 18, visibility: pinned ? "visible" : "hidden" });
      if (row !== null && row !== state.r) lay(); // another row, another axis
      if (row !== state.r) layRow(state.r);
      drawCell(state.r, state.n);
      set(cursor, { x1: P.X(state.n), x2: P.X(state.n) });
    },
    say({ r, n }) {
      const i = winner(r, n),
        [lead, a, b] = margin.row(r, n),
        single = Number.isNaN(a);
      const sure = single
        ? "one seed, so no interval"
        : `95 % interval ${points(a)} to ${points(b)}: ${clear(r, n) ? "clear" : "not clear"}`;
      const right = share(stats(r, n, i, 0));
      const ahead =
        lead < 5e-4
          ? `${names[i]} ties with the second at ${right}`
          : `${names[i]} ${clear(r, n) ? "wins" : "leads"} with ${right}, ${points(lead)} points before the second`;
      return `Relatedness ${short(spec.r[r])}, ${spec.n[n]} sentences per task: ${ahead} (${sure}). It was alone in front in ${wins(r, n, i)} of ${spec.seeds.length} seeds.`;
    },
    compare: "lead",
    comparedAs: " of lead",
    measures: ({ r, n }) => ({
      relatedness: spec.r[r],
      n_per_task: spec.n[n],
      lead: margin(r, n, 0),
      clear: Number(clear(r, n)),
      lost: lost(r, n, winner(r, n)),
      ...Object.fromEntries(names.map((name, i) => [wordFor(name), stats(r, n, i, 0)])),
      ...named("behind", names, (i) => behind(r, n, i)),
      ...named("furthest", names, (i) => Math.max(...grid.map(([a, b]) => behind(a, b, i)).filter(Number.isFinite))),
    }),
    table: ({ r, n }) => ({
      head: ["strategy", "mean", "95 % from", "to", "seeds won"],
      rows: names.map((name, i) => [
        name,
        ...[0, 1, 2].map((k) => (Number.isNaN(stats(r, n, i, k)) ? "" : `${points(stats(r, n, i, k))} %`)),
        wins(r, n, i),
      ]),
    }),
    code: ({ r, n }) =>
      `import ragteach as rt\ntable = rt.compare("toy", seeds=${spec.seeds.length}, n_per_task=${spec.n[n]}, relatedness=${spec.r[r]}, strategies=${JSON.stringify(names)})\nrt.paired(table)`,
  };
};
