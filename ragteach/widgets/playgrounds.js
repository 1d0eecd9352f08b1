// The playground: data, graph, penalties and training on one screen; everything is computed in the page.
//
// The state is what a link carries; weights and curves follow from it (`Run`), so a state is reproduced by training again.

EXPLORERS.playgrounds = (ui) => {
  const { spec, store } = ui;
  let data = null, dataKey = null, run = null, runKey = null, playing = false, touched = false, problem = "", pinned = null, clock = null;
  const pick4 = (o, keys) => JSON.stringify(keys.map((k) => o[k]));
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const color = (t) => spec.colors[t % spec.colors.length];

  /** Data and run of a state; what is already there is kept. */
  const ready = (state) => {
    const forData = pick4(state, ["r", "n", "noise", "seed", "own"]);
    if (forData !== dataKey) {
      try {
        data = makeData(spec.lexicon, state);
        problem = "";
      } catch (error) {
        problem = error.message;
        data ??= makeData(spec.lexicon, { ...state, own: "" });
      }
      dataKey = forData;
      runKey = null;
    }
    const T = data.tasks.length, graph = state.graph.length === T ? state.graph : data.tasks.map((_, t) => data.tasks.map((_, k) => (k === t ? 1 : 0)));
    const forRun = pick4({ ...state, graph }, ["graph", "lam", "lamS", "schedule", "optimiser", "lr", "random", "seed"]);
    if (forRun !== runKey || state.at < run.step) {
      run = new Run(data, { ...state, graph });
      runKey = forRun;
    }
    run.to(state.at);
    return run;
  };
  const change = (more) => {
    touched = true;
    ui.update({ story: -1, ...more });
  };
  /** A change that starts training anew, and lets it run. */
  const anew = (more) => {
    change({ at: 0, ...more });
    play(!still);
    if (still) ui.update({ at: STEPS });
  };
  const preset = (name) => {
    const T = data.tasks.length, eye = data.tasks.map((_, t) => data.tasks.map((_, k) => (k === t ? 1 : 0)));
    return { "one adapter per task": eye, "no adapter: full sharing": eye.map(() => []), "the article: all for all": eye.map((row) => row.map(() => 1)), "two groups": eye.map((_, t) => (t < T / 2 ? [1, 0] : [0, 1])) }[name];
  };
  const PRESETS = ["one adapter per task", "no adapter: full sharing", "the article: all for all", "two groups"];

  // ---- controls ------------------------------------------------------------------------------------------------------------
  ui.controls.style.cssText = "display:grid;grid-template-columns:repeat(auto-fill,minmax(168px,1fr));gap:8px 18px";
  const values = { r: [0, 0.25, 0.5, 0.75, 1], n: [5, 10, 20, 40, 80, 120, 200] };
  const stepped = (name, label, text) => { // a slider over given values; the state keeps the value itself
    const input = h("input", { type: "range", min: 0, max: String(values[name].length - 1), step: 1 }), out = h("output");
    input.setAttribute("aria-label", label);
    input.addEventListener("input", () => anew({ [name]: values[name][Number(input.value)], own: "" }));
    ui.controls.append(h("div", { className: "control" }, h("label", {}, `${label} `, out), h("div", { className: "track" }, input)));
    ui.syncs.push((state) => {
      const at = String(Math.max(0, values[name].indexOf(state[name])));
      if (input.value !== at) input.value = at;
      put(out, text(state[name]));
      set(input, { "aria-valuetext": text(state[name]) });
    });
  };
  const choose = (name, label, options) => ui.choice({ name, label, options, change: (i) => anew({ [name]: i }) });
  const story = ui.choice({ name: "story", label: "A guided story", options: STORIES.map((s) => s.title), change: (i) => tell(i, 0) });
  story.prepend(h("option", { value: -1 }, "none: explore"));
  const nextStop = h("button", { type: "button", onclick: () => tell(ui.state.story, (ui.state.stop + 1) % 3) }, "Next stop");
  const playButton = h("button", { type: "button", onclick: () => { touched = true; if (ui.state.at >= STEPS) ui.update({ at: 0 }); play(!playing); } }, "Play");
  const stepButton = h("button", { type: "button", onclick: () => { play(false); change({ at: Math.min(STEPS, ui.state.at + 2) }); } }, "One step");
  const again = h("button", { type: "button", onclick: () => anew({}) }, "From the start");
  story.parentElement.style.gridColumn = "span 2";
  ui.controls.append(h("div", { className: "control", style: "grid-column:span 2" }, h("div", { style: "display:flex;flex-wrap:wrap;gap:6px" }, playButton, stepButton, again, nextStop)));
  stepped("r", "Relatedness of tasks:", (r) => String(r));
  stepped("n", "Sentences per task:", (n) => String(n));
  const number = (name, label, options, text) => ui.slider({ name, label, max: options.length - 1, wide: false, text: (i) => text(options[i]) }).addEventListener("input", () => anew({}));
  number("lam", "λ, price of adapters:", LAMS, short);
  number("lamS", "λₛ, price of Wₛ:", LAMS, short);
  choose("schedule", "Schedule", ["joint", "two phases", "alternating"]);
  choose("optimiser", "Optimiser", ["Adam", "gradient descent", "proximal"]);
  number("lr", "Learning rate:", RATES, String);
  choose("random", "Start", ["all weights at zero", "random, from -1 to 1"]);
  number("seed", "Seed:", Array.from({ length: 21 }, (_, i) => i), String);
  for (const box of ui.controls.querySelectorAll(".short")) box.classList.remove("short");
  const columns = () => {
    const wide = ui.host.clientWidth > 1000;
    ui.panels.style.setProperty("--columns", wide ? "1.25fr 1fr 1.15fr" : "repeat(2, minmax(0, 1fr))");
    below.style.gridColumn = wide ? "span 2" : "1 / -1";
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
    playing = on;
    until = goal;
    ui.words.setAttribute("aria-live", on ? "off" : "polite"); // what moves is not read out; where it rests is
    if (on && !clock) clock = requestAnimationFrame(tick);
    ui.schedule();
  }
  function tick() {
    clock = null;
    if (!playing) return;
    if (ui.state.at < until) ui.update({ at: Math.min(until, ui.state.at + 4) });
    if (ui.state.at >= until) {
      playing = false;
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
  const left = ui.panel("New sentences classified correctly, as training goes on");
  const legend = h("div", { style: "display:flex;flex-wrap:wrap;gap:0 14px;font-size:12.5px;min-height:1.6em" });
  left.append(legend);
  let chart = null;
  const lay = (svg, width) => {
    const box = { width, height: 200, left: 42, right: 14, top: 14, bottom: 38 };
    const scale = axes(svg, box, { x: [0, STEPS], y: [0, 1], xTicks: ticks(0, STEPS, 4), yTicks: [0, 0.25, 0.5, 0.75, 1], yText: percent, xName: "steps" });
    const T = data?.tasks.length ?? 4;
    const chance = s("path", { class: "best", fill: "none" }), ghost = s("path", { fill: "none", stroke: "var(--soft)", "stroke-width": 2, "stroke-dasharray": "1 4" });
    const lines = Array.from({ length: T }, (_, t) => s("path", { fill: "none", stroke: color(t), "stroke-width": 1.8, "stroke-dasharray": DASH[t % DASH.length] }));
    const mean = s("path", { fill: "none", stroke: "var(--shared)", "stroke-width": 3 });
    svg.top.append(chance, ghost, ...lines, mean);
    chart = { ...scale, chance, ghost, lines, mean, T };
  };
  ui.picture(left, (svg, width) => { chart = null; lay.svg = svg; lay.width = width; lay(svg, width); });

  // ---- the graph ------------------------------------------------------------------------------------------------------------
  const right = ui.panel("The graph: which adapters serve which task?");
  const graphBox = h("div", { style: "overflow-x:auto", tabIndex: 0 });
  graphBox.setAttribute("role", "region");
  graphBox.setAttribute("aria-label", "The graph as a matrix of buttons");
  const begin = h("select", { style: "margin:2px 0 6px", onchange: () => begin.value && anew({ graph: preset(begin.value) }) }, h("option", { value: "" }, "your own"), ...PRESETS.map((name) => h("option", { value: name }, name)));
  begin.setAttribute("aria-label", "Begin with a known graph");
  const pullBox = h("div", { style: "overflow-x:auto;margin-top:8px", tabIndex: 0 });
  pullBox.setAttribute("role", "region");
  pullBox.setAttribute("aria-label", "Cosines of the tasks' gradients");
  right.append(begin, graphBox);
  let graphKey = null;
  const drawGraph = (state) => {
    const { graph } = run.problem, K = graph[0].length, key = JSON.stringify([graph, data.tasks]);
    if (key === graphKey) return;
    graphKey = key;
    begin.value = PRESETS.find((name) => JSON.stringify(preset(name)) === JSON.stringify(graph)) ?? "";
    const head = h("tr", {}, h("th", { scope: "col" }, "task"), h("th", { scope: "col" }, "Wₛ"), ...Array.from({ length: K }, (_, k) => h("th", { scope: "col", style: "text-align:center" }, `A${k + 1}`)));
    const rows = graph.map((line, t) => h("tr", {}, h("th", { scope: "row" }, data.tasks[t]), h("td", { style: "text-align:center" }, "●"), ...line.map((g, k) => {
      const button = h("button", { type: "button", style: "min-width:34px;padding:2px", onclick: () => anew({ graph: graph.map((old, u) => old.map((v, l) => (u === t && l === k ? (v ? 0 : 1) : v))) }) }, g ? "●" : "·");
      set(button, { "aria-pressed": String(Boolean(g)), "aria-label": `${data.tasks[t]} uses adapter A${k + 1}` });
      return h("td", { style: "padding:1px 3px" }, button);
    })));
    const edit = (label, change_, off) => h("button", { type: "button", disabled: off, onclick: () => anew({ graph: change_(graph) }) }, label);
    const tools = h("div", { style: "display:flex;gap:6px;margin-top:4px" }, edit("Add an adapter", (g) => g.map((line) => [...line, 0]), K > data.tasks.length), edit("Remove the last", (g) => g.map((line) => line.slice(0, -1)), K === 0));
    graphBox.replaceChildren(h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows)), tools);
  };
  const drawPulls = () => {
    const cosines = run.conflict(), cell = (x) => h("td", { style: `background:rgba(var(--${x < 0 ? "minus" : "plus"}), ${Math.abs(x || 0) * 0.35})` }, Number.isNaN(x) ? "–" : signed(x, 2));
    pullBox.replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "cos"), ...data.tasks.map((task) => h("th", { scope: "col" }, task)))), h("tbody", {}, ...cosines.map((line, t) => h("tr", {}, h("th", { scope: "row" }, data.tasks[t]), ...line.map(cell))))));
  };

  // ---- words ---------------------------------------------------------------------------------------------------------------
  const wordsPanel = ui.panel("What a word weighs: bar Wₛ, markers each task's W");
  let wordChart = null;
  ui.picture(wordsPanel, (svg, width) => { wordChart = { svg, width }; });
  const score = (part, j) => part[j * run.problem.nClasses + run.problem.nClasses - 1] - part[j * run.problem.nClasses];
  const drawWords = () => {
    if (!wordChart) return;
    const { svg, width } = wordChart, W = data.tasks.map((_, t) => taskWeights(run.problem, run.weights, t)), V = data.words.words.length;
    const spread = (j) => { const own = W.map((w) => score(w, j)); return Math.max(...own) - Math.min(...own) + 0.3 * Math.max(...own.map(Math.abs)); };
    const top = Array.from({ length: V }, (_, j) => [spread(j), j]).sort((a, b) => b[0] - a[0]).slice(0, 8).map(([, j]) => j);
    const step = 27, box = { width, height: step * 8 + 40, left: Math.min(110, width * 0.3), right: 12, top: 4, bottom: 36 };
    const far = Math.max(0.2, ...top.flatMap((j) => [...W.map((w) => Math.abs(score(w, j))), Math.abs(score(run.weights.shared, j))]));
    const { X } = axes(svg, box, { x: [-far * 1.05, far * 1.05], y: [0, 1], xTicks: ticks(-far, far, 4), xName: `${data.classes[0]}  ←  weight  →  ${data.classes[data.classes.length - 1]}` });
    top.forEach((j, i) => {
      const y = box.top + step * (i + 0.5), word = data.words.words[j];
      svg.append(s("text", { x: box.left - 8, y: y + 4, "text-anchor": "end" }, word.length > 14 ? `${word.slice(0, 13)}…` : word));
      svg.append(s("line", { x1: X(0), x2: X(score(run.weights.shared, j)), y1: y, y2: y, stroke: "var(--shared)", "stroke-width": 6 }));
      W.forEach((w, t) => svg.append(move(marker(t, color(t)), [X(score(w, j)), y + (t - (W.length - 1) / 2) * Math.min(5, 20 / W.length)])));
    });
    svg.append(s("line", { x1: X(0), x2: X(0), y1: box.top, y2: box.height - box.bottom, stroke: "var(--soft)" }));
  };

  // ---- one sentence --------------------------------------------------------------------------------------------------------
  const below = ui.panel("One sentence, and what every part adds to each class");
  const field = h("input", { type: "text", maxLength: 300, style: "width:100%", oninput: () => change({ typed: field.value }) });
  field.setAttribute("aria-label", "A sentence to read");
  const whose = h("select", { onchange: () => change({ reader: Number(whose.value) }) });
  whose.setAttribute("aria-label", "Read by the task");
  const strip = h("div", { style: "overflow-x:auto;margin-top:6px", tabIndex: 0 });
  strip.setAttribute("role", "region");
  strip.setAttribute("aria-label", "What every part adds to each class");
  below.append(h("div", { style: "display:grid;grid-template-columns:1fr auto;gap:6px" }, field, whose), strip);
  ui.panel("Do the tasks pull the same way?", { note: "Cosines of their gradients: 1 the same way, 0 they do not meet, −1 against each other." }).append(pullBox);
  const sentence = (state) => state.typed || data.sentences[0]?.text || "";
  const drawSentence = (state) => {
    if (document.activeElement !== field && ui.host.shadowRoot?.activeElement !== field && field.value !== sentence(state)) field.value = sentence(state);
    if (whose.dataset.tasks !== data.tasks.join("\n")) {
      whose.replaceChildren(...data.tasks.map((task, t) => h("option", { value: t }, `as ${task} reads it`)));
      whose.dataset.tasks = data.tasks.join("\n");
    }
    const t = Math.min(state.reader, data.tasks.length - 1), reading = run.reading(sentence(state), t);
    whose.value = t;
    const shownParts = reading.parts.slice(0, 12), rest = reading.parts.slice(12), sum = (list, c) => list.reduce((total, part) => total + part.shared[c] + part.own[c], 0);
    const head = ["class", "probability", "sum", "= bias", ...shownParts.map((part) => `+ ${part.word}`), ...(rest.length ? [`+ ${rest.length} more words`] : [])];
    const rows = data.classes.map((name, c) => [name, percent(reading.p[c]), signed(reading.z[c], 2), signed(reading.bias[c], 2), ...shownParts.map((part) => `${signed(part.shared[c], 2)} ${signed(part.own[c], 2)}`), ...(rest.length ? [signed(sum(rest, c), 2)] : [])]);
    const best = reading.p.indexOf(Math.max(...reading.p));
    strip.replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, ...head.map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, ...rows.map((cells, c) => h("tr", { style: c === best ? "font-weight:700" : "" }, h("th", { scope: "row" }, cells[0]), ...cells.slice(1).map((text) => h("td", {}, text)))))),
      h("p", { className: "note" }, reading.parts.length ? "Under each word two numbers: from Wₛ, and from the adapters. They and the bias add up to the sum; softmax of the sums is the probability." : "No word of it stands in the training sentences: the bias alone decides."));
  };

  // ---- own data, and ways out ----------------------------------------------------------------------------------------------
  const own = h("details", { className: "panel full" }, h("summary", { style: "cursor:pointer;font-weight:650" }, "Your own table, and ways to take this with you"), h("p", { className: "note" }, "Paste or drop a CSV with the columns text, label and task; it never leaves this page. Six in ten texts train, the others test."));
  ui.panels.append(own);
  const area = h("textarea", { rows: 3, style: "width:100%;font:12.5px ui-monospace, monospace;color:var(--fg);background:var(--bg)" });
  area.setAttribute("aria-label", "A table with the columns text, label and task");
  const use = (text) => { area.value = text.slice(0, 20000); anew({ own: text, graph: [] }); };
  area.addEventListener("drop", async (event) => { event.preventDefault(); const [file] = event.dataTransfer.files; use(file ? await file.text() : event.dataTransfer.getData("text")); });
  const download = (name, url) => h("a", { download: name, href: url }).click();
  const csv = () => ["step,J,task,cross_entropy,accuracy", ...run.history.flatMap(({ step, J, losses, accuracy: right }) => data.tasks.map((task, t) => [step, J, `"${task.replaceAll('"', '""')}"`, losses[t], right[t]].join(",")))].join("\n");
  const png = () => {
    const svg = lay.svg.cloneNode(true), style = getComputedStyle(ui.root);
    svg.append(...[...lay.svg.top.children].map((node) => node.cloneNode(true)));
    const text = new XMLSerializer().serializeToString(svg).replace(/var\((--[a-z]+)\)/g, (_, name) => style.getPropertyValue(name).trim()).replaceAll("<text", `<text fill="${style.getPropertyValue("--fg").trim()}" font-family="sans-serif" font-size="12"`).replaceAll('class="grid"', `fill="none" stroke="${style.getPropertyValue("--grid").trim()}"`).replaceAll('class="best"', `stroke="${style.getPropertyValue("--soft").trim()}"`);
    const image = new Image(), board = h("canvas", { width: 2 * lay.width, height: 400 });
    image.onload = () => { board.getContext("2d").drawImage(image, 0, 0, board.width, board.height); download("playground.png", board.toDataURL("image/png")); };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text.replace("<svg", `<svg width="${lay.width}" height="200"`))}`;
  };
  const pin = h("button", { type: "button", onclick: () => { pinned = pinned ? null : { history: run.history, name: "pinned" }; put(pin, pinned ? "Unpin" : "Pin this curve"); ui.schedule(); } }, "Pin this curve");
  const link = h("button", { type: "button", onclick: () => navigator.clipboard?.writeText(location.href).catch(() => {}) }, "Copy link");
  own.append(area, h("div", { style: "display:flex;flex-wrap:wrap;gap:6px;margin-top:6px" },
    h("button", { type: "button", onclick: () => use(area.value) }, "Use this table"), h("button", { type: "button", onclick: () => { area.value = ""; anew({ own: "", graph: preset(PRESETS[0]) }); } }, "Back to the toy sentences"),
    pin, h("button", { type: "button", onclick: () => download("playground.csv", URL.createObjectURL(new Blob([csv()], { type: "text/csv" }))) }, "Curve as CSV"), h("button", { type: "button", onclick: png }, "Chart as PNG"), ...(spec.page ? [link] : [])));

  // ---- the address -----------------------------------------------------------------------------------------------------------
  const DEFAULT = { ...spec.start };
  if (spec.page && location.hash.length > 1) {
    try {
      const given = JSON.parse(decodeURIComponent(location.hash.slice(1))), known = Object.fromEntries(Object.entries(given).filter(([key]) => key in DEFAULT && key !== "own"));
      Object.assign(store.state, known);
      touched = true;
    } catch { /* a link that was cut: the defaults */ }
  }
  const remember = (state) => {
    if (!spec.page) return;
    const differs = Object.entries(state).filter(([key, value]) => key in DEFAULT && key !== "own" && JSON.stringify(value) !== JSON.stringify(DEFAULT[key]));
    const hash = differs.length ? `#${encodeURIComponent(JSON.stringify(Object.fromEntries(differs)))}` : location.pathname;
    if (!playing) history.replaceState(null, "", hash);
  };

  // ---- what a frame draws ----------------------------------------------------------------------------------------------------
  const mean = (a) => a.reduce((x, y) => x + y, 0) / a.length;
  const last = () => run.history[run.history.length - 1];
  const lead = () => (pinned ? mean(last().accuracy) - mean(pinned.history[pinned.history.length - 1].accuracy) : null);
  ready(ui.state);
  if (!touched && !still) setTimeout(() => !touched && play(true), 300);
  else if (!touched) ui.update({ at: STEPS });
  return {
    reset: () => { pinned = null; put(pin, "Pin this curve"); play(!still); },
    destroy: () => { playing = false; cancelAnimationFrame(clock); },
    draw(state) {
      ready(state);
      store.problem = problem || (run.good ? "" : `Training left the numbers at step ${run.step}: the learning rate ${RATES[state.lr]} is too large. Take a smaller one, or the proximal optimiser.`);
      if (chart && chart.T !== data.tasks.length) { lay.svg.replaceChildren(); lay(lay.svg, lay.width); }
      if (chart) {
        const { X, Y } = chart, path = (of, from = run.history) => line(from.map((point) => [X(point.step), Y(of(point) || 0)]));
        set(chart.chance, { d: `M${X(0)},${Y(1 / data.classes.length)}H${X(STEPS)}` });
        chart.lines.forEach((node, t) => set(node, { d: path((point) => point.accuracy[t]) }));
        set(chart.mean, { d: path((point) => mean(point.accuracy)) });
        set(chart.ghost, { d: pinned ? path((point) => mean(point.accuracy), pinned.history) : "" });
      }
      drawGraph(state);
      drawWords();
    },
    write(state) {
      const now = last();
      legend.replaceChildren(...data.tasks.map((task, t) => {
        const key = s("svg", { width: 26, height: 12, viewBox: "-13 -6 26 12", style: "width:26px;display:inline-block;vertical-align:-1px" });
        key.append(s("line", { x1: -13, x2: 13, y1: 0, y2: 0, stroke: color(t), "stroke-width": 2, "stroke-dasharray": DASH[t % DASH.length] }));
        return h("span", { style: "white-space:nowrap" }, key, ` ${task} ${percent(now.accuracy[t])}`);
      }), h("span", { style: "font-weight:700" }, `mean ${percent(mean(now.accuracy))}`), h("span", { className: "note" }, `dotted: chance, ${percent(1 / data.classes.length)}`));
      put(playButton, playing ? "Pause" : state.at >= STEPS ? "Play again" : "Play");
      nextStop.hidden = state.story < 0;
      drawPulls();
      drawSentence(state);
      remember(state);
    },
    say(state) {
      const now = last(), told = state.story >= 0 ? `${STORIES[state.story].title}, stop ${state.stop + 1} of 3. ${STORIES[state.story].stops[state.stop].say} ` : "";
      const kept = state.random && state.lam === 0 && state.lamS === 0 ? ` Wₛ − ΣA has moved by ${short(Math.sqrt(squares(run.difference().map((x, i) => x - run.begun[i]))))} since step 0.` : "";
      const gain = lead(), than = gain === null ? "" : ` That is ${signed(100 * gain)} points against the pinned curve.`;
      return `${told}Step ${run.step} of ${STEPS}: ${percent(mean(now.accuracy))} of the new sentences are classified correctly, J = ${short(now.J)}.${than}${kept}`;
    },
    table: () => ({ head: ["step", "J", ...data.tasks.map((task) => `${task}: accuracy`)], rows: run.history.filter((_, i) => i % 10 === 0 || i === run.history.length - 1).map((point) => [point.step, short(point.J), ...point.accuracy.map(percent)]) }),
    code: (state) => playgroundCode(state, run, data),
  };
};

/** Python that ends in the same numbers: the run to its present step (a schedule of phases: to its end). */
function playgroundCode(state, run, data) {
  const { problem } = run, joint = run.schedule === "joint", steps = joint ? state.at : STEPS, optimiser = OPTIMISER_NAMES[state.optimiser], rate = RATES[state.lr];
  const number = (x) => String(Number(x.toPrecision(17)));
  const lines = ["import random", "import torch", "import ragteach as rt", ""];
  if (state.own) lines.push("# your table is not in this code: save it as mine.csv; the split differs from the page's", "train, val, test = rt.split_frame(rt.load_csv(\"mine.csv\"))");
  else lines.push(`train = rt.make_toy(relatedness=${state.r}, n_per_task=${state.n}, noise=${state.noise}, seed=${state.seed})`, `test = rt.make_toy(relatedness=${state.r}, n_per_task=${N_TEST}, seed=${state.seed + TEST_SEED})`, "test = test[~test[\"text\"].isin(train[\"text\"])].reset_index(drop=True)");
  lines.push("data = rt.MultiTaskDataset.from_frame(train)", "new = rt.MultiTaskDataset.from_frame(test, data.vectorizer, data.task_names)", `graph = torch.tensor(${JSON.stringify(problem.graph)}).reshape(${problem.nTasks}, ${problem.nAdapters})`);
  lines.push(`model = rt.RAG(data.n_features, data.n_classes, ${problem.nAdapters}, tasks=data.task_names, graph=graph, init="zero").double()`);
  if (state.random) lines.push(`draw = random.Random("start/${state.seed}").random`, "with torch.no_grad():", "    for part in [model.shared, *(adapter.full for adapter in model.adapters.values())]:", "        for j in range(data.n_features):", "            for c in range(data.n_classes):", "                part[c, j] = 2 * draw() - 1");
  const penalties = `lam=${number(problem.lam)}, lam_shared=${number(problem.lamShared)}`;
  if (optimiser === "proximal") lines.push(`model = rt.train_many(model, data, ${penalties}, steps=${steps}, lr=${rate}, optimizer="proximal").model(0)`);
  else lines.push(`rt.fit(model, data, schedule="${run.schedule}", epochs=${steps}, lr=${rate}, optimizer=torch.optim.${optimiser === "adam" ? "Adam" : "SGD"},`, `       ${penalties}, rounds=${ROUNDS}, progress=False, device="cpu")`);
  lines.push("print(rt.evaluate(model, new))");
  return lines.join("\n");
}
