// The playground: data, graph, penalties and training on one screen; everything is computed in the page.
//
// The state is what a link carries; weights and curves follow from it (`Run`), so a state is reproduced by training again.

EXPLORERS.playgrounds = (ui) => {
  const { spec, store } = ui;
  const bench = { data: null, run: null, picture: null, PRESETS: null, awaits: false }; // what the panels share
  const kept = { before: {}, pinned: {} }; // the curves of the states that the store keeps
  let dataKey = null,
    dataOwn = null, // compared by itself: a table may be long
    runKey = null,
    playing = false,
    touched = false,
    problem = "",
    refused = "", // a table, or a link: the state stays as it is
    clock = null;
  const pick4 = (o, keys) => JSON.stringify(keys.map((k) => o[k]));
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const color = series;

  /** The curve of a state that has just been kept: the run that stands here still. */
  const keep = (name) => {
    if (kept[name].state === store[name]) return;
    kept[name] = { state: store[name], history: store[name] && bench.run?.history.slice() };
  };
  /** Data and run of a state; what is already there is kept. */
  const ready = (state) => {
    const forData = pick4(state, ["r", "n", "noise", "seed"]);
    if (forData !== dataKey || state.own !== dataOwn) {
      try {
        bench.data = makeData(spec.lexicon, state);
        problem = "";
      } catch (error) {
        problem = error.message;
        bench.data ??= makeData(spec.lexicon, { ...state, own: "" });
      }
      bench.data.ends = orderEnds(bench.data.classes, spec.orders);
      dataKey = forData;
      dataOwn = state.own;
      runKey = null;
    }
    const T = bench.data.tasks.length,
      graph =
        state.graph.length === T
          ? state.graph
          : bench.data.tasks.map((_, t) => bench.data.tasks.map((_, k) => (k === t ? 1 : 0)));
    const forRun = pick4({ ...state, graph }, [
      "graph",
      "lam",
      "lamS",
      "schedule",
      "optimiser",
      "lr",
      "random",
      "seed",
    ]);
    if (forRun !== runKey || state.at < bench.run.step) {
      bench.run = new Run(bench.data, { ...state, graph });
      runKey = forRun;
    }
    bench.run.to(state.at);
    return bench.run;
  };
  const change = (more) => {
    touched = true;
    refused = "";
    bench.awaits = false;
    ui.update({ story: -1, ...more });
  };
  /** A change that starts training anew, and lets it run. */
  const anew = (more) => {
    change({ at: 0, ...more });
    play(!still);
    if (still) ui.update({ at: STEPS });
  };
  const preset = (name) => {
    const T = bench.data.tasks.length,
      eye = bench.data.tasks.map((_, t) => bench.data.tasks.map((_, k) => (k === t ? 1 : 0)));
    return {
      "one adapter per task": eye,
      "no adapter: full sharing": eye.map(() => []),
      "the article: all for all": eye.map((row) => row.map(() => 1)),
      "two groups": eye.map((_, t) => (t < T / 2 ? [1, 0] : [0, 1])),
    }[name];
  };
  const PRESETS = ["one adapter per task", "no adapter: full sharing", "the article: all for all", "two groups"];

  // ---- controls ------------------------------------------------------------------------------------------------------------
  ui.controls.style.cssText = "display:grid;grid-template-columns:repeat(auto-fill,minmax(136px,1fr));gap:6px 14px";
  const values = { r: [0, 0.25, 0.5, 0.75, 1], n: [5, 10, 20, 40, 80, 120, 200] };
  const stepped = (name, label) => {
    const change = (v) => anew({ [name]: v, own: "" });
    const input = ui.slider({ name, label, values: values[name], text: String, change, wide: false }),
      control = input.closest(".control");
    ui.syncs.push((state) => (control.hidden = Boolean(state.own))); // a table has no such knob
  };
  const choose = (name, label, options) => ui.choice({ name, label, options, change: (i) => anew({ [name]: i }) });
  const story = ui.choice({
    name: "story",
    label: "A guided story",
    options: STORIES.map((s) => s.title),
    change: (i) => tell(i, 0),
  });
  story.prepend(h("option", { value: -1 }, "none: explore"));
  const nextStop = h(
    "button",
    { type: "button", onclick: () => tell(ui.state.story, (ui.state.stop + 1) % 3) },
    "Next stop",
  );
  const playButton = h(
    "button",
    {
      type: "button",
      onclick: () => {
        touched = true;
        if (ui.state.at >= STEPS) ui.update({ at: 0 });
        play(!playing);
      },
    },
    "Play",
  );
  const stepButton = h(
    "button",
    {
      type: "button",
      onclick: () => {
        play(false);
        change({ at: Math.min(STEPS, ui.state.at + 2) });
      },
    },
    "One step",
  );
  const again = h("button", { type: "button", onclick: () => anew({}) }, "From the start");
  story.parentElement.style.gridColumn = "span 2";
  const row = h("div", { style: "display:flex;flex-wrap:wrap;gap:6px" }, playButton, stepButton, again, nextStop),
    buttons = h("div", { className: "control" }, row);
  ui.controls.append(buttons);
  stepped("r", "Relatedness:");
  stepped("n", "Texts per task:");
  const number = (name, label, options, text) =>
    ui
      .slider({ name, label, max: options.length - 1, wide: false, text: (i) => text(options[i]) })
      .addEventListener("input", () => anew({}));
  number("lam", "λ (adapters):", LAMS, short);
  number("lamS", "λₛ (Wₛ):", LAMS, short);
  choose("schedule", "Schedule", ["joint", "two phases", "alternating"]);
  choose("optimiser", "Optimiser", ["Adam", "gradient descent", "proximal"]);
  number("lr", "Learning rate:", RATES, String);
  choose("random", "Start", ["all at zero", "random, −1 to 1"]);
  number(
    "seed",
    "Seed:",
    Array.from({ length: 21 }, (_, i) => i),
    String,
  );
  for (const box of ui.controls.querySelectorAll(".short")) box.classList.remove("short");
  ui.panels.style.setProperty("--rows", "166px"); // of more classes and tasks, the rest is scrolled to
  const columns = () => {
    const wide = ui.host.clientWidth > 1000,
      medium = !wide && ui.width >= 700; // one screen too: three beside each other, the cosines fold
    buttons.style.gridColumn = ui.width < 560 ? "1 / -1" : "span 3";
    ui.panels.style.setProperty(
      "--columns",
      wide ? "1.25fr 1fr 1.15fr" : medium ? "1.25fr 1fr 1fr" : "repeat(2, minmax(0, 1fr))",
    );
    ui.panels.style.rowGap = medium ? "6px" : "";
    ui.panels.style.gridAutoFlow = "dense"; // no hole beside a panel that stands alone
    below.style.gridColumn = wide ? "span 2" : "1 / -1";
    pulls.fold(medium);
    foldSentence(medium);
  };
  ui.layouts.push(columns);

  /** A stop of a story: its state, with all that it does not name at the course's defaults. */
  function tell(i, stop) {
    touched = true;
    if (i < 0) return ui.update({ story: -1 });
    const { set: to } = STORIES[i].stops[stop];
    const moving = to.at > 0 && !still;
    ui.update({ ...spec.start, own: "", ...to, story: i, stop, at: moving ? 0 : to.at });
    play(moving, to.at);
  }

  // ---- playing -------------------------------------------------------------------------------------------------------------
  let until = STEPS;
  function play(on, goal = STEPS) {
    playing = store.playing = on;
    until = goal;
    if (on && !clock) clock = requestAnimationFrame(tick);
    ui.schedule();
  }
  function tick() {
    clock = null;
    if (!playing) return;
    if (ui.state.at < until) ui.update({ at: Math.min(until, ui.state.at + 4) });
    if (ui.state.at >= until) {
      playing = store.playing = false;
      if (!touched) setTimeout(() => !touched && demo(), 2500); // nobody has touched it: show the next graph
    }
    if (playing) clock = requestAnimationFrame(tick);
    else play(false);
  }
  let shown = 0;
  function demo() {
    shown = (shown + 1) % PRESETS.length;
    ui.update({ graph: preset(PRESETS[shown]), at: 0 });
    play(true);
  }
  ui.root.addEventListener("pointerdown", () => (touched = true));
  ui.root.addEventListener("keydown", () => (touched = true));

  // ---- accuracy as training goes on --------------------------------------------------------------------------------------
  const left = ui.panel("New sentences classified correctly");
  const whereAt = (step) => `at step ${step}`;
  const nameChance = (chance) => {
    const { X, Y, bottom } = chart,
      { history } = bench.run,
      curves = bench.data.tasks.map((_, t) => history.map(({ accuracy }) => accuracy[t])),
      all = [...curves, history.map(({ accuracy }) => mean(accuracy))],
      points = all.flatMap((values) => alongLine(values, (i) => X(history[i].step), Y));
    chanceName(chart.guess, { left: X(0), right: X(STEPS), y: Y(chance), chance, points, floor: bottom });
  };
  let chart = null;
  const lay = (svg, width) => {
    const all = [...(bench.data?.tasks ?? TOY_TASKS), "mean"],
      tags = clipAll(all, Math.min(130, width * 0.24));
    const box = {
      width,
      height: ui.width < 900 ? 212 : 220,
      left: 42,
      right: endRoom(tags, whereAt(STEPS)),
      top: 14,
      bottom: 38,
    };
    const scale = axes(svg, box, {
      x: [0, STEPS],
      y: [0, 1],
      xTicks: ticks(0, STEPS, width < 300 ? 2 : 4),
      yTicks: [0, 0.25, 0.5, 0.75, 1],
      yText: percent,
      xName: "steps",
    });
    const T = all.length - 1;
    const chance = s("path", { class: "best", fill: "none" }),
      [before, pinned] = ["ghost", "pin"].map((name) => s("path", { class: name, fill: "none" }));
    const lines = Array.from({ length: T }, (_, t) =>
      s("path", { fill: "none", stroke: color(t), "stroke-width": 1.8, "stroke-dasharray": dash(t) }),
    );
    const mean = s("path", { fill: "none", stroke: "var(--shared)", "stroke-width": 3 });
    const guess = s("text");
    svg.top.append(chance, guess, before, pinned, ...lines, mean);
    const key = (t) => (t < T ? marker(t, color(t)) : s("circle", { r: 4.5, fill: "var(--shared)" }));
    const entries = all.map((title, t) => ({ name: tags[t], key: key(t), bold: t === T, title }));
    const ends = endNames(svg.top, entries, {
      x: width - box.right,
      low: box.top,
      high: box.height - box.bottom,
    });
    for (let t = 0; t < T; t++) for (const node of [lines[t], ...ends.nodes[t]]) node.dataset.task = t;
    chart = { ...scale, chance, guess, before, pinned, lines, mean, ends, names: all.join("\n") };
  };
  ui.picture(left, (svg, width) => {
    chart = null;
    bench.picture = { svg, width };
    lay(svg, width);
  });

  const refuse = (text) => {
    refused = text;
    ui.schedule();
  };
  Object.assign(bench, { refuse, PRESETS, color, preset, change, anew });
  const drawGraph = graphPanel(ui, bench),
    drawWords = wordsPanel(ui, bench),
    { draw: drawSentence, panel: below, fold: foldSentence } = sentencePanel(ui, bench),
    pulls = pullsPanel(ui, bench);
  waysPanel(ui, bench);

  // ---- the address -----------------------------------------------------------------------------------------------------------
  const DEFAULT = { ...spec.start };
  const follow = () => {
    const { state, whole, table } = fromAddress(location.hash, DEFAULT);
    touched = true;
    refused = "";
    bench.awaits = table;
    if (table)
      refuse(
        "This link was made with a table that has stayed with its maker. Paste or drop the same table below, and all is as it was; until then, these are toy sentences.",
      );
    if (!whole)
      refuse("A part of this link cannot be read: it was cut, or is of another page. The rest is as at first.");
    return state;
  };
  if (spec.page && location.hash.length > 1) Object.assign(store.state, follow());
  const turn = () => {
    play(false);
    ui.update({ ...structuredClone(DEFAULT), ...follow() });
  };
  if (spec.page) addEventListener("hashchange", turn); // back, or another link
  const remember = (state) => {
    const hash = toAddress(state, DEFAULT, Boolean(state.own) || bench.awaits);
    if (spec.page && !playing) history.replaceState(null, "", hash || location.pathname);
  };

  // ---- what a frame draws ----------------------------------------------------------------------------------------------------
  const mean = (a) => a.reduce((x, y) => x + y, 0) / a.length;
  const drift = () => Math.sqrt(squares(bench.run.difference().map((x, i) => x - bench.run.begun[i])));
  const last = () => bench.run.history[bench.run.history.length - 1];
  ready(ui.state);
  if (!touched && !still) setTimeout(() => !touched && play(true), 300);
  else if (!touched) ui.update({ at: STEPS });
  return {
    reset: () => {
      play(!still);
    },
    destroy: () => {
      playing = false;
      removeEventListener("hashchange", turn);
      cancelAnimationFrame(clock);
    },
    draw(state) {
      for (const name in kept) keep(name);
      ready(state);
      store.problem =
        refused ||
        problem ||
        (bench.run.good
          ? ""
          : `Training left the numbers at step ${bench.run.step}: the learning rate ${RATES[state.lr]} is too large. Take a smaller one, or the proximal optimiser.`);
      if (chart && chart.names !== [...bench.data.tasks, "mean"].join("\n")) {
        bench.picture.svg.replaceChildren();
        lay(bench.picture.svg, bench.picture.width);
      }
      if (chart) {
        const { X, Y } = chart,
          path = (of, from = bench.run.history) => line(from.map((point) => [X(point.step), Y(of(point) || 0)]));
        const guess = 1 / bench.data.classes.length,
          ends = [...last().accuracy, mean(last().accuracy)];
        set(chart.chance, { d: `M${X(0)},${Y(guess)}H${X(STEPS)}` });
        if (!playing || !chart.guess.textContent) nameChance(guess); // it does not wander while the curves grow
        chart.ends.place(ends.map((v) => Y(v || 0)));
        chart.ends.read(
          whereAt(bench.run.step),
          ends.map((v) => (Number.isFinite(v) ? percent(v) : "–")),
        );
        chart.lines.forEach((node, t) => set(node, { d: path((point) => point.accuracy[t]) }));
        set(chart.mean, { d: path((point) => mean(point.accuracy)) });
        for (const [name, { state: was, history: curve }] of Object.entries(kept))
          set(chart[name], { d: was?.state.own === state.own ? path((point) => mean(point.accuracy), curve) : "" });
      }
      drawGraph();
      drawWords();
    },
    write(state) {
      put(playButton, playing ? "Pause" : state.at >= STEPS ? "Play again" : "Play");
      nextStop.hidden = state.story < 0;
      put(nextStop, state.stop === 2 ? "First stop again" : "Next stop");
      pulls.draw();
      drawSentence(state);
      remember(state);
    },
    say(state) {
      const now = last(),
        told =
          state.story >= 0
            ? `${STORIES[state.story].title}, stop ${state.stop + 1} of 3. ${STORIES[state.story].stops[state.stop].say} `
            : "";
      const far = state.random ? ` Wₛ − ΣA has moved by ${short(drift())} since step 0.` : "";
      return `${told}Step ${bench.run.step} of ${STEPS}: ${share(mean(now.accuracy))} of the new sentences are classified correctly, J = ${short(now.J)}.${far}`;
    },
    compare: "accuracy",
    comparable: (was, now) =>
      touched && was.at === now.at && was.own === now.own && (now.story < 0 || now.story === was.story),
    measures(state) {
      const now = last(),
        { graph } = bench.run.problem;
      return {
        step: bench.run.step,
        accuracy: mean(now.accuracy),
        worst: Math.min(...now.accuracy),
        J: now.J,
        lam: LAMS[state.lam],
        lam_shared: LAMS[state.lamS],
        relatedness: state.r,
        n_per_task: state.n,
        edges: graph.flat().filter(Boolean).length,
        adapters: graph[0].length,
        drift: drift(),
      };
    },
    table: () => ({
      head: ["step", "J", ...bench.data.tasks.map((task) => `${task}: accuracy`)],
      rows: bench.run.history
        .filter((_, i) => i % 10 === 0 || i === bench.run.history.length - 1)
        .map((point) => [point.step, short(point.J), ...point.accuracy.map(percent)]),
    }),
    code: (state) => playgroundCode(state, bench.run),
  };
};
