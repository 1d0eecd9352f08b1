// Sharing slider.  Arrays: lam (L), accuracy (L, T), validation (L), shared (L, C, V), adapters (L, T, C, V),
// bias (L, T, C), idf (V).  W_t = W_s + A_t; the score of a word is its weight for the highest class minus the lowest, or, where
// the classes have no order, for one of them minus the mean of the others.
// Toy sentences have knobs: their numbers are those of Python at first, and made in the page wherever else (numbers.js).

const LOOSE = 0.05; // tied by less: next to nothing is shared; by more than 1 - LOOSE: nearly everything

const MOST_SAID = 220; // signs of what the tasks read, in the sentence above the pictures

EXPLORERS.sharing = (ui) => {
  const { spec, store } = ui,
    lam = ui.read("lam").all;
  const nLam = lam.length,
    nTasks = spec.tasks.length,
    sentences = (store.sentences ??= new Sentences(ui));
  let now = sentences.of(store.state), // the numbers of the state
    drawn = null; // what the pictures show: numbers, and how many lambdas of them
  const color = series;

  const tie = (l) => lam[l] / (lam[l] + spec.lam_shared); // 0: independent; 1: one model
  const parts = spec.graph || nTasks === 1 || !spec.lam_shared; // what λ makes of the adapters, not of tasks that are tied or alone
  ui.slider({
    name: "at",
    label: "Penalty λ on the adapters:",
    max: nLam - 1,
    text: (l) => `${short(lam[l])}${l === now.best ? "  (chosen on validation)" : ""}`,
    ends: !parts
      ? [
          tie(0) < LOOSE ? `◀ independent: every ${spec.thing} on its own` : "◀ less sharing",
          tie(nLam - 1) > 1 - LOOSE ? "full sharing: one model for all ▶" : "more sharing ▶",
        ]
      : ["◀ cheap adapters", "dear adapters: one model for all ▶"],
    mark: { at: (state) => sentences.of(state).best, text: "chosen on validation sentences" },
  });
  if (spec.knobs) {
    const knob = (name, label) => ui.slider({ name, label, values: spec.knobs[name], text: String, wide: false });
    knob("relatedness", "Relatedness:");
    knob("n_per_task", `Sentences per ${spec.thing}:`);
    knob("seed", "Seed:");
  }

  // ---- accuracy against lambda ---------------------------------------------------------------------------------
  const left = ui.panel("New sentences classified correctly");
  const where = (v) => {
    let l = 0;
    while (l < nLam - 2 && lam[l + 1] < v) l++;
    return l + Math.log(v / lam[l]) / Math.log(lam[l + 1] / lam[l]);
  };
  const powers = ticks(Math.log10(lam[0]), Math.log10(lam[nLam - 1]), 4).filter(Number.isInteger);
  const tick = new Map(powers.map((p) => [where(10 ** p), p]));
  const curve = (t) => Float32Array.from(lam, (_, l) => now.accuracy(l, t));
  const curves = spec.tasks.map((name, t) => ({ name, values: curve(t), color: color(t), look: t, task: t }));
  const mean = { name: "mean", values: now.mean, color: "var(--shared)", look: 0, mean: true };
  const chart = lineChart(ui, left, {
    series: [...curves, mean],
    n: nLam,
    height: () => (nTasks < ENDS ? 226 : ui.width < 900 ? 156 : 180), // of many, the legend stands above
    chance: 1 / spec.classes.length,
    range: spec.knobs ? [0.2, 1] : null, // the same for all sentences, so that they can be compared
    place: {
      xTicks: [...tick.keys()],
      xText: (v) => short(10 ** tick.get(v)),
      yName: "accuracy",
      xName: !parts ? "independent  ←  λ  →  full sharing" : "free adapters  ←  λ  →  no adapters",
      best: now.best,
      bestName: "chosen on validation",
      where: (l) => `at λ = ${short(lam[l])}`,
    },
    change: (at) => ui.update({ at }),
  });

  // ---- words that differ ----------------------------------------------------------------------------------------
  const ends = spec.ends === undefined ? [0, spec.classes.length - 1] : spec.ends; // of older pages: first and last
  const place = (word) => now.column.get(word); // of a word that was not trained on, none: all its weights are 0
  const scored = (weight, j) =>
    j === undefined
      ? 0
      : wordAxis(spec.classes.length, ends, ui.state.for_class).reduce((z, [c, k]) => z + k * weight(c), 0);
  const sharedScore = (l, j) => scored((c) => now.shared(l, c, j), j);
  const ownScore = (l, t, j) => scored((c) => now.adapters(l, t, c, j), j);
  const solved = () => [...lam.keys()].filter((l) => now.solved(l));
  const words = wordChart(ui, { place, sharedScore, ownScore, solved, color, ends });

  // ---- one sentence, read by every domain -------------------------------------------------------------------------
  const below = ui.panel(`One sentence, as each ${spec.thing} reads it`, { full: true });
  const row = h("div", { className: "controls", style: "margin-top:2px" });
  below.append(row);
  sentenceFields(ui, {
    into: row,
    name: "sentence",
    label: "Sentence",
    options: spec.sentences.map((text, i) =>
      spec.owners[i] < 0 ? listed(text) : `${isolate(spec.tasks[spec.owners[i]])}: ${isolate(listed(text))}`,
    ),
    placeholder: spec.typing ? "for example: the ending was quiet" : null,
    written: "Or write your own sentence",
    change: (to) => ui.update({ ...to, reader: -1 }),
  });
  const readers = h("div", { className: "readers", role: "group" });
  readers.setAttribute("aria-label", "Whose reading is shown word by word");
  const buttons = spec.tasks.map((task, t) => {
    const name = h("bdi", {}, task),
      said = h("bdi"),
      number = h("span"),
      verdict = h("b", {}, said, number);
    const button = h("button", { type: "button", onclick: () => ui.update({ reader: t }) }, name, verdict);
    button.dataset.task = t;
    readers.append(button);
    return { button, name, said, number };
  });
  const brief = { tasks: spec.tasks, classes: spec.classes }; // as there is room for them
  ui.layouts.push(() => {
    const widest = (names) => 1.1 * Math.max(...names.map(ruler)), // a verdict is bold
      button = readers.clientWidth > 400 ? 172 : readers.clientWidth, // of many beside each other, or of one a line
      room = button - 74, // percent, sign and padding
      half = Math.min(widest(spec.classes), Math.max(room / 2, room - widest(spec.tasks)));
    Object.assign(brief, { tasks: clipAll(spec.tasks, room - half), classes: clipAll(spec.classes, half / 1.1) });
  });
  const strip = additiveStrip(ui);
  const sides = h("div", { className: "sides" }, readers, strip.node);
  below.append(sides);

  /** What is read: whose it is, its label, and its features [[j, x_j], ...]. */
  let known = { key: null };
  const current = (state) => {
    const own = spec.typing ? state.typed.trim() : "",
      key = own || state.sentence;
    if (known.key === key && known.numbers === now) return known;
    known = { key, numbers: now, owner: -1, label: -1 };
    if (own) return Object.assign(known, typed(own));
    const i = state.sentence;
    return Object.assign(known, { owner: spec.owners[i] ?? -1, label: spec.labels[i] ?? -1 }, now.sentence(i));
  };
  const typed = (text) => {
    const vocabulary = { place: now.column, idf: spec.unit ? now.idf : now.idf.map(() => 1) };
    const unknown = [...new Set(tokens(text).filter((word) => !now.column.has(word)))];
    return { x: spec.unit ? asRead(toWords(text, vocabulary), text, vocabulary) : counted(text, now.column), unknown };
  };
  const counted = (text, columns) => {
    const counts = new Map();
    for (const word of tokens(text))
      if (columns.has(word)) counts.set(columns.get(word), (counts.get(columns.get(word)) ?? 0) + 1);
    return [...counts];
  };
  /** A sentence as task t reads it at lambda l. */
  const read = (l, t, { x, unknown }) => {
    const per = (f) => spec.classes.map((_, c) => f(c));
    const parts = x.map(([j, v]) => ({
      word: now.words[j],
      shared: per((c) => v * now.shared(l, c, j)),
      own: per((c) => v * now.adapters(l, t, c, j)),
    }));
    return summed({ classes: spec.classes, bias: per((c) => now.bias(l, t, c)), parts, unknown });
  };
  const top = (p) => p.indexOf(Math.max(...p));
  let readings = [],
    ready = true;

  /** The pictures anew: other numbers, or more of them. */
  const again = () => {
    const first = drawn === null;
    drawn = { numbers: now, n: now.n };
    if (first && now === sentences.given) return; // they have just been laid out
    curves.forEach((one, t) => (one.values = curve(t)));
    mean.values = now.mean;
    chart.again({ best: now.best });
    words.again();
  };

  return {
    destroy: () => store.views.size || sentences.end(),
    accept(to, state) {
      if (to.lam !== undefined) {
        const distance = Array.from(lam, (v) => Math.abs(Math.log(v / to.lam)));
        state.at = distance.indexOf(Math.min(...distance));
      }
      state.lam = lam[state.at];
    },
    draw(state) {
      state.lam = lam[state.at];
      now = sentences.of(state);
      ready = now.solved(state.at);
      ui.panels.classList.toggle("waiting", !ready); // no number without its state
      if (drawn?.numbers !== now || drawn.n !== now.n) again();
      chart.draw(state.at, store.before?.state.at ?? null, store.pinned?.state.at ?? null);
      if (ready) words.draw(state.at);
    },
    write(state) {
      chart.write(state.at);
      if (!ready) return buttons.forEach(({ said, number }) => [said, number].forEach((node) => put(node, "")));
      const sentence = current(state);
      readings = spec.tasks.map((_, t) => read(state.at, t, sentence));
      const shown = state.reader >= 0 ? state.reader : Math.max(0, sentence.owner);
      buttons.forEach(({ button, name, said, number }, t) => {
        const best = top(readings[t].p),
          right = t === sentence.owner && sentence.label >= 0 ? (best === sentence.label ? " ✓" : " ✗") : "";
        put(name, t === sentence.owner ? `${brief.tasks[t]} ◀` : brief.tasks[t]);
        set(button, { title: `${spec.tasks[t]}: ${spec.classes[best]}` });
        put(said, brief.classes[best]);
        put(number, `${percent(readings[t].p[best])}${right}`);
        set(button, { "aria-pressed": String(t === shown) });
      });
      strip.show({ ...readings[shown], whose: shown });
    },
    say(state) {
      const l = state.at,
        { best } = now;
      if (!ready)
        return `Solving anew: ${state.n_per_task} sentences per ${spec.thing}, relatedness ${state.relatedness}, seed ${state.seed} …`;
      const place = parts ? price(l) : tied(l);
      const compare = !now.whole
        ? `${now.n} of ${nLam} λ are solved`
        : l === best
          ? "this is the λ that validation chose"
          : `validation chose λ = ${short(lam[best])}, where it is ${share(now.mean[best])}`;
      return `At λ = ${short(lam[l])} ${place}: ${share(now.mean[l])} of new sentences are classified correctly; ${compare}. The sentence below: ${verdicts(readings)}.`;
    },
    compare: "accuracy",
    measures(state) {
      const l = state.at,
        own = spec.tasks.map((_, t) => now.accuracy(l, t));
      if (!now.whole) return null; // still at work
      return {
        lam: lam[l],
        accuracy: now.mean[l],
        worst: Math.min(...own),
        validation: now.validation[l],
        tied: tie(l),
        readings: new Set(readings.map(({ p }) => top(p))).size,
        chosen: lam[now.best],
        best: Math.max(...now.mean),
        left: now.mean[0],
        right: now.mean[nLam - 1],
        behind: now.mean[now.best] - now.mean[l],
        sentence: state.sentence,
        ...named("accuracy", spec.tasks, (t) => own[t]),
        ...named("best", spec.tasks, (t) => Math.max(...curves[t].values)),
        ...named("reads", spec.tasks, (t) => top(readings[t].p)),
        ...named("apart", spec.drawn, (i) => apart(l, place(spec.drawn[i]))),
      };
    },
    table(state) {
      const l = state.at;
      if (!ready) return { head: ["not solved yet"], rows: [] };
      const { own, common } = words.scores(l),
        blank = spec.drawn.map(() => "");
      return {
        head: [`λ = ${short(lam[l])}`, "right", ...spec.drawn],
        rows: [
          [
            `shared weight${ends ? "" : `, for ${spec.classes[state.for_class]}`}`,
            "",
            ...common.map((v) => signed(v, 2)),
          ],
          ...spec.tasks.map((task, t) => [
            `${task} adds`,
            percent(now.accuracy(l, t)),
            ...own[t].map((v) => signed(v, 2)),
          ]),
          ["mean, validation", percent(now.validation[l]), ...blank],
          ["mean, test", percent(now.mean[l]), ...blank],
        ],
      };
    },
    code: (state) =>
      spec.code
        .replace("{lam}", String(Number(lam[state.at].toPrecision(4))))
        .replace(/\{(relatedness|n_per_task|seed)\}/g, (_, name) => String(state[name])),
  };

  /** How far the tasks' scores of a word are apart. */
  function apart(l, j) {
    const own = spec.tasks.map((_, t) => ownScore(l, t, j));
    return Math.max(...own) - Math.min(...own);
  }

  /** What lambda makes of the tasks, by the number and not by the place on the scale. */
  function tied(l) {
    if (tie(l) < LOOSE) return `the ${spec.thing}s share next to nothing`;
    return tie(l) > 1 - LOOSE
      ? `the ${spec.thing}s share everything but a trace`
      : `the ${spec.thing}s are tied by ${percent(tie(l))}`;
  }
  /** What an adapter's weight costs. */
  function price(l) {
    return spec.lam_shared
      ? `an adapter's weight costs ${short(lam[l] / spec.lam_shared)} times a shared one`
      : "an adapter's weight has a price, a shared one none";
  }

  /** "positive for films and cars, negative for food"; of many tasks, how many; of many classes, how many too. */
  function verdicts(all) {
    const groups = new Map();
    all.forEach(({ p }, t) => groups.set(top(p), [...(groups.get(top(p)) ?? []), isolate(spec.tasks[t])]));
    const list = (names) => (names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0]);
    const counted = (names) => `${names.length} of ${nTasks} ${spec.thing}s`;
    if (nTasks === 1) return `read as ${isolate(spec.classes[top(all[0].p)])}`;
    if (groups.size === 1) return `all ${spec.thing}s read the sentence as ${isolate(spec.classes[top(all[0].p)])}`;
    const told = (said) => [...groups].map(([c, names]) => `${isolate(spec.classes[c])} for ${said(names)}`).join(", ");
    const [whole, brief] = [nTasks > 8 ? counted : list, counted].map(told);
    if (whole.length <= MOST_SAID) return whole;
    return brief.length <= MOST_SAID ? brief : `${groups.size} different classes for ${nTasks} ${spec.thing}s`;
  }
};

/** Some words: a bar for the shared weight, and from it a line to a marker for what each task's adapter adds. */
function wordChart(ui, { place, sharedScore, ownScore, solved, color, ends }) {
  const { spec } = ui,
    nTasks = spec.tasks.length,
    panel = ui.panel("What does a word mean?", {
      note: `Bar: shared. From it to a marker: the adapter of a ${spec.thing}.`,
    });
  classChoice(ui, panel).show(spec.classes, ends);
  let marks,
    drawn = spec.drawn.map(place);
  const lay = (svg, width) => {
    const step = ui.width < 900 ? 20 : 22,
      wide = Math.max(...spec.drawn.map(visible).map(ruler)) + 14;
    const left = Math.min(wide, width * 0.35),
      box = { width, height: step * drawn.length + 40, left, right: 12, top: 4, bottom: 36 };
    let far = 0.2;
    for (const l of solved())
      for (const j of drawn)
        for (let t = 0; t < nTasks; t++) far = Math.max(far, Math.abs(sharedScore(l, j) + ownScore(l, t, j)));
    const chosen = ui.state.for_class;
    const { X: at } = axes(svg, box, {
      x: [-far * 1.04, far * 1.04],
      y: [0, 1],
      xTicks: ticks(-far, far, 4),
      xName: axisTitle(spec.classes, ends, chosen, width * 0.28),
    });
    svg.append(s("line", { x1: at(0), x2: at(0), y1: box.top, y2: box.height - box.bottom, stroke: "var(--soft)" }));
    const y = (i) => box.top + step * (i + 0.5);
    spec.drawn.forEach((word, i) => {
      const name = s(
        "text",
        { x: left - 8, y: y(i) + 4, "text-anchor": "end" },
        isolate(clip(visible(word), left - 12)),
      );
      name.dataset.word = word;
      svg.append(name);
      if (i) svg.append(s("line", { class: "grid", x1: 0, x2: width, y1: y(i) - step / 2, y2: y(i) - step / 2 }));
    });
    // One path for a domain's lines and one for its markers, over all words: a few shapes to move, not two a word.
    const tasks = spec.tasks.map((_, t) => {
      const links = s("path", { stroke: color(t), "stroke-width": 1.6 }),
        dots = marker(t, color(t));
      for (const node of [links, dots]) node.dataset.task = t;
      svg.top.append(links, dots);
      return { links, dots, row: (i) => y(i) + (t - (nTasks - 1) / 2) * Math.min(6, (step - 6) / nTasks) };
    });
    const bars = s("path", { stroke: "var(--shared)", "stroke-width": 4, "stroke-linecap": "round" });
    svg.top.append(bars);
    marks = { at, tasks, bars, bar: (i) => [y(i) - step * 0.38, y(i) + step * 0.38], svg, width, chosen };
  };
  ui.picture(panel, lay);
  return {
    again() {
      drawn = spec.drawn.map(place);
      lay(marks.svg, marks.width);
    },
    draw(l) {
      if (marks.chosen !== ui.state.for_class) lay(marks.svg, marks.width);
      const { at, tasks, bars, bar } = marks,
        base = drawn.map((j) => sharedScore(l, j)),
        from = base.map((v) => at(v).toFixed(1));
      set(bars, { d: from.map((x, i) => `M${x},${bar(i)[0]}V${bar(i)[1]}`).join("") });
      tasks.forEach(({ links, dots, row }, t) => {
        const to = drawn.map((j, i) => at(base[i] + ownScore(l, t, j)));
        set(links, { d: to.map((x, i) => `M${from[i]},${row(i)}H${x.toFixed(1)}`).join("") });
        move(dots, ...to.map((x, i) => [x, row(i)]));
      });
    },
    scores: (l) => ({
      common: drawn.map((j) => sharedScore(l, j)),
      own: spec.tasks.map((_, t) => drawn.map((j) => ownScore(l, t, j))),
    }),
  };
}
