// The playground's panels: the graph, the words, one sentence, the tasks' pulls.
//
// Each takes the frame (ui) and the bench: {data, run, color, preset, change, anew}; it returns how to draw it again.

/** The graph as boxes, and in a part that opens as a matrix of buttons. */
function graphPanel(ui, bench) {
  const panel = ui.panel("Connect tasks and adapters");
  const begin = h(
    "select",
    { onchange: () => begin.value && bench.anew({ graph: bench.preset(begin.value) }) },
    h("option", { value: "" }, "your own"),
    ...bench.PRESETS.map((name) => h("option", { value: name }, name)),
  );
  begin.setAttribute("aria-label", "Begin with a known graph");
  const graph = () => bench.run.problem.graph,
    edit = (text, name, change) => {
      const button = h("button", { type: "button", onclick: () => bench.anew({ graph: change(graph()) }) }, text);
      set(button, { "aria-label": name, title: name });
      return button;
    };
  const plus = edit("+ A", "Add an adapter", (g) => g.map((line) => [...line, 0])),
    less = edit("− A", "Remove the last adapter", (g) => g.map((line) => line.slice(0, -1)));
  begin.style.cssText = "width:100%;margin:2px 0 6px"; // a row of its own: no name is cut
  for (const button of [plus, less]) button.style.cssText = "padding:0 6px;min-height:24px;margin-left:6px";
  panel.append(begin);
  const shown = {
    tasks: () => bench.data.tasks,
    graph,
    toggle: (t, k) =>
      bench.anew({ graph: graph().map((row, u) => row.map((g, l) => (u === t && l === k ? Number(!g) : g))) }),
  };
  const drawBoxes = graphBoxes(ui, panel, shown);
  const words = h("details", {}, h("summary", { className: "note" }, "As a matrix"));
  panel.append(h("div", { style: "float:right" }, plus, less), words);
  const drawMatrix = graphMatrix(words, shown);
  return () => {
    const key = JSON.stringify(graph());
    begin.value = bench.PRESETS.find((name) => JSON.stringify(bench.preset(name)) === key) ?? "";
    plus.disabled = graph()[0].length > bench.data.tasks.length;
    less.disabled = graph()[0].length === 0;
    drawBoxes();
    drawMatrix();
  };
}

/** Cosines of the tasks' gradients: fold(yes) where there is no room beside the others. */
function pullsPanel(ui, bench) {
  const pullBox = region(
      h("div", { className: "scroll tall", style: "margin-top:8px" }),
      "Cosines of the tasks' gradients",
    ),
    note = "Cosines of their gradients: 1 the same way, 0 they do not meet, −1 against each other.",
    part = h("details", { open: true }, h("summary", { className: "note" }, note), pullBox),
    panel = ui.panel("Do the tasks pull the same way?");
  panel.append(part);
  let folded = false;
  const fold = (yes) => {
    if (yes !== folded) part.open = !yes; // else it stays as the learner left it
    folded = yes;
    panel.querySelector("h4").hidden = yes; // the line that opens it says as much
    panel.style.gridColumn = yes ? "1 / -1" : "";
  };
  const draw = () => {
    const cosines = bench.run.conflict(),
      cell = (x) =>
        h(
          "td",
          { style: `background:rgba(var(--${x < 0 ? "minus" : "plus"}), ${Math.abs(x || 0) * 0.35})` },
          Number.isNaN(x) ? "–" : signed(x, 2),
        );
    pullBox.replaceChildren(
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "cos"), ...taskHeads("col", bench.data.tasks, 62))),
        h(
          "tbody",
          {},
          ...taskHeads("row", bench.data.tasks, 112).map((head, t) => h("tr", {}, head, ...cosines[t].map(cell))),
        ),
      ),
    );
  };
  return { draw, fold };
}

/** The words whose weights differ most among the tasks. */
function wordsPanel(ui, bench) {
  const panel = ui.panel("Wₛ (bar) and each task's W"),
    choice = classChoice(ui, panel);
  let wordChart = null;
  ui.picture(panel, (svg, width) => {
    wordChart = { svg, width };
  });
  const draw = () => {
    if (!wordChart) return;
    const { svg, width } = wordChart,
      { classes, ends, words } = bench.data,
      C = classes.length,
      chosen = Math.min(ui.state.for_class, C - 1),
      axis = wordAxis(C, ends, chosen),
      score = (part, j) => axis.reduce((sum, [c, k]) => sum + k * part[j * C + c], 0);
    choice.show(classes, ends);
    const W = bench.data.tasks.map((_, t) => taskWeights(bench.run.problem, bench.run.weights, t)),
      V = words.words.length;
    const spread = (j) => {
      const own = W.map((w) => score(w, j));
      return Math.max(...own) - Math.min(...own) + 0.3 * Math.max(...own.map(Math.abs));
    };
    const top = Array.from({ length: V }, (_, j) => [spread(j), j])
      .sort((a, b) => b[0] - a[0])
      .slice(0, 8)
      .map(([, j]) => j);
    const step = (ui.width < 700 ? 17 : width < 240 ? 20 : 24) - (ends ? 0 : 3), // room for the choice of a class
      box = { width, height: step * 8 + 40, left: Math.min(110, width * 0.3), right: 12, top: 4, bottom: 36 };
    const apart = Math.min(5, (step - 9) / Math.max(1, W.length - 1)), // a word's markers stay in its row
      far = Math.max(
        0.2,
        ...top.flatMap((j) => [...W.map((w) => Math.abs(score(w, j))), Math.abs(score(bench.run.weights.shared, j))]),
      );
    const { X } = axes(svg, box, {
      x: [-far * 1.05, far * 1.05],
      y: [0, 1],
      xTicks: ticks(-far, far, 4),
      xName: axisTitle(classes, ends, chosen, width * 0.26, width < 240 ? "" : "weight"),
    });
    // A line below each word holds it and its markers together.
    svg.append(
      s("path", {
        class: "grid",
        d: top
          .slice(1)
          .map((_, i) => `M0,${box.top + step * (i + 1)}h${width}`)
          .join(""),
      }),
    );
    top.forEach((j, i) => {
      const y = box.top + step * (i + 0.5),
        word = words.words[j];
      svg.append(
        s("text", { x: box.left - 8, y: y + 4, "text-anchor": "end" }, isolate(clip(visible(word), box.left - 12))),
      );
      svg.append(
        s("line", {
          x1: X(0),
          x2: X(score(bench.run.weights.shared, j)),
          y1: y,
          y2: y,
          stroke: "var(--shared)",
          "stroke-width": 6,
        }),
      );
      W.forEach((w, t) => {
        const at = [X(score(w, j)), y + (t - (W.length - 1) / 2) * apart],
          dot = move(marker(t, bench.color(t)), at);
        dot.dataset.task = t;
        svg.append(dot);
      });
    });
    svg.append(s("line", { x1: X(0), x2: X(0), y1: box.top, y2: box.height - box.bottom, stroke: "var(--soft)" }));
  };
  return draw;
}

const MANY_CLASSES = 4; // of more the sum of each class folds where all of it is to fit on one screen

/** A sentence, and what bias, shared weights and adapters add to each class: fold(yes) where many classes have no room. */
function sentencePanel(ui, bench) {
  const below = ui.panel("One sentence, and what every part adds to each class");
  const field = h("input", {
    type: "text",
    maxLength: 300,
    style: "flex:1 1 240px",
    oninput: () => bench.change({ typed: field.value }),
  });
  field.setAttribute("aria-label", "A sentence to read");
  const whose = h("select", { style: "max-width:45%", onchange: () => bench.change({ reader: Number(whose.value) }) });
  whose.setAttribute("aria-label", "Read by the task");
  const strip = additiveStrip(ui);
  const verdict = h("summary", { className: "note" }),
    part = h("details", { open: true }, verdict, strip.node);
  part.addEventListener("toggle", () => {
    strip.measure();
    ui.schedule();
  });
  below.append(h("div", { style: "display:flex;flex-wrap:wrap;gap:6px" }, field, whose), part);
  let tight = false,
    folded = false;
  const fold = () => {
    const yes = tight && bench.data.classes.length > MANY_CLASSES;
    if (yes !== folded) part.open = !yes; // else it stays as the learner left it
    folded = yes;
    verdict.hidden = !yes;
  };
  const sentence = (state) => state.typed || bench.data.sentences[0]?.text || "";
  const draw = (state) => {
    if (
      document.activeElement !== field &&
      ui.host.shadowRoot?.activeElement !== field &&
      field.value !== sentence(state)
    )
      field.value = sentence(state);
    if (whose.dataset.tasks !== bench.data.tasks.join("\n")) {
      whose.replaceChildren(...bench.data.tasks.map((task, t) => h("option", { value: t }, `as ${task} reads it`)));
      whose.dataset.tasks = bench.data.tasks.join("\n");
    }
    const t = Math.min(state.reader, bench.data.tasks.length - 1),
      reading = bench.run.reading(sentence(state), t);
    whose.value = t;
    const { place, analyse } = bench.data.words,
      unknown = [...new Set(analyse(sentence(state)).filter((word) => !place.has(word)))].map(visible);
    fold();
    const best = reading.p.indexOf(Math.max(...reading.p));
    put(
      verdict,
      `${isolate(bench.data.classes[best])} ${percent(reading.p[best])}: what every part adds to each class`,
    );
    strip.show({ ...reading, whose: t, classes: bench.data.classes, unknown });
  };
  return { draw, panel: below, fold: (yes) => (tight = yes) };
}
