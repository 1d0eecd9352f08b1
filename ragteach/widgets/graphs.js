// Graph editor.  Arrays: graphs (P, T, K), and for each of train, val, test the documents: sizes (T), y, words, word, count.
// The graph on the page is solved in the page (learning.js, optimum.js); what was solved before is kept.

EXPLORERS.graphs = (ui) => {
  const { spec, store } = ui,
    nTasks = spec.tasks.length,
    [nFeatures, nClasses] = spec.size,
    color = series;
  const graphs = ui.read("graphs"),
    preset = (p) => spec.tasks.map((_, t) => Array.from({ length: spec.widths[p] }, (_, k) => graphs(p, t, k)));
  const clone = (g) => g.map((row) => [...row]),
    width = (g) => g[0].length,
    same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

  const part = (name) => readTasks(ui.read, name);
  const tasks = { train: part("train"), val: part("val"), test: part("test") };

  /** The optimum of a graph at a lambda, begun at the last one; kept, since a hand comes back. */
  const solved = (store.solved ??= new Map());
  const optimum = ({ graph, lam_at }) => {
    const key = JSON.stringify([graph, lam_at]);
    if (solved.has(key)) return solved.get(key);
    const problem = makeProblem({
      tasks: tasks.train,
      nFeatures,
      nClasses,
      graph,
      lam: spec.lams[lam_at],
      lamShared: spec.lam_shared,
    });
    const start = zeroWeights(problem),
      last = store.lastWeights;
    if (last) {
      start.shared.set(last.shared);
      start.adapters.forEach((A, k) => last.adapters[k] && A.set(last.adapters[k]));
      start.bias.forEach((b, t) => b.set(last.bias[t]));
    }
    const { weights, converged } = solve(problem, { start, tol: 1e-4 });
    if (!converged) throw new Error("no optimum was reached for this graph; press Reset");
    store.lastWeights = weights;
    const found = {
      accuracy: accuracy(problem, weights, tasks.test),
      validation: accuracy(problem, weights, tasks.val),
      loss: gradient(problem, weights).losses.reduce((a, b) => a + b, 0),
      kind: kinds(problem, weights),
    };
    found.kinds = 1 + Math.max(...found.kind);
    solved.set(key, found);
    return found;
  };
  /** Which W each task has, [0, 1, 0], judged by the weights: alike if apart by less than 2 % of their length. */
  const kinds = (problem, weights) => {
    const centred = spec.tasks.map((_, t) => {
      const W = taskWeights(problem, weights, t);
      for (let j = 0; j < W.length; j += nClasses) {
        const mean = W.subarray(j, j + nClasses).reduce((a, b) => a + b, 0) / nClasses;
        for (let c = 0; c < nClasses; c++) W[j + c] -= mean;
      }
      return W;
    });
    const apart = (a, b) =>
      Math.sqrt(squares(a.map((x, i) => x - b[i]))) / (Math.sqrt(Math.max(squares(a), squares(b))) || 1);
    const different = [];
    return centred.map((W) => {
      const like = different.findIndex((other) => apart(W, other) < 0.02);
      return like < 0 ? different.push(W) - 1 : like;
    });
  };
  /** While the hand rests: the presets, and every lambda of the graph on the page, one at a time. */
  let resting = null;
  const ahead = (wait = 400) => {
    clearTimeout(resting);
    resting = setTimeout(() => {
      const { graph, lam_at } = ui.state,
        near = spec.lams.map((_, l) => l).sort((a, b) => Math.abs(a - lam_at) - Math.abs(b - lam_at));
      const wanted = [
        ...near.slice(0, 7).map((l) => ({ graph, lam_at: l })),
        ...spec.presets.map((_, p) => ({ graph: preset(p), lam_at })),
        ...near.map((l) => ({ graph, lam_at: l })),
      ];
      const next = wanted.find((state) => !solved.has(JSON.stringify([state.graph, state.lam_at])));
      if (!next) return;
      try {
        optimum(next);
      } catch {
        return;
      } // it is said when the learner gets there
      ahead(30);
    }, wait);
  };
  const go = (change) => {
    const state = { ...ui.state, ...change };
    ui.update({ ...change, preset: spec.presets.findIndex((_, p) => same(preset(p), state.graph)) });
  };
  const toggle = (t, k) => {
    const graph = clone(ui.state.graph);
    graph[t][k] = graph[t][k] ? 0 : 1;
    go({ graph });
  };
  const select = ui.choice({
    name: "preset",
    label: "Begin with",
    options: spec.presets,
    change: (p) => go({ graph: preset(p) }),
  });
  const own = h("option", { value: -1 }, "your own");
  select.append(own);
  const plus = h(
    "button",
    { type: "button", onclick: () => go({ graph: ui.state.graph.map((row) => [...row, 0]) }) },
    "Add an adapter",
  );
  const less = h(
    "button",
    { type: "button", onclick: () => go({ graph: ui.state.graph.map((row) => row.slice(0, -1)) }) },
    "Remove the last",
  );
  ui.controls.append(h("div", { className: "control" }, h("div", { style: "display:flex;gap:6px" }, plus, less)));
  ui.slider({
    name: "lam_at",
    label: "Penalty λ on the adapters:",
    max: spec.lams.length - 1,
    text: (l) => short(spec.lams[l]),
    ends: ["cheap adapters", "dear adapters: towards full sharing"],
  });

  // ---- the graph, and the same as a matrix of buttons ------------------------------------------------------------------
  const left = ui.panel("The graph", {
    note: "Connect: drag from box to box, click a line, or press a button of the matrix. Wₛ serves every task.",
  });
  const drawBoxes = graphBoxes(ui, left, { tasks: () => spec.tasks, graph: () => ui.state.graph, toggle }),
    drawMatrix = graphMatrix(left, { tasks: () => spec.tasks, graph: () => ui.state.graph, toggle });

  // ---- what it makes of the model ---------------------------------------------------------------------------------------
  const right = ui.panel("The model, and how many new sentences it classifies correctly", {
    note: "On a bar, dashed: before your last change; thick: pinned.",
  });
  const equations = region(h("pre", { className: "low", style: "margin-bottom:8px" }), "The weights of each task"),
    parameters = h("p", { style: "margin-bottom:6px" });
  right.append(equations, parameters);
  const kept = (one) => one && solved.get(JSON.stringify([one.state.graph, one.state.lam_at]));
  let bars;
  ui.picture(right, (picture, w) => {
    const step = Math.max(18, Math.min(30, 200 / (nTasks + 1))),
      thick = Math.round(0.63 * step),
      left = 12 + Math.min(w * 0.3, Math.max(...[...spec.tasks, "mean"].map(ruler))),
      box = { width: w, height: step * (nTasks + 1) + 42, left, right: 48, top: 4, bottom: 38 };
    const { X } = axes(picture, box, {
      x: [0, 1],
      y: [0, 1],
      xTicks: w < 340 ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1],
      xText: percent,
      xName: `dotted: chance, ${percent(1 / nClasses)}`,
    });
    chanceLine(picture, X(1 / nClasses), box.top, box.height - box.bottom);
    bars = [...spec.tasks, "mean"].map((name, t) => {
      const y = box.top + step * t + (step - thick) / 2,
        base = y + thick / 2 + 4,
        fill = t < nTasks ? color(t) : "var(--shared)";
      const bar = s("rect", { class: "answer", x: X(0), y, height: thick, fill, "fill-opacity": 0.9 }),
        text = s("text", { class: "answer", x: X(1) + 6, y: base });
      const label = s("text", { x: box.left - 8, y: base, "text-anchor": "end" }, isolate(clip(name, box.left - 12)));
      if (t === nTasks) set(label, { "font-weight": 700 });
      label.append(s("title", {}, name));
      for (const node of [bar, text, label]) if (t < nTasks) node.dataset.task = t;
      picture.append(label);
      picture.top.append(bar, text);
      return { bar, text, X, mark: marks(picture, y - 2, y + thick + 2) };
    });
  });

  let now = null;
  const mean = (a) => a.reduce((x, y) => x + y, 0) / a.length;
  const equation = (row, t) => {
    const parts = row.map((g, k) => (g ? `${g === 1 ? "" : `${short(g)} `}A${k + 1}` : "")).filter(Boolean);
    return `W_${listed(spec.tasks[t], 24)} = W_s${parts.length ? ` + ${parts.join(" + ")}` : ""}`;
  };
  const weights = (graph) => (1 + width(graph)) * spec.size[0] * spec.size[1] + nTasks * spec.size[1];
  return {
    accept: () => go({}), // moved from Python
    destroy: () => clearTimeout(resting),
    draw(state) {
      drawBoxes();
      drawMatrix();
      less.disabled = width(state.graph) === 0;
      plus.disabled = width(state.graph) >= spec.most;
      own.hidden = state.preset >= 0;
      now = null; // no number without its state: if this fails, the bars are empty
      for (const { bar, text } of bars) {
        set(bar, { width: 0 });
        put(text, "");
      }
      now = optimum(state);
      [...now.accuracy, mean(now.accuracy)].forEach((a, t) => {
        const { bar, text, X } = bars[t];
        set(bar, { width: Math.max(0, X(a) - X(0)) });
        put(text, percent(a));
      });
      const [before, pinned] = [store.before, store.pinned].map(kept);
      bars.forEach(({ mark, X }, t) => {
        const place = (found) => (found ? X(found.accuracy[t] ?? mean(found.accuracy)) : null);
        mark(place(before), place(pinned));
      });
    },
    write(state) {
      ahead();
      const said = state.graph.map(equation);
      if (equations.textContent !== said.join("\n")) {
        const lines = said.map((text, t) => h("span", { dir: "auto" }, text + (t < nTasks - 1 ? "\n" : "")));
        lines.forEach((node, t) => (node.dataset.task = t));
        equations.replaceChildren(...lines);
      }
      put(
        parameters,
        `${weights(state.graph).toLocaleString("en")} parameters: (1 + ${width(state.graph)}) × ${spec.size[1]} classes × ${spec.size[0]} words, and ${nTasks} × ${spec.size[1]} biases.`,
      );
    },
    say(state) {
      if (!now) return "No answer for this graph.";
      const rows = new Set(state.graph.map((row) => JSON.stringify(row))).size;
      const different =
        nTasks === 1
          ? "One task, one W"
          : rows === 1
            ? "All tasks get the same W, and only their biases can differ: no word can mean something else to one of them, however many adapters there are"
            : now.kinds === 1
              ? "The tasks' W are nearly the same: less than 2 % apart"
              : now.kinds === nTasks
                ? "Every task has a W of its own"
                : `There are ${now.kinds} different W for ${nTasks} tasks`;
      return `${different}. ${share(mean(now.accuracy))} of ${spec.n_test.toLocaleString("en")} new sentences are classified correctly, with ${weights(state.graph).toLocaleString("en")} parameters at λ = ${short(spec.lams[state.lam_at])}.`;
    },
    compare: "accuracy",
    measures: ({ graph, lam_at }) =>
      now && {
        accuracy: mean(now.accuracy),
        worst: Math.min(...now.accuracy),
        validation: mean(now.validation),
        lam: spec.lams[lam_at],
        adapters: width(graph),
        edges: graph.flat().filter(Boolean).length,
        kinds: now.kinds,
        ...named("kind", spec.tasks, (t) => now.kind[t]),
        weights: weights(graph),
      },
    table: () => ({
      head: ["measure", ...spec.tasks, "mean"],
      rows: now
        ? [
            ["accuracy, new sentences", ...now.accuracy.map(percent), percent(mean(now.accuracy))],
            ["accuracy, validation", ...now.validation.map(percent), percent(mean(now.validation))],
            ["cross-entropy in training, sum", short(now.loss), ...spec.tasks.map(() => "")],
          ]
        : [],
    }),
    code: (state) =>
      spec.code
        .replace("{K}", width(state.graph))
        .replace("{G}", JSON.stringify(state.graph))
        .replace("{lam}", String(Number(spec.lams[state.lam_at].toPrecision(4)))),
  };
};
