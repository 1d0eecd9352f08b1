// Initialisation lab.  Arrays: steps (F), paths (settings, F, seeds, 2), spreads (settings, F, 3): W_s, A, W.

EXPLORERS.starts = (ui) => {
  const { spec } = ui,
    steps = ui.read("steps").all,
    paths = ui.read("paths"),
    spreads = ui.read("spreads");
  const nFrames = steps.length,
    nSeeds = spec.seeds.length,
    color = (r) => spec.colors[r % spec.colors.length];
  const setting = (state) => (state.init * spec.scales.length + state.scale) * spec.lams.length + state.lam;
  ui.choice({ name: "init", label: "Distribution", options: spec.inits });
  ui.choice({ name: "lam", label: "Penalty λ = λ_s", options: spec.lams.map((l) => (l ? short(l) : "0 (none)")) });
  ui.slider({
    name: "scale",
    label: "Scale of the start:",
    max: spec.scales.length - 1,
    wide: false,
    text: (i) => short(spec.scales[i]),
  });
  ui.slider({
    name: "at",
    label: "Step",
    max: nFrames - 1,
    text: (f) => String(steps[f]),
    ends: ["the random start", "end of training"],
  });

  /** Pictures of a panel, each built and laid out once per setting and width: dragging the scale shows another one. */
  const gallery = (panel, height, make) => {
    const kept = new Map();
    let svg,
      width = 0,
      shown = null;
    ui.picture(panel, (picture, size) => {
      svg = picture;
      width = size;
      sheet(svg, { width, height });
      kept.clear();
      shown = null;
    });
    return (state) => {
      const k = setting(state);
      if (!kept.has(k)) {
        const group = s("g");
        svg.append(group);
        kept.set(k, { group, ...make(group, width, state) });
      }
      const picture = kept.get(k);
      if (shown !== picture) {
        if (shown) set(shown.group, { visibility: "hidden" });
        set(picture.group, { visibility: "visible" });
        shown = picture;
      }
      return picture;
    };
  };

  const left = ui.panel(`Paths of ${nSeeds} seeds for the word “${spec.word}”`, {
    note: "Dot: start. Ring: where it is now.",
  });
  const bundle = gallery(left, 300, (svg, width, state) => {
    const k = setting(state),
      box = { width, height: 300, left: 42, right: 12, top: 20, bottom: 38 };
    const limits = [0, 1].map((axis) => {
      let low = 0,
        high = 0;
      for (const lam of spec.lams.keys())
        for (let f = 0; f < nFrames; f++)
          for (let r = 0; r < nSeeds; r++) {
            const v = paths(setting({ ...state, lam }), f, r, axis);
            low = Math.min(low, v);
            high = Math.max(high, v);
          }
      const pad = (high - low) * 0.08 || 1;
      return [low - pad, high + pad];
    });
    const { X, Y } = axes(svg, box, {
      x: limits[0],
      y: limits[1],
      xTicks: ticks(...limits[0], 4),
      yTicks: ticks(...limits[1], 4),
      xName: "its score in the shared weights W_s",
    });
    svg.append(s("text", { class: "soft", x: 4, y: 12 }, `its score in the adapter of ${spec.task}`));
    const seeds = spec.seeds.map((_, r) => {
      const points = Array.from({ length: nFrames }, (_, f) => [X(paths(k, f, r, 0)), Y(paths(k, f, r, 1))]);
      const past = s("polyline", {
        fill: "none",
        stroke: color(r),
        "stroke-width": 2,
        "stroke-dasharray": dash(r),
      });
      const ring = s("circle", { r: 6, fill: "none", stroke: color(r), "stroke-width": 2.5 });
      svg.append(
        s("path", { d: line(points), fill: "none", stroke: color(r), "stroke-opacity": 0.45 }),
        s("circle", { cx: points[0][0], cy: points[0][1], r: 3, fill: color(r) }),
        past,
        ring,
      );
      return { past, ring, points, cuts: points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`) };
    });
    return { seeds };
  });

  const right = ui.panel("How far apart are the seeds?", {
    note: "Mean distance from the seeds' mean, as a share of the length of W = W_s + A (softmax's common shift taken out).",
  });
  const names = ["shared weights W_s", "adapter A", "what the task uses, W"],
    looks = [color(0), color(1), "var(--shared)"];
  const legend = h("div", {
    style: "display:flex;flex-wrap:wrap;gap:0 14px;font-size:12.5px;font-variant-numeric:tabular-nums",
  });
  const values = names.map((name, i) => {
    const key = s("svg", { viewBox: "0 0 26 10", style: "width:26px;height:10px;display:inline-block" }),
      value = h("b", { className: "value" });
    key.append(
      s("line", {
        x1: 0,
        x2: 26,
        y1: 6,
        y2: 6,
        stroke: looks[i],
        "stroke-width": i === 2 ? 3 : 2,
        "stroke-dasharray": DASH[i === 2 ? 0 : i + 1],
      }),
    );
    legend.append(h("span", { style: "white-space:nowrap" }, key, ` ${name} `, value));
    return value;
  });
  right.append(legend);
  const spread = gallery(right, 240, (svg, width, state) => {
    const k = setting(state),
      box = { width, height: 240, left: 46, right: 12, top: 12, bottom: 38 };
    let high = 0.02;
    for (const lam of spec.lams.keys())
      for (let f = 0; f < nFrames; f++)
        for (let i = 0; i < 3; i++) high = Math.max(high, spreads(setting({ ...state, lam }), f, i));
    const { X, Y } = axes(svg, box, {
      x: [0, nFrames - 1],
      y: [0, high * 1.05],
      xTicks: [0, (nFrames - 1) / 2, nFrames - 1],
      xText: (f) => String(steps[Math.round(f)]),
      yTicks: ticks(0, high, 4),
      yText: percent,
      xName: "step",
    });
    names.forEach((_, i) =>
      svg.append(
        s("path", {
          d: line(Array.from({ length: nFrames }, (_, f) => [X(f), Y(spreads(k, f, i))])),
          fill: "none",
          stroke: looks[i],
          "stroke-width": i === 2 ? 3 : 2,
          "stroke-dasharray": DASH[i === 2 ? 0 : i + 1],
        }),
      ),
    );
    const cursor = s("line", { class: "cursor", y1: box.top, y2: box.height - box.bottom });
    svg.append(cursor);
    return { cursor, X };
  });

  return {
    draw(state) {
      const f = state.at;
      for (const { past, ring, points, cuts } of bundle(state).seeds) {
        set(past, { points: cuts.slice(0, f + 1).join(" ") }); // not a path: its d is a matter of style, and styles cost
        set(ring, { cx: points[f][0], cy: points[f][1] });
      }
    },
    write(state) {
      // another scale is two whole pictures: the paths first
      const { cursor, X } = spread(state);
      set(cursor, { x1: X(state.at), x2: X(state.at) });
      values.forEach((value, i) => put(value, percent(spreads(setting(state), state.at, i))));
    },
    say(state) {
      const k = setting(state),
        f = state.at,
        [shared, adapter, all] = [0, 1, 2].map((i) => spreads(k, f, i));
      const lam = spec.lams[state.lam],
        start =
          spec.inits[state.init] === "zero"
            ? "All seeds start at zero"
            : `${nSeeds} seeds of ${spec.inits[state.init]} weights, scale ${short(spec.scales[state.scale])}`;
      const verdict =
        shared < 0.02
          ? "the seeds have met"
          : all < shared / 2
            ? "the parts differ, their sum hardly does"
            : "the seeds are apart";
      return `${start}, ${lam ? `λ = ${short(lam)}` : "no penalty"}, step ${steps[f]}: the seeds' W_s differ by ${percent(shared)}, the adapters by ${percent(adapter)}, the sums W by ${percent(all)}; ${verdict}.`;
    },
    measures(state) {
      const [shared, adapter, sum] = [0, 1, 2].map((i) => spreads(setting(state), state.at, i));
      return {
        step: steps[state.at],
        scale: spec.scales[state.scale],
        lam: spec.lams[state.lam],
        shared,
        adapter,
        sum,
      };
    },
    table(state) {
      const k = setting(state),
        f = state.at;
      return {
        head: ["seed", `“${spec.word}” in W_s`, `in the adapter of ${spec.task}`, "sum"],
        rows: spec.seeds.map((seed, r) => [
          seed,
          ...[paths(k, f, r, 0), paths(k, f, r, 1), paths(k, f, r, 0) + paths(k, f, r, 1)].map((v) => signed(v, 2)),
        ]),
      };
    },
    code: (state) =>
      `import ragteach as rt\nmodel = rt.RAG(data.n_features, data.n_classes, ${spec.model}, init="${spec.inits[state.init]}", scale=${spec.scales[state.scale]})\nrt.train_many(model, data.stacked(), lam=${spec.lams[state.lam]}, lam_shared=${spec.lams[state.lam]}, seeds=${JSON.stringify(spec.seeds)}, steps=${steps[nFrames - 1]}, optimizer="sgd", lr=${spec.lr})`,
  };
};
