// Trajectory player.  Arrays: steps (R, F), planes (2, R, F, P, 2), norms (R, F, P), moved (R, F), conflict (R, F).
// Part 0 is W_s, the others are the adapters.

EXPLORERS.player = (ui) => {
  const { spec } = ui,
    frames = ui.read("steps"),
    planes = ui.read("planes"),
    norms = ui.read("norms"),
    moved = ui.read("moved");
  const conflict = spec.layout.conflict ? ui.read("conflict") : null;
  const steps = (r, f) => Math.round(frames(r, f));
  const [nRuns, nFrames] = frames.shape,
    nParts = spec.parts.length;
  // Which look: W_s has its own, an adapter that of a task in every explorer, a schedule one that no part of the model has.
  const ofPart = (p) => p - 1,
    ofRun = (r) => nParts - 1 + r;
  const color = (look) => (look < 0 ? "var(--shared)" : series(look));
  const dashes = (look) => dash(Math.max(0, look));
  const dot = (look) =>
    look < 0 ? s("circle", { r: 6.5, fill: "var(--shared)", stroke: "var(--bg)" }) : marker(look, color(look));

  // ---- controls: play, scrub, which run, which plane -------------------------------------------------------------
  let timer = null,
    begun = 0,
    from = 0;
  const play = h(
    "button",
    { type: "button", style: "min-width:92px", onclick: () => (timer ? stop() : start()) },
    "▶ Play",
  );
  const stop = () => {
    cancelAnimationFrame(timer);
    timer = null;
    ui.store.playing = false;
    put(play, "▶ Play");
  };
  const start = () => {
    from = ui.state.at >= nFrames - 1 ? 0 : ui.state.at;
    begun = performance.now();
    ui.store.playing = true;
    put(play, "❚❚ Pause");
    const tick = (now) => {
      const at = Math.min(nFrames - 1, from + Math.floor(((now - begun) / 6000) * nFrames));
      if (at !== ui.state.at) ui.update({ at });
      if (at >= nFrames - 1) stop();
      else timer = requestAnimationFrame(tick);
    };
    timer = requestAnimationFrame(tick);
  };
  ui.controls.append(h("div", { className: "control" }, play));
  const ofRuns = [
    ["run", "Schedule"],
    ["other", "beside"],
  ];
  if (nRuns > 1)
    for (const [name, label] of ofRuns) ui.choice({ name, label, options: spec.runs }).style.maxWidth = "150px"; // all in one row
  ui.choice({ name: "plane", label: "Plane", options: spec.planes });
  const scrub = ui.slider({
    name: "at",
    label: "Step",
    max: nFrames - 1,
    text: (f, state) => String(steps(state.run, f)),
  });
  for (const type of ["pointerdown", "keydown"]) scrub.addEventListener(type, stop);

  /** Nodes of a part (as tasks are elsewhere), or of a run (as words), light up together. */
  const belongs = (of, i, ...nodes) => {
    for (const node of nodes) node.dataset[of === ofPart ? "task" : "word"] = i;
  };
  const legend = (names, of) => {
    const where = h("span", { className: "value" }),
      box = h("div", { className: "legend" }, where),
      values = names.map((name, i) => {
        const svg = sample(Math.max(0, of(i)), color(of(i)), { width: of(i) < 0 ? 3 : 2, mark: dot(of(i)) });
        const value = h("b", { className: "value" });
        const entry = h("span", { className: "entry" }, svg, h("bdi", { title: name }, name), value);
        belongs(of, i, entry);
        box.append(entry);
        return value;
      });
    return { box, values, where };
  };

  // ---- the planes, side by side ------------------------------------------------------------------------------------
  const top = ui.panel("Paths of the shared weights and the adapters", { full: true });
  const { box: names } = legend(spec.parts, ofPart);
  if (nParts > ENDS) region(names, "The parts of the model: point at one to find its paths");
  const row = h("div", { style: "display:grid;gap:6px 14px" });
  const across = h("p", { className: "note" });
  top.append(across, names, row);
  const drawings = spec.runs.map((name) => {
    const cell = h("div", { style: "min-width:0" }, h("div", { style: "font-size:12.5px;font-weight:600" }, name)),
      svg = canvas(cell);
    row.append(cell);
    return { svg, cell };
  });
  let shown = -1,
    pair = [];
  const shownRuns = ({ run, other }) => [...new Set([run, other ?? run])];
  const lay = () => {
    shown = ui.state.plane;
    put(across, `Across: ${spec.axes[shown][0]}. Up: ${spec.axes[shown][1]}.`);
    pair = shownRuns(ui.state);
    const n = ui.width < 560 ? 1 : pair.length;
    row.style.gridTemplateColumns = `repeat(${n}, minmax(0, 1fr))`;
    const limits = [0, 1].map((axis) => {
      let low = Infinity,
        high = -Infinity;
      for (let r = 0; r < nRuns; r++)
        for (let f = 0; f < nFrames; f++)
          for (let p = 0; p < nParts; p++) {
            const v = planes(shown, r, f, p, axis);
            low = Math.min(low, v);
            high = Math.max(high, v);
          }
      const pad = (high - low) * 0.06 || 1;
      return [low - pad, high + pad];
    });
    drawings.forEach((d, r) => {
      d.cell.hidden = !pair.includes(r);
      if (d.cell.hidden) return;
      d.cell.style.order = pair.indexOf(r);
      const width = Math.max(130, d.cell.clientWidth),
        tags = nParts > ENDS ? null : clipAll(spec.parts, Math.min(90, width * 0.25)),
        first = pair.indexOf(r) % n === 0;
      const box = {
        width,
        height: Math.min(ui.width < 900 ? 176 : 196, Math.max(170, width * 0.85)),
        left: first ? 34 : 12,
        right: tags ? Math.max(...tags.map(ruler)) + 12 : 8,
        top: 8,
        bottom: 24,
      };
      const { X, Y } = axes(d.svg, box, {
        x: limits[0],
        y: limits[1],
        xTicks: ticks(...limits[0], 3),
        yTicks: ticks(...limits[1], 4),
        yText: first ? short : () => "",
        xName: "",
      });
      d.points = spec.parts.map((_, p) =>
        Array.from({ length: nFrames }, (_, f) => [X(planes(shown, r, f, p, 0)), Y(planes(shown, r, f, p, 1))]),
      );
      const heights = spaced(
        d.points.map((points) => points.at(-1)[1] + 4),
        13,
        box.top + 6,
        box.height - box.bottom,
      );
      const taken = [];
      d.parts = d.points.map((points, p) => {
        const past = s("polyline", {
            fill: "none",
            stroke: color(ofPart(p)),
            "stroke-width": p ? 2 : 3,
            "stroke-dasharray": dashes(ofPart(p)),
          }),
          now = dot(ofPart(p)),
          stroke = color(ofPart(p));
        const whole = { d: line(points), fill: "none", stroke, "stroke-width": 1.3, "stroke-opacity": 0.45 },
          path = s("path", whole),
          first = s("circle", { cx: points[0][0], cy: points[0][1], r: 2.5, fill: stroke });
        belongs(ofPart, p, past, now, path, first);
        d.svg.append(path, first);
        if (tags) {
          const [end] = points.at(-1),
            wide = ruler(tags[p]),
            sides = [end - 10 - wide, Math.min(end + 10, width - wide)];
          if (end >= points[0][0] || sides[0] < box.left) sides.reverse(); // first on the side where the way has led
          const places = [0, -13, 13].flatMap((up) => sides.map((x) => [x, heights[p] + up]));
          const [x, y] = freePlace(places, wide, d.points.flat(), taken);
          const tag = s("text", { class: "soft tag", x, y }, isolate(tags[p]));
          tag.append(s("title", {}, spec.parts[p]));
          belongs(ofPart, p, tag);
          d.svg.append(tag);
        }
        d.svg.top.append(past, now);
        return { past, now, cuts: points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`) };
      });
    });
  };
  ui.layouts.push(lay);

  // ---- lengths, and conflict -----------------------------------------------------------------------------------------
  const whereAt = (run, f) => `at step ${steps(run, f)}`;
  const chart = (panel, names, of, high, low, format) => {
    const many = names.length > ENDS ? legend(names, of) : null;
    if (many) panel.append(region(many.box, "The lines and their values"));
    const made = {};
    made.lay = (value, run) => {
      const width = Math.max(220, panel.clientWidth),
        tags = clipAll(names, Math.min(130, width * 0.24)),
        right = many ? 12 : endRoom(tags, whereAt(run, nFrames - 1)),
        size = {
          width,
          height: Math.max(146, many ? 0 : 14 * names.length + 54),
          left: 42,
          right,
          top: 12,
          bottom: 36,
        };
      const { X, Y } = axes(made.svg, size, {
        x: [0, nFrames - 1],
        y: [low, high],
        yTicks: ticks(low, high, 4),
        xTicks: [0, (nFrames - 1) / 2, nFrames - 1],
        xText: (f) => String(steps(run, Math.round(f))),
        xName: "step",
      });
      names.forEach((_, i) => {
        const path = s("path", {
          d: line(Array.from({ length: nFrames }, (_, f) => [X(f), Y(value(f, i))])),
          fill: "none",
          stroke: color(of(i)),
          "stroke-width": of(i) < 0 ? 3 : 2,
          "stroke-dasharray": dashes(of(i)),
        });
        belongs(of, i, path);
        made.svg.append(path);
      });
      if (!many) {
        const entries = names.map((title, i) => ({ name: tags[i], key: dot(of(i)), title }));
        const ends = endNames(made.svg, entries, { x: width - right, low: size.top, high: size.height - size.bottom });
        ends.place(names.map((_, i) => Y(value(nFrames - 1, i))));
        ends.nodes.forEach((nodes, i) => belongs(of, i, ...nodes));
        made.ends = ends;
      }
      made.mark = marks(made.svg, size.top, size.height - size.bottom);
      made.cursor = s("line", { class: "cursor", y1: size.top, y2: size.height - size.bottom });
      made.svg.top.append(made.cursor);
      made.X = X;
      slideOver(made.svg, X, nFrames, (at) => {
        stop();
        ui.update({ at });
      });
    };
    made.svg = canvas(panel);
    made.draw = (f) => {
      set(made.cursor, { x1: made.X(f), x2: made.X(f) });
      made.mark(...[ui.store.before, ui.store.pinned].map((kept) => (kept ? made.X(kept.state.at) : null)));
    };
    made.write = (f, value, run) => {
      const texts = names.map((_, i) => format(value(f, i)));
      made.ends?.read(whereAt(run, f), texts);
      if (!many) return;
      put(many.where, whereAt(run, f));
      many.values.forEach((node, i) => put(node, texts[i]));
    };
    return made;
  };
  const lengths = chart(
    ui.panel("How long is each part?"),
    spec.parts,
    ofPart,
    Math.max(...norms.all) * 1.05,
    0,
    short,
  );
  const pulls =
    conflict &&
    chart(
      ui.panel("Do the tasks pull the shared weights the same way?", {
        note: "Mean cosine of the tasks' gradients: 1 agree, 0 unrelated, below 0 they fight.",
      }),
      spec.runs,
      ofRun,
      Math.max(...conflict.all, 0.2) * 1.05,
      Math.min(...conflict.all, 0) * 1.05,
      (v) => signed(v, 2),
    );
  let run = -1;
  const layLower = () => {
    run = ui.state.run;
    lengths.lay((f, p) => norms(run, f, p), run);
    pulls?.lay((f, r) => conflict(r, f), run);
  };
  ui.layouts.push(layLower);

  /** W_s minus the adapters' sum stays where it is, in all of a run and not only so far. */
  const conserved = (r) => Array.from({ length: nFrames }, (_, f) => moved(r, f)).every((drift) => drift < 0.005);
  const adapterMean = (r, f) => spec.parts.slice(1).reduce((sum, _, p) => sum + norms(r, f, p + 1), 0) / (nParts - 1);
  return {
    draw(state) {
      const f = state.at;
      if (shown !== state.plane || String(pair) !== String(shownRuns(state))) lay();
      if (run !== state.run) layLower();
      for (const d of pair.map((r) => drawings[r]))
        d.parts.forEach(({ past, now, cuts }, p) => {
          set(past, { points: cuts.slice(0, f + 1).join(" ") });
          move(now, d.points[p][f]);
        });
      lengths.draw(f);
      pulls?.draw(f);
    },
    write({ at, run }) {
      lengths.write(at, (f, p) => norms(run, f, p), run);
      pulls?.write(at, (f, r) => conflict(r, f), run);
    },
    say(state) {
      const f = state.at,
        r = state.run,
        drift = moved(r, f);
      const by = drift < 10 ? `${percent(drift)} of` : `${short(drift)} times`,
        way = `has moved by ${by} the length that it had at the start`,
        kept = conserved(r) ? "does not move: it is conserved" : f === 0 ? "has yet to move" : way;
      const fight = conflict ? ` The tasks' gradients in W_s have a mean cosine of ${signed(conflict(r, f), 2)}.` : "";
      return `${isolate(spec.runs[r])}, step ${steps(r, f)}: W_s has length ${short(norms(r, f, 0))}, an adapter ${short(adapterMean(r, f))} on average.${fight} W_s minus the sum of the adapters ${kept}.`;
    },
    compare: "moved",
    comparedAs: " of that length",
    comparable: (kept, now) => kept.run === now.run,
    measures({ at, run }) {
      const found = {
        schedule: run + 1,
        step: steps(run, at),
        shared: norms(run, at, 0),
        adapters: adapterMean(run, at),
        moved: moved(run, at),
      };
      return conflict ? { ...found, conflict: conflict(run, at) } : found;
    },
    table(state) {
      const f = state.at;
      return {
        head: [
          "schedule",
          "step",
          ...spec.parts.map((p) => `length of ${p}`),
          "W_s − ΣA moved",
          ...(conflict ? ["mean cosine"] : []),
        ],
        rows: spec.runs.map((name, r) => [
          name,
          steps(r, f),
          ...spec.parts.map((_, p) => short(norms(r, f, p))),
          percent(moved(r, f)),
          ...(conflict ? [signed(conflict(r, f), 2)] : []),
        ]),
      };
    },
    code: (state) => spec.code.replace("{run}", spec.runs[state.run]).replace("{step}", steps(state.run, state.at)),
    reset: stop,
    destroy: stop,
  };
};
