// Adapter explorer.  Arrays: moved (sentences, strengths, 2, layers, words), apart and agree (sentences, strengths,
// layers, words), p (sentences, strengths, 2, classes) if the network says logits.  A sentence's words are the first ones.

EXPLORERS.movements = (ui) => {
  const { spec } = ui,
    { tasks, strengths } = spec,
    moved = ui.read("moved"),
    apart = ui.read("apart"),
    agree = ui.read("agree"),
    answers = spec.layout.p ? ui.read("p") : null;
  const [, nStrengths, , nLayers] = moved.shape,
    layers = Array.from({ length: nLayers }, (_, l) => l),
    trained = strengths.indexOf(1);
  const size = (state) => spec.words[state.sentence].length;
  const mean = (state, value) => {
    let total = 0;
    for (let w = 0; w < size(state); w++) total += value(w);
    return total / size(state);
  };
  /** Means over the words: of task t's movement, and of how far the two are apart. */
  const movedMean = (state, t, l) => mean(state, (w) => moved(state.sentence, state.strength, t, l, w));
  const apartMean = (state, l) => mean(state, (w) => apart(state.sentence, state.strength, l, w));
  const widest = (state) => {
    const all = layers.map((l) => apartMean(state, l));
    return all.indexOf(Math.max(...all));
  };
  /** The class that task t answers. */
  const answer = (state, t) => {
    const p = Array.from(answers.row(state.sentence, state.strength, t));
    return p.indexOf(Math.max(...p));
  };
  /** The largest of a sentence's numbers at any strength: the scale, so that it stays while the hand moves. */
  const most = (state, value) => {
    let top = 1e-6;
    for (let s = 0; s < nStrengths; s++) top = Math.max(top, value({ ...state, strength: s }));
    return top;
  };

  ui.slider({
    name: "strength",
    label: "Strength of the adapters:",
    max: nStrengths - 1,
    text: (s) => `${strengths[s].toFixed(1)}${s === trained ? ", as trained" : ""}`,
    ends: ["0: the shared change alone", `${strengths[nStrengths - 1].toFixed(1)}`],
    mark: { at: () => trained, text: "as trained" },
  });
  ui.slider({ name: "layer", label: "Layer:", max: nLayers - 1, wide: false, text: (l) => String(l + 1) });
  if (spec.sentences.length > 1) ui.choice({ name: "sentence", label: "Sentence", options: spec.sentences });
  const toLayer = (x, box) => {
    const inner = (box.width - box.left - box.right) / nLayers;
    ui.update({ layer: Math.max(0, Math.min(nLayers - 1, Math.floor((x - box.left) / inner))) });
  };

  // ---- words by layers: two bars in each cell ---------------------------------------------------------------------------
  const top = ui.panel("Each word's movement away from the base network", { full: true });
  const legend = h("div", { className: "legend" });
  tasks.forEach((task, t) => {
    const look = sample(0, series(t), { mark: null, width: 6 }),
      entry = h("span", {}, look, `${["upper", "lower"][t]} bar:`, h("bdi", { title: task }, task));
    entry.dataset.task = t;
    legend.append(entry);
  });
  const scale = h("p", { className: "note" });
  top.append(legend, scale);
  const grid = { svg: canvas(top) };
  const HEIGHT = 24;
  const layGrid = () => {
    const state = ui.state,
      words = spec.words[state.sentence],
      width = Math.max(220, top.clientWidth),
      names = words.map((word) => clip(word, width * 0.24)),
      box = { width, left: Math.max(50, ...names.map(ruler)) + 12, right: 4, top: 20, bottom: 4 };
    box.height = box.top + HEIGHT * words.length + box.bottom;
    const inner = (width - box.left - box.right) / nLayers;
    sheet(grid.svg, box);
    grid.svg.append(s("text", { class: "soft", x: 0, y: 13 }, "layer"));
    for (const l of layers)
      grid.svg.append(
        s("text", { class: "soft", x: box.left + inner * l + 4, y: 13 }, String(l + 1)),
        s("path", { class: "grid", d: `M${box.left + inner * l},${box.top}V${box.height - box.bottom}` }),
      );
    names.forEach((name, w) => {
      const text = s("text", { x: box.left - 8, y: box.top + HEIGHT * w + 16, "text-anchor": "end" }, name);
      text.dataset.word = words[w];
      grid.svg.append(text);
    });
    grid.most = most(state, (at) =>
      Math.max(
        ...tasks.flatMap((_, t) =>
          layers.flatMap((l) => words.map((_, w) => moved(at.sentence, at.strength, t, l, w))),
        ),
      ),
    );
    grid.bars = tasks.map((_, t) => s("path", { fill: series(t) }));
    grid.bars.forEach((bar, t) => (bar.dataset.task = t));
    grid.frame = s("rect", {
      y: box.top,
      width: inner,
      height: HEIGHT * words.length,
      fill: "none",
      stroke: "var(--fg)",
      "stroke-width": 2,
    });
    grid.svg.top.append(...grid.bars, grid.frame);
    slide(grid.svg, (x) => toLayer(x, box));
    Object.assign(grid, { box, inner, sentence: state.sentence });
    put(
      scale,
      `The longest bar of this sentence, at any strength, is ${percent(grid.most)} of what the base network says.`,
    );
  };
  const drawGrid = (state) => {
    const { box, inner } = grid;
    tasks.forEach((_, t) => {
      const parts = [];
      for (const l of layers)
        for (let w = 0; w < size(state); w++) {
          const long = ((inner - 8) * moved(state.sentence, state.strength, t, l, w)) / grid.most;
          parts.push(
            `M${box.left + inner * l + 2},${box.top + HEIGHT * w + 3 + 9 * t}h${long.toFixed(1)}v8h${(-long).toFixed(1)}z`,
          );
        }
      set(grid.bars[t], { d: parts.join("") });
    });
    set(grid.frame, { x: box.left + inner * state.layer });
  };

  // ---- means over the words, layer by layer -----------------------------------------------------------------------------
  const curves = [
    ...tasks.map((task, t) => ({ name: task, color: series(t), look: t, value: (state, l) => movedMean(state, t, l) })),
    { name: "apart", color: "var(--shared)", look: 2, value: apartMean },
  ];
  const whereAt = (l) => `at layer ${l + 1}`;
  const left = ui.panel("The sentence: mean of its words");
  const chart = { svg: canvas(left) };
  const layChart = () => {
    const state = ui.state,
      width = Math.max(220, left.clientWidth),
      tags = curves.map(({ name }) => clip(name, Math.min(130, width * 0.24))),
      box = { width, height: 176, left: 46, right: endRoom(tags, whereAt(nLayers - 1)), top: 10, bottom: 38 };
    const high = most(state, (at) => Math.max(...curves.flatMap(({ value }) => layers.map((l) => value(at, l)))));
    const { X, Y } = axes(chart.svg, box, {
      x: [-0.5, nLayers - 0.5],
      y: [0, high * 1.05],
      yTicks: ticks(0, high, 4),
      yText: percent,
      xTicks: layers,
      xText: (l) => String(l + 1),
      xName: "layer",
    });
    chart.cursor = s("line", { class: "cursor", y1: box.top, y2: box.height - box.bottom });
    chart.lines = curves.map(({ color, look }) => ({
      path: s("path", { fill: "none", stroke: color, "stroke-width": 2, "stroke-dasharray": dash(look) }),
      marks: marker(look, color),
    }));
    const entries = curves.map(({ name, color, look }, i) => ({
      name: tags[i],
      key: marker(look, color),
      title: name,
    }));
    chart.ends = endNames(chart.svg.top, entries, {
      x: width - box.right,
      low: box.top,
      high: box.height - box.bottom,
    });
    tasks.forEach((_, t) => {
      const { path, marks } = chart.lines[t];
      for (const node of [path, marks, ...chart.ends.nodes[t]]) node.dataset.task = t;
    });
    chart.kept = ["ghost", "pin"].map((name) => s("path", { class: name, fill: "none" }));
    chart.svg.top.append(...chart.kept);
    chart.mark = marks(chart.svg, box.top, box.height - box.bottom);
    chart.svg.top.append(chart.cursor, ...chart.lines.flatMap(({ path, marks }) => [path, marks]));
    slide(chart.svg, (x) => toLayer(x, box));
    Object.assign(chart, { X, Y: (v) => Y(Math.min(v, 1.05 * high)) }); // a kept sentence's may be larger
  };
  const drawChart = (state) => {
    const { X, Y } = chart;
    curves.forEach(({ value }, i) => {
      const points = layers.map((l) => [X(l), Y(value(state, l))]);
      set(chart.lines[i].path, { d: line(points) });
      move(chart.lines[i].marks, ...points);
    });
    chart.ends.place(curves.map(({ value }) => Y(value(state, nLayers - 1))));
    set(chart.cursor, { x1: X(state.layer), x2: X(state.layer) });
    const { before, pinned } = ui.store;
    chart.kept.forEach((node, i) => {
      const kept = [before, pinned][i],
        of = ({ value }) => line(layers.map((l) => [X(l), Y(value(kept.state, l))]));
      set(node, { d: kept ? curves.map(of).join("") : "" });
    });
    chart.mark(
      ...[before, pinned].map((kept) => (kept && kept.state.layer !== state.layer ? X(kept.state.layer) : null)),
    );
  };

  // ---- what the two answer ------------------------------------------------------------------------------------------------
  const cells = [];
  if (answers) {
    const right = ui.panel("What the two tasks answer", { note: `Chance: ${percent(1 / spec.classes.length)}.` });
    const box = region(h("div", { className: "layer scroll" }), "Probability of each class, by task");
    const head = h(
      "tr",
      {},
      h("th", { scope: "col" }, "class"),
      ...tasks.map((task) => h("th", { scope: "col" }, task)),
    );
    const rows = spec.classes.map((name) => {
      const two = tasks.map(() => h("td", { style: "min-width:7em" }));
      cells.push(two);
      return h("tr", {}, h("th", { scope: "row", dir: "auto" }, name), ...two);
    });
    box.append(h("table", { style: "--bar: rgba(var(--plus), .25)" }, h("thead", {}, head), h("tbody", {}, ...rows)));
    right.append(box);
  }
  const writeAnswers = (state) =>
    cells.forEach((two, c) =>
      two.forEach((cell, t) => {
        const p = answers(state.sentence, state.strength, t, c);
        put(cell, `${percent(p)}${answer(state, t) === c ? " ◀" : ""}`);
        cell.style.background = `linear-gradient(to right, var(--bar) ${(100 * p).toFixed(1)}%, transparent 0)`;
      }),
    );

  const lay = () => {
    layGrid();
    layChart();
  };
  ui.layouts.push(lay);
  const furthest = (state) => {
    const row = apart.row(state.sentence, state.strength, state.layer).subarray(0, size(state));
    const w = row.indexOf(Math.max(...row));
    return { word: spec.words[state.sentence][w], by: row[w] };
  };
  return {
    draw(state) {
      if (grid.sentence !== state.sentence) lay();
      drawGrid(state);
      drawChart(state);
    },
    write(state) {
      chart.ends.read(
        whereAt(state.layer),
        curves.map(({ value }) => percent(value(state, state.layer))),
      );
      if (answers) writeAnswers(state);
    },
    say(state) {
      const [a, b] = tasks.map((_, t) => percent(movedMean(state, t, state.layer))),
        [one, other] = tasks.map(isolate),
        answered = (t) => isolate(spec.classes[answer(state, t)]),
        far = furthest(state);
      const parted =
        far.by < 0.005
          ? "The two are at the same place."
          : `The two are ${percent(apartMean(state, state.layer))} apart, most at “${isolate(far.word)}” (${percent(far.by)}).`;
      const said = answers ? ` ${one} answers ${answered(0)}, ${other} ${answered(1)}.` : "";
      return `Strength ${strengths[state.strength].toFixed(1)}, layer ${state.layer + 1}: the words have moved by ${a} of their length under ${one}, by ${b} under ${other}. ${parted}${said}`;
    },
    compare: "apart",
    measures(state) {
      const found = {
        strength: strengths[state.strength],
        layer: state.layer + 1,
        sentence: state.sentence + 1,
        ...named("moved", tasks, (t) => movedMean(state, t, state.layer)),
        apart: apartMean(state, state.layer),
        agree: mean(state, (w) => agree(state.sentence, state.strength, state.layer, w)),
        widest: widest(state) + 1,
      };
      return answers ? { ...found, answers: answer(state, 0) === answer(state, 1) ? 1 : 2 } : found;
    },
    table(state) {
      const { sentence, strength, layer } = state;
      return {
        head: ["word", ...tasks.map((task) => `moved under ${task}`), "apart", "cosine of the movements"],
        rows: spec.words[sentence].map((word, w) => [
          word,
          ...tasks.map((_, t) => percent(moved(sentence, strength, t, layer, w))),
          percent(apart(sentence, strength, layer, w)),
          signed(agree(sentence, strength, layer, w), 2),
        ]),
      };
    },
    code: ({ sentence, strength, layer }) =>
      spec.code
        .replace("{sentence}", JSON.stringify(spec.sentences[sentence]))
        .replace("{strength}", String(strengths[strength]))
        .replaceAll("{layer}", String(layer)),
  };
};
