// Graph editor.  Arrays per preset and lambda: accuracy (P, L, T), validation (P, L, T), loss (P, L, 1); graphs (P, T, K).
// An answer of the kernel has the same arrays for one graph, without the first axis: at one lambda, or at all of them.

EXPLORERS.graphs = (ui) => {
  const { spec, store } = ui, nTasks = spec.tasks.length, color = (t) => spec.colors[t % spec.colors.length];
  const first = store.firstRead ?? (store.firstRead = ui.read), preset = (p) => spec.tasks.map((_, t) => Array.from({ length: spec.widths[p] }, (_, k) => first("graphs")(p, t, k)));
  const clone = (g) => g.map((row) => [...row]), width = (g) => g[0].length, same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  const live = spec.live && !store.model.offline;

  /** Whose numbers are here for every lambda: presets, and graphs that the kernel had time for.  A row for (name, lam). */
  const solved = (store.solved ??= new Map(spec.presets.map((_, p) => [JSON.stringify(preset(p)), (name, l) => first(name).row(p, l)])));
  const known = (state) => solved.get(JSON.stringify(state.graph));
  /** A new graph is solved at the lambda on the page first; who then moves lambda wants them all. */
  const go = (change) => {
    const state = { ...ui.state, ...change };
    ui.update({ ...change, preset: spec.presets.findIndex((_, p) => same(preset(p), state.graph)) });
    clearTimeout(store.later);
    if (known(state)) store.waiting = null;
    else if (change.graph) store.ask({ graph: state.graph, lams: [spec.lams[state.lam_at]], key: keyOf(state) });
    else askAll(state, false);
  };
  const askAll = ({ graph }, quiet) => {
    const key = JSON.stringify(graph);
    if (store.underway && store.want.key === key) store.want.quiet &&= quiet;
    else store.ask({ graph, lams: spec.lams, key, quiet });
  };
  const keyOf = (state) => JSON.stringify([state.graph, state.lam_at]);
  const toggle = (t, k) => {
    const graph = clone(ui.state.graph);
    graph[t][k] = graph[t][k] ? 0 : 1;
    go({ graph });
  };
  const select = ui.choice({ name: "preset", label: "Begin with", options: spec.presets, change: (p) => go({ graph: preset(p) }) });
  const own = h("option", { value: -1 }, "your own");
  select.append(own);
  const plus = h("button", { type: "button", onclick: () => go({ graph: ui.state.graph.map((row) => [...row, 0]) }) }, "Add an adapter");
  const less = h("button", { type: "button", onclick: () => go({ graph: ui.state.graph.map((row) => row.slice(0, -1)) }) }, "Remove the last");
  if (live) ui.controls.append(h("div", { className: "control" }, h("div", { style: "display:flex;gap:6px" }, plus, less)));
  const slider = ui.slider({ name: "lam_at", label: "Penalty λ on the adapters:", max: spec.lams.length - 1, text: (l) => short(spec.lams[l]), ends: ["the adapters are free", "the adapters vanish: full sharing"] });
  slider.addEventListener("input", () => go({ lam_at: Number(slider.value) }));

  // ---- the graph, and the same as a matrix of buttons ------------------------------------------------------------------
  const left = ui.panel("The graph", { note: live ? "Click a line, or a button of the matrix." : "Presets only: to draw a graph of your own, run this cell in Jupyter." });
  let lines = [], shape = null;
  const svg = canvas(left), matrix = h("div", { style: "margin-top:6px;overflow-x:auto" });
  left.append(matrix);
  const lay = () => {
    const state = ui.state, K = width(state.graph);
    shape = K;
    const size = Math.max(220, left.clientWidth);
    const height = 34 * Math.max(nTasks, K, 3) + 24;
    sheet(svg, { width: size, height });
    const at = (i, n) => 14 + ((height - 24) / n) * (i + 0.5), x1 = 92, x2 = size - 62;
    lines = state.graph.map((row, t) => row.map((_, k) => {
      const seen = s("line", { x1, x2, y1: at(t, nTasks), y2: at(k, K), stroke: color(t), "stroke-width": 3, "stroke-dasharray": DASH[t % DASH.length] });
      const hit = s("line", { x1: x1 + 14, x2: x2 - 14, y1: at(t, nTasks), y2: at(k, K), stroke: "transparent", "stroke-width": 12, style: live ? "cursor:pointer" : "" });
      if (live) hit.addEventListener("click", () => toggle(t, k));
      svg.append(seen, hit);
      return seen;
    }));
    spec.tasks.forEach((task, t) => {
      const m = marker(t, color(t));
      move(m, [x1 - 6, at(t, nTasks)]);
      svg.append(m, s("text", { x: x1 - 16, y: at(t, nTasks) + 4, "text-anchor": "end" }, task));
    });
    for (let k = 0; k < K; k++) svg.append(s("rect", { x: x2 - 2, y: at(k, K) - 11, width: 40, height: 22, rx: 4, fill: "var(--panel)", stroke: "var(--fg)" }), s("text", { x: x2 + 18, y: at(k, K) + 4, "text-anchor": "middle" }, `A${k + 1}`));
    const head = h("tr", {}, h("th"), ...Array.from({ length: K }, (_, k) => h("th", { style: "text-align:center" }, `A${k + 1}`)));
    const rows = state.graph.map((row, t) => h("tr", {}, h("th", {}, spec.tasks[t]), ...row.map((_, k) => {
      const button = h("button", { type: "button", disabled: !live, style: "min-width:34px;padding:2px", onclick: () => toggle(t, k) });
      button.setAttribute("aria-label", `${spec.tasks[t]} uses adapter A${k + 1}`);
      button.dataset.edge = `${t},${k}`;
      return h("td", { style: "padding:1px 3px" }, button);
    })));
    matrix.replaceChildren(h("table", {}, head, ...rows));
  };
  ui.layouts.push(lay);

  // ---- what it makes of the model ---------------------------------------------------------------------------------------
  const right = ui.panel("The model, and how many new sentences it reads rightly");
  const equations = h("pre", { style: "margin-bottom:8px" }), parameters = h("p", { style: "margin-bottom:6px" });
  right.append(equations, parameters);
  let bars;
  ui.picture(right, (picture, w) => {
    const step = 30, box = { width: w, height: step * (nTasks + 1) + 34, left: 70, right: 48, top: 4, bottom: 30 };
    const { X } = axes(picture, box, { x: [0, 1], y: [0, 1], xTicks: w < 340 ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1], xText: percent });
    bars = [...spec.tasks, "mean"].map((name, t) => {
      const y = box.top + step * t + 5, fill = t < nTasks ? color(t) : "var(--shared)";
      const bar = s("rect", { class: "answer", x: X(0), y, height: step - 11, fill, "fill-opacity": 0.9 }), text = s("text", { class: "answer", y: y + 14 });
      picture.append(s("text", { x: box.left - 8, y: y + 14, "text-anchor": "end", "font-weight": t < nTasks ? 400 : 700 }, name));
      picture.top.append(bar, text);
      return { bar, text, X };
    });
  });

  const values = (state) => {
    const here = known(state);
    if (!here && store.result.key !== keyOf(state)) return null; // the answer is on its way
    const get = here ? (name) => Array.from(here(name, state.lam_at)) : (name) => Array.from(ui.read(name).row(0));
    return { accuracy: get("accuracy"), validation: get("validation"), loss: get("loss")[0] };
  };
  let now = null, fresh = false;
  const mean = (a) => a.reduce((x, y) => x + y, 0) / a.length;
  const equation = (row, t) => {
    const parts = row.map((g, k) => (g ? `${g === 1 ? "" : `${short(g)} `}A${k + 1}` : "")).filter(Boolean);
    return `W_${spec.tasks[t]} = W_s${parts.length ? ` + ${parts.join(" + ")}` : ""}`;
  };
  const alike = (graph) => new Set(graph.map((row) => JSON.stringify(row))).size;
  if (!known(ui.state)) go({}); // a page that was closed on a graph of one's own, and opened again
  const weights = (graph) => (1 + width(graph)) * spec.size[0] * spec.size[1] + nTasks * spec.size[1];
  return {
    reset: () => go({}),
    accept: () => go({}), // moved from Python
    loaded(state) {
      const { key, all } = store.result, read = ui.read;
      if (all) solved.set(key, (name, l) => read(name).row(l));
      else if (key && !known(state)) store.later = setTimeout(() => known(ui.state) || askAll(ui.state, true), 300); // the hand rests
    },
    draw(state) {
      if (shape !== width(state.graph)) lay();
      state.graph.forEach((row, t) => row.forEach((g, k) => {
        set(lines[t][k], { "stroke-opacity": g ? 1 : 0.1 });
        const button = matrix.querySelector(`[data-edge="${t},${k}"]`);
        put(button, g ? (g === 1 ? "●" : short(g)) : "·");
        set(button, { "aria-pressed": String(Boolean(g)) });
      }));
      less.disabled = width(state.graph) === 0;
      plus.disabled = width(state.graph) >= spec.most;
      own.hidden = state.preset >= 0;
      const found = values(state);
      fresh = found !== null;
      now = found ?? now;
      if (now) [...now.accuracy, mean(now.accuracy)].forEach((a, t) => {
        const { bar, text, X } = bars[t];
        set(bar, { width: Math.max(0, X(a) - X(0)) });
        set(text, { x: X(a) + 5 });
        put(text, percent(a));
      });
    },
    write(state) {
      put(equations, state.graph.map(equation).join("\n"));
      put(parameters, `${weights(state.graph).toLocaleString("en")} parameters: (1 + ${width(state.graph)}) × ${spec.size[1]} classes × ${spec.size[0]} words, and ${nTasks} × ${spec.size[1]} biases.`);
    },
    say(state) {
      if (!fresh) return store.problem ? "No answer for this graph." : "Solving…";
      const kinds = alike(state.graph), different = kinds === 1 ? "All tasks get the same W: no task can differ, however many adapters there are" : kinds === nTasks ? "Every task has a W of its own" : `There are ${kinds} different W for ${nTasks} tasks`;
      return `${different}. ${percent(mean(now.accuracy))} of ${spec.n_test.toLocaleString("en")} new sentences are read rightly, with ${weights(state.graph).toLocaleString("en")} parameters at λ = ${short(spec.lams[state.lam_at])}.`;
    },
    table: () => ({ head: ["", ...spec.tasks, "mean"], rows: fresh ? [["right, new sentences", ...now.accuracy.map(percent), percent(mean(now.accuracy))], ["right, validation", ...now.validation.map(percent), percent(mean(now.validation))], ["cross-entropy in training, sum", short(now.loss), ...spec.tasks.map(() => "")]] : [] }),
    code: (state) => spec.code.replace("{K}", width(state.graph)).replace("{G}", JSON.stringify(state.graph)).replace("{lam}", String(Number(spec.lams[state.lam_at].toPrecision(4)))),
  };
};
