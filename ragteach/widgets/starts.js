// Initialisation lab.  Arrays: steps (F), graph (T, K), units (2, seeds, 1 + K, C, V): random starts of scale 1; documents.
// The page trains every seed twice, without a penalty and with one, a few milliseconds of each frame.

const SLICE = 10; // milliseconds of training in a frame

/** All seeds trained from one kind of start: at every kept step the word's weights in Wₛ and in A, and how far the seeds are apart. */
class Film {
  constructor({ spec, problem, lr, units, scale, keep }) {
    Object.assign(this, { spec, problem, keep, n: 0, paths: [], spreads: [] });
    this.seeds = spec.seeds.map((_, r) => {
      const weights = zeroWeights(problem);
      [weights.shared, ...weights.adapters].forEach((part, p) => {
        for (let i = 0; i < part.length; i++) part[i] = scale * (units ? units(r, p, i) : 0);
      });
      return weights;
    });
    this.step = OPTIMISERS.sgd(lr);
    this.record();
  }
  /** One step of every seed. */
  next() {
    for (const weights of this.seeds) this.step(this.problem, weights, gradient(this.problem, weights).grad);
    this.n += 1;
    if (this.n === this.keep[this.paths.length]) this.record();
  }
  record() {
    const C = this.problem.nClasses,
      j = this.spec.column * C;
    const own = this.seeds.map(({ adapters }) => {
      const A = new Float64Array(this.problem.size);
      adapters.forEach((part, k) => addScaled(A, this.problem.graph[0][k], part));
      return A;
    });
    const shared = this.seeds.map((weights) => weights.shared);
    this.paths.push(this.seeds.map((_, r) => [shared, own].map((w) => w[r].slice(j, j + C))));
    const parts = [shared, own, shared.map((w, r) => addScaled(w.slice(), 1, own[r]))].map((all) =>
      all.map((w) => centred(w, C)),
    );
    const length = parts[2].reduce((sum, w) => sum + Math.sqrt(squares(w)), 0) / this.seeds.length;
    this.spreads.push(parts.map((all) => apart(all) / Math.max(1e-9, length)));
  }
}

/** Train films side by side until each has kept step f, or the time is over. */
function trainFilms(films, f, until) {
  do {
    const [behind] = films.filter((one) => one.paths.length <= f).sort((a, b) => a.n - b.n);
    if (!behind) return;
    behind.next();
  } while (performance.now() < until);
}

/** y + a x, in place of y. */
function addScaled(y, a, x) {
  if (a) for (let i = 0; i < y.length; i++) y[i] += a * x[i];
  return y;
}

/** Weights without softmax's common shift of all classes. */
function centred(w, C) {
  const out = w.slice();
  for (let j = 0; j < w.length; j += C) {
    let mean = 0;
    for (let c = 0; c < C; c++) mean += w[j + c] / C;
    for (let c = 0; c < C; c++) out[j + c] -= mean;
  }
  return out;
}

/** The mean distance from the mean. */
function apart(all) {
  const mean = new Float64Array(all[0].length);
  for (const w of all) addScaled(mean, 1 / all.length, w);
  return all.reduce((sum, w) => sum + Math.sqrt(squares(addScaled(w.slice(), -1, mean))), 0) / all.length;
}

EXPLORERS.starts = (ui) => {
  const { spec, store } = ui,
    keep = Array.from(ui.read("steps").all, Math.round),
    nFrames = keep.length,
    color = series;
  const [nFeatures, nClasses] = spec.size,
    { classes, ends: order } = spec,
    tasks = readTasks(ui.read, "train"),
    units = ui.read("units"),
    graph = Array.from({ length: tasks.length }, (_, t) => Array.from(ui.read("graph").row(t)));
  const films = new Map();
  let waited = false;
  const key = (state, lam) => JSON.stringify([state.init, state.init === 2 ? 0 : state.scale, state.lr, lam]);
  const film = (state, lam) => {
    const name = key(state, lam);
    if (!films.has(name)) {
      if (films.size > 60) films.delete(films.keys().next().value);
      const problem = makeProblem({ tasks, nFeatures, nClasses, graph, lam, lamShared: lam, bias: spec.bias });
      const draw = (r, p, i) => units(state.init, r, p, i % nClasses, Math.floor(i / nClasses));
      const start = { units: state.init < 2 ? draw : null, scale: spec.scales[state.scale] };
      films.set(name, new Film({ spec, problem, keep, lr: spec.rates[state.lr], ...start }));
    }
    return films.get(name);
  };
  const both = (state) => [film(state, 0), film(state, spec.lams[state.lam])];
  /** What each class counts in a score. */
  const factors = ({ for_class }) => {
    const of = new Map(wordAxis(nClasses, order, for_class));
    return classes.map((_, c) => of.get(c) ?? 0);
  };
  /** The word's scores in W_s and in A: where a seed is drawn. */
  const scores = (state) => {
    const axis = wordAxis(nClasses, order, state.for_class);
    return (parts) => parts.map((w) => axis.reduce((sum, [c, k]) => sum + k * w[c], 0));
  };

  ui.slider({
    name: "lam",
    label: "λ = λₛ, on the right:",
    max: spec.lams.length - 1,
    wide: false,
    text: (i) => short(spec.lams[i]),
  });
  ui.slider({
    name: "scale",
    label: "Scale of the start:",
    max: spec.scales.length - 1,
    wide: false,
    text: (i) => short(spec.scales[i]),
  });
  ui.slider({
    name: "lr",
    label: "Learning rate:",
    max: spec.rates.length - 1,
    wide: false,
    text: (i) => short(spec.rates[i]),
  });
  ui.choice({ name: "init", label: "Distribution", options: spec.inits });
  if (!order)
    ui.choice({ name: "for_class", label: "Weights for the class", options: classes }).style.maxWidth = "170px";
  ui.slider({
    name: "at",
    label: "Step",
    max: nFrames - 1,
    text: (f) => String(keep[f]),
    ends: ["the random start", "end of training"],
  });

  ui.layouts.push(() => {
    const two = ui.width < 900; // the paths beside each other, the distances below
    ui.panels.style.setProperty("--columns", `repeat(${two ? 2 : 3}, minmax(0, 1fr))`);
    right.style.gridColumn = two ? "1 / -1" : "auto";
  });
  // ---- two bundles of paths -------------------------------------------------------------------------------------
  const high = () => (ui.width < 900 ? (order ? 205 : 186) : 270); // beside each other, and below them the third
  const bundle = (title) => {
    const panel = ui.panel(title);
    const made = { panel, heading: panel.querySelector("h4"), svg: null };
    ui.picture(panel, (svg, width) => {
      Object.assign(made, { svg, width, limits: "" });
      sheet(svg, { width, height: high() });
    });
    return made;
  };
  const sides = [bundle("Without a penalty"), bundle("With the penalty")];
  const box = (width) => ({ width, height: high(), left: 40, right: 12, top: 20, bottom: 36 });
  const limitsOf = (pair, score) =>
    [0, 1].map((axis) => {
      const all = pair.flatMap((one) => one.paths.flatMap((seeds) => seeds.map((parts) => score(parts)[axis])));
      const low = Math.min(0, ...all),
        high = Math.max(0, ...all),
        pad = (high - low) * 0.08 || 1;
      return [low - pad, high + pad];
    });
  const drawBundle = (side, one, limits, { at, for_class }, score) => {
    const name = JSON.stringify([limits, for_class]);
    if (side.limits !== name) {
      const { X, Y } = axes(side.svg, box(side.width), {
        x: limits[0],
        y: limits[1],
        xTicks: ticks(...limits[0], 4),
        yTicks: ticks(...limits[1], 4),
        xName: axisTitle(classes, order, for_class, side.width * 0.24, "Wₛ"),
      });
      side.svg.append(
        s("text", { class: "soft", x: 4, y: 12 }, `the same in the adapter of ${isolate(clip(spec.task, 120))}`),
      );
      side.seeds = spec.seeds.map((_, r) => {
        const past = s("polyline", { fill: "none", stroke: color(r), "stroke-width": 2, "stroke-dasharray": dash(r) });
        const first = s("circle", { r: 3, fill: color(r) }),
          ring = s("circle", { r: 6, fill: "none", stroke: color(r), "stroke-width": 2.5 });
        const tag = s("text", { class: "soft tag" }, spec.seeds.length > ENDS ? "" : String(spec.seeds[r])); // where its line begins
        for (const node of [past, first, ring, tag]) node.dataset.task = r;
        side.svg.top.append(past, first, ring);
        return { past, first, ring, tag };
      });
      side.svg.top.append(...side.seeds.map(({ tag }) => tag)); // no line lies on a number
      Object.assign(side, { X, Y, limits: name });
    }
    const { X, Y } = side,
      last = Math.min(at, one.paths.length - 1);
    side.seeds.forEach(({ past, first, ring }, r) => {
      const points = one.paths.slice(0, last + 1).map((seeds) => {
        const [shared, own] = score(seeds[r]);
        return [X(shared), Y(own)];
      });
      set(past, { points: points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ") });
      set(first, { cx: points[0][0], cy: points[0][1] });
      set(ring, { cx: points[last][0], cy: points[last][1] });
    });
    const starts = one.paths[0].map(score).map(([shared, own]) => [X(shared), Y(own)]),
      taken = [];
    side.seeds.forEach(({ tag }, r) => {
      const [x, y] = starts[r],
        wide = 7 * tag.textContent.length,
        around = [-6, 16, 5].flatMap((up) => [-wide / 2, 6, -wide - 6].map((left) => [x + left, y + up]));
      const [left, base] = freePlace(around, wide, starts, taken);
      set(tag, { x: left.toFixed(1), y: base.toFixed(1) });
    });
  };

  // ---- how far apart ---------------------------------------------------------------------------------------------
  const right = ui.panel("How far apart are the seeds?");
  const names = ["Wₛ, λ = 0:", "W, λ = 0:", "Wₛ, penalty:", "W, penalty:"],
    looks = [color(0), color(1), color(0), color(1)],
    which = [
      [0, 0],
      [0, 2],
      [1, 0],
      [1, 2],
    ];
  const seeds = h("div", { className: "legend", style: "margin-bottom:0" }, h("span", {}, "Seeds:"));
  region(seeds, "The seeds: point at one to find its paths");
  spec.seeds.forEach((seed, r) => {
    const entry = h("span", {}, sample(r, color(r), { mark: null }), String(seed));
    entry.dataset.task = r;
    seeds.append(entry);
  });
  const whereAt = (f) => `at step ${keep[f]}`;
  let chart = null;
  ui.picture(right, (svg, width) => {
    const size = {
      width,
      height: ui.width < 900 ? 190 : 258,
      left: 44,
      right: endRoom(names, whereAt(nFrames - 1)),
      top: 12,
      bottom: 36,
    };
    const { X, Y } = axes(svg, size, {
      x: [0, keep[nFrames - 1]],
      y: [0, 1],
      xTicks: ticks(0, keep[nFrames - 1], 3),
      yTicks: [0, 0.25, 0.5, 0.75, 1],
      yText: percent,
      xName: "step",
    });
    const lines = names.map((_, i) =>
      s("path", {
        fill: "none",
        stroke: looks[i],
        "stroke-width": i % 2 ? 3 : 2,
        "stroke-dasharray": dash(i < 2 ? 0 : 1),
      }),
    );
    const cursor = s("line", { class: "cursor", y1: size.top, y2: size.height - size.bottom });
    svg.top.append(...lines, cursor);
    const key = (i) =>
      s("circle", { r: i % 2 ? 4.5 : 3.5, fill: i < 2 ? looks[i] : "var(--bg)", stroke: looks[i], "stroke-width": 2 });
    const entries = names.map((name, i) => ({ name, key: key(i), bold: i % 2 }));
    const ends = endNames(svg.top, entries, { x: width - size.right, low: size.top, high: size.height - size.bottom });
    [lines, ...ends.nodes[0].map((_, n) => ends.nodes.map((nodes) => nodes[n]))].forEach((nodes) =>
      nodes.forEach((node, i) => (node.dataset.word = i)),
    );
    slideOver(
      svg,
      (f) => X(keep[f]),
      nFrames,
      (at) => ui.update({ at }),
    );
    chart = { X, Y, lines, cursor, ends, mark: marks(svg, size.top, size.height - size.bottom) };
  });
  right.append(
    h("p", { className: "note" }, "Mean distance from the seeds' mean, as a share of the length of W = Wₛ + A."),
    seeds,
  );

  const ready = (pair, at) => pair.every((one) => one.paths.length > at);
  const percents = (pair, at) => which.map(([side, part]) => pair[side].spreads[at][part]);
  return {
    draw(state) {
      const pair = both(state);
      trainFilms(pair, state.at, performance.now() + SLICE);
      const score = scores(state),
        limits = limitsOf(pair, score);
      sides.forEach((side, i) => drawBundle(side, pair[i], limits, state, score));
      const { X, Y, lines, cursor, ends, mark } = chart;
      which.forEach(([side, part], i) => {
        const points = pair[side].spreads.map((three, f) => [X(keep[f]), Y(Math.min(1, three[part]))]);
        set(lines[i], { d: line(points) });
      });
      ends.place(which.map(([side, part]) => Y(Math.min(1, pair[side].spreads.at(-1)[part]))));
      const there = Math.min(state.at, ...pair.map((one) => one.paths.length - 1));
      set(cursor, { x1: X(keep[there]), x2: X(keep[there]) });
      mark(...[store.before, store.pinned].map((kept) => (kept ? X(keep[kept.state.at]) : null)));
      const waits = !ready(pair, state.at);
      if (waits)
        ui.schedule(); // the next frame trains on
      else if (waited) store.later();
      waited = waits;
    },
    write(state) {
      const pair = both(state),
        there = Math.min(state.at, ...pair.map((one) => one.paths.length - 1));
      chart.ends.read(whereAt(there), percents(pair, there).map(percent));
      put(sides[0].heading, `“${isolate(spec.word)}”, ${spec.seeds.length} seeds, λ = 0`);
      put(sides[1].heading, `“${isolate(spec.word)}”, ${spec.seeds.length} seeds, λ = ${short(spec.lams[state.lam])}`);
    },
    say(state) {
      const pair = both(state);
      if (!ready(pair, state.at))
        return `Training all seeds: step ${Math.min(...pair.map((one) => one.n))} of ${keep[state.at]} …`;
      const [freeShared, free, shared, all] = percents(pair, state.at),
        lam = spec.lams[state.lam];
      const start =
        state.init === 2
          ? "all seeds start at zero"
          : `${spec.inits[state.init]} starts of scale ${short(spec.scales[state.scale])}`;
      const verdict = (v) => (v < 0.02 ? "they have met" : "the start is still seen");
      return `After ${keep[state.at]} steps, ${start}: without a penalty the seeds' W differ by ${percent(free)} (Wₛ by ${percent(freeShared)}), ${verdict(Math.max(free, freeShared))}; with λ = ${short(lam)} by ${percent(all)} (Wₛ by ${percent(shared)}), ${verdict(Math.max(all, shared))}.`;
    },
    compare: "sum",
    comparedAs: " of distance with the penalty",
    measures(state) {
      const pair = both(state);
      if (!ready(pair, state.at)) return null;
      const [shared, adapter, sum] = pair[1].spreads[state.at];
      const here = {
        step: keep[state.at],
        scale: spec.scales[state.scale],
        lam: spec.lams[state.lam],
        lr: spec.rates[state.lr],
      };
      return { ...here, shared, adapter, sum, free: pair[0].spreads[state.at][2] };
    },
    table(state) {
      const one = both(state)[1],
        at = Math.min(state.at, one.paths.length - 1),
        rows = one.paths[at].map(scores(state)).map(([shared, own]) => [shared, own, shared + own]),
        of = order ? "" : `, for ${classes[state.for_class]}`;
      return {
        head: [`seed, with the penalty${of}`, `“${spec.word}” in Wₛ`, `in the adapter of ${spec.task}`, "sum"],
        rows: spec.seeds.map((seed, r) => [seed, ...rows[r].map((v) => signed(v, 3))]),
      };
    },
    code: (state) => `import torch
import ragteach as rt
data = ${spec.made}
model = rt.RAG(data.n_features, data.n_classes, ${spec.model}, init="${spec.inits[state.init]}", scale=${spec.scales[state.scale]})
runs = rt.train_many(model, data.stacked(), lam=${spec.lams[state.lam]}, lam_shared=${spec.lams[state.lam]}, seeds=${JSON.stringify(spec.seeds)},
                     steps=${keep[state.at]}, lr=${spec.rates[state.lr]}, optimizer="sgd")
axis = torch.tensor(${JSON.stringify(factors(state))}, dtype=runs.shared.dtype)
score = axis @ runs.shared[:, :, ${spec.column}].T
print(score)`,
  };
};
