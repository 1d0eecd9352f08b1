// Gradient step-through.  Arrays: x (J), shared, adapter, rest (C, J), bias (C).  Everything else is computed here.

EXPLORERS.steps = (ui) => {
  const { spec } = ui,
    x = Array.from(ui.read("x").all),
    classes = spec.classes,
    nClasses = classes.length,
    many = nClasses > 4; // then the bars stand on the left, and tables are scrolled
  const matrix = (name) => classes.map((_, c) => Array.from(ui.read(name).row(c))),
    { rates } = spec;
  const rest = matrix("rest"),
    { moves } = spec, // how often (p - y) x moves W_s, G A and the bias: 0 what is frozen
    MOST = 20;
  ui.slider({ name: "steps", label: "Steps taken:", max: MOST, text: String });
  ui.slider({
    name: "rate",
    label: "Learning rate η:",
    max: rates.length - 1,
    wide: false,
    text: (i) => short(rates[i]),
  });
  ui.choice({ name: "label", label: "Right class", options: classes });

  const forward = ({ shared, adapter, bias }, label) => {
    const z = classes.map((_, c) =>
      x.reduce((sum, v, j) => sum + v * (shared[c][j] + adapter[c][j] + rest[c][j]), bias[c]),
    );
    const top = Math.max(...z),
      e = z.map((v) => Math.exp(v - top)),
      total = e.reduce((a, b) => a + b, 0);
    const p = e.map((v) => v / total);
    return { z, p, error: p.map((v, c) => v - Number(c === label)), loss: Math.log(total) + top - z[label] };
  };
  /** The weights after each step, and what the model says with them. */
  const films = {};
  const film = (rate, label) => {
    const key = `${rate} ${label}`;
    if (films[key]) return films[key];
    let now = { shared: matrix("shared"), adapter: matrix("adapter"), bias: Array.from(ui.read("bias").all) };
    const out = [];
    for (let k = 0; k <= MOST; k++) {
      const said = forward(now, label),
        down = (w, gain) => w.map((row, c) => row.map((v, j) => v - rate * gain * said.error[c] * x[j]));
      out.push({ ...now, ...said });
      now = {
        shared: down(now.shared, moves.shared),
        adapter: down(now.adapter, moves.adapter),
        bias: now.bias.map((v, c) => v - rate * moves.bias * said.error[c]),
      };
    }
    return (films[key] = out);
  };
  const at = (state) => film(rates[state.rate], state.label)[state.steps];

  // One calculation after the other, for the right class: which cell it fills, and what is written there.
  const shown = (v, digits = 2) => minus(v.toFixed(digits));
  const STAGES = [
    () => "",
    (now, c) => {
      const terms = x.map((v, j) => `${shown(now.shared[c][j] + now.adapter[c][j] + rest[c][j])}·${short(v)}`);
      const few = terms.length > 8 ? [...terms.slice(0, 6), `… (${terms.length} words)`] : terms;
      return `Score: z = ${few.join(" + ")} + ${shown(now.bias[c])} = ${shown(now.z[c])}.`;
    },
    (now, c) => {
      const all = now.z.map((z) => `e^${shown(z)}`);
      return `Probability: p = e^${shown(now.z[c])} / (${all.join(" + ")}) = ${now.p[c].toFixed(3)}.`;
    },
    (now, c) => `Error: p − y = ${now.p[c].toFixed(3)} − 1 = ${shown(now.error[c], 3)}.`,
    (now, c) =>
      `Gradient of “${isolate(spec.words[0])}”: (p − y) x = ${shown(now.error[c], 3)} · ${short(x[0])} = ${shown(now.error[c] * x[0], 3)}.`,
    (now, c, rate) => {
      const slope = now.error[c] * x[0];
      if (!moves.shared) return `Step: W_s is frozen, and stays ${shown(now.shared[c][0])}.`;
      return `Step: W_s − η · gradient = ${shown(now.shared[c][0])} − ${short(rate)} · ${shown(slope, 3)} = ${shown(now.shared[c][0] - rate * slope)}.`;
    },
  ];
  const forth = () => {
    const { stage, steps } = ui.state;
    if (stage < STAGES.length - 1) ui.update({ stage: stage + 1 });
    else ui.update({ stage: 1, steps: Math.min(MOST, steps + 1) });
  };
  const next = h("button", { type: "button", onclick: forth }, "Next calculation");
  ui.controls.append(h("div", { className: "control" }, next));
  ui.panels.style.setProperty("--columns", "minmax(0, 1fr) minmax(0, 310px)"); // the first table is the wide one
  if (many) ui.panels.style.setProperty("--rows", "136px");
  /** A table whose cells are kept, and its columns wide enough (in widths of a 0) for any number, so that a step changes texts
   * only; `of` are heads that are cut already. */
  const grid = (panel, head, names, wide, room = 96, of = []) => {
    const rows = names.map((name) => ({ name, cells: head.slice(1).map(() => h("td")) })),
      kind = (name) => (spec.words.includes(name) ? "word" : classes.includes(name) ? "task" : null);
    const tall = names.length > (many ? 5 : 8),
      box = h("div", { className: tall ? "layer scroll tall" : "layer scroll" });
    region(box, `Table: ${head[0]}, ${head.slice(1).join(", ")}`);
    panel.append(box);
    const width = (i) => `min-width:calc(${wide[i - 1] ?? 0}ch + 14px)`;
    const tops = [clip(head[0], room), ...clipAll(head.slice(1), 96)],
      sides = clipAll(names, room);
    const top = head.map((text, i) =>
      h("th", { scope: "col", style: width(i), dir: "auto", title: text }, of[i] ?? tops[i]),
    );
    const lines = rows.map(({ name, cells }, i) => {
      const row = h("tr", {}, h("th", { scope: "row", dir: "auto", title: name }, sides[i]), ...cells);
      if (kind(name)) row.dataset[kind(name)] = name; // it lights up in every table
      return row;
    });
    box.append(h("table", {}, h("thead", {}, h("tr", {}, ...top)), h("tbody", {}, ...lines)));
    const fill = (values) => values.forEach((row, i) => row.forEach((text, k) => put(rows[i].cells[k], text)));
    const mark = (cell, on) => {
      const anew = on && !cell.classList.contains("filled");
      cell.classList.toggle("filled", on);
      if (anew && tall) box.scrollTop = cell.offsetTop - 60; // to be seen
    };
    fill.mark = (is) => rows.forEach(({ cells }, i) => cells.forEach((cell, k) => mark(cell, is(i, k))));
    return fill;
  };
  const G = spec.gain === 1 ? "" : `${short(spec.gain)} × `;
  const whose = !spec.trained
    ? "W_s + 0: the shared weight; no adapter serves this task."
    : spec.others
      ? `W_s + A: the shared weight, plus those of ${1 + spec.others} adapters, of which only ${isolate(spec.adapter)} moves here.`
      : `W_s + A: the shared weight, plus ${G}that of the adapter ${isolate(spec.adapter)}.`;
  const moved = !moves.shared
    ? `W_s is frozen${moves.adapter ? ": of the two only the adapter moves" : ""}.`
    : !spec.trained
      ? "W_s moves; no adapter serves this task."
      : !moves.adapter
        ? "The adapter is frozen: of the two only W_s moves."
        : spec.gain === 1
          ? "W_s and the adapter move by the same amount."
          : `The adapter moves by ${short(spec.gain)} times as much as W_s.`;
  const left = ui.panel(
    `1. Scores of “${isolate(listed(spec.sentence, 70))}” in the task ${isolate(listed(spec.task, 40))}`,
    {
      note: `${whose} Times x, and summed, they give z.`,
    },
  );
  left.classList.add("wrap");
  const scores = grid(
    left,
    ["word", "x", ...classes],
    [...spec.words, "bias", "score z = sum"],
    [1, ...classes.map(() => 10.4)],
  );
  const right = ui.panel("2. From scores to errors", {
    note: "p = softmax(z). y is 1 for the right class. The error is p\u00a0−\u00a0y.",
  });
  const errors = grid(right, ["class", "z", "p", "y", "p − y"], classes, [5, 5, 2.5, 6], 66);
  let bars;
  ui.picture(many ? left : right, (svg, width) => {
    const step = many ? Math.max(12, 22 - nClasses) : 24,
      box = {
        width,
        height: step * nClasses + 48,
        left: many ? Math.min(160, width * 0.3) : 74,
        right: 56,
        top: 6,
        bottom: 42,
      };
    const { X } = axes(svg, box, {
      x: [0, 1],
      y: [0, 1],
      xTicks: [0, 0.5, 1],
      xName: `dotted: chance, ${(1 / nClasses).toFixed(2)}`,
    });
    chanceLine(svg, X(1 / nClasses), box.top, box.height - box.bottom);
    const brief = clipAll(classes, box.left - 10);
    bars = classes.map((name, c) => {
      const top = box.top + step * c + 3,
        base = top + step / 2 + 1,
        bar = s("rect", { x: X(0), y: top, height: step - (many ? 4 : 7), fill: "var(--soft)" }),
        text = s("text", { x: X(1) + 6, y: base });
      const label = s("text", { x: box.left - 8, y: base, "text-anchor": "end" }, isolate(brief[c]));
      label.append(s("title", {}, name));
      for (const node of [bar, text, label]) node.dataset.task = name;
      svg.append(label);
      svg.top.append(bar, text);
      return { bar, text, X, mark: marks(svg, top - 2, top + step - 5) };
    });
  });
  const below = ui.panel(
    `3. The gradient is (p − y) x${spec.trained && spec.gain === 1 ? ", the same for W_s and for A" : ""}; the next step takes η times it away`,
    { full: true },
  );
  const side = h("div", { className: "tables" }); // of three classes, beside each other from 800 pixels on
  side.style.cssText = `display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,${many ? 290 : 230}px),1fr));gap:6px 16px`;
  if (many) region(side, "The gradients, class by class; the right class first").classList.add("many");
  below.append(side);
  const short_ = clipAll(classes, 60);
  const slopes = classes.map((name, c) => {
    const box = h("div", { style: "min-width:0" });
    side.append(box);
    return Object.assign(grid(box, [name, "gradient", "W_s → next"], spec.words, [6, 11.5], 60, [short_[c]]), { box });
  });

  const two = (v) => signed(v, 2),
    bare = (v) => two(v).replace("+", ""),
    plus = (v) => `${Number(v.toFixed(2)) < 0 ? "−" : "+"} ${Math.abs(v).toFixed(2)}`;
  return {
    draw(state) {
      const now = at(state);
      scores([
        ...spec.words.map((_, j) => [
          short(x[j]),
          ...classes.map((_, c) => `${bare(now.shared[c][j])} ${plus(now.adapter[c][j] + rest[c][j])}`),
        ]),
        ["", ...now.bias.map(two)],
        ["", ...now.z.map(two)],
      ]);
      errors(
        classes.map((_, c) => [
          two(now.z[c]),
          now.p[c].toFixed(3),
          c === state.label ? "1 ◀" : "0",
          signed(now.error[c], 3),
        ]),
      );
      bars.forEach(({ bar, text, X }, c) => {
        set(bar, { width: Math.max(0, X(now.p[c]) - X(0)), fill: c === state.label ? series(0) : "var(--soft)" });
        put(text, `${now.p[c].toFixed(2)}${c === state.label ? " ◀" : ""}`);
      });
      const [before, pinned] = [ui.store.before, ui.store.pinned].map((kept) => kept && at(kept.state));
      bars.forEach(({ mark, X }, c) => mark(before ? X(before.p[c]) : null, pinned ? X(pinned.p[c]) : null));
    },
    write(state) {
      const now = at(state),
        rate = rates[state.rate],
        c = state.label,
        { stage } = state;
      if (many) slopes.forEach(({ box }, class_) => (box.style.order = class_ === c ? -1 : 0));
      scores.mark((i, k) => stage === 1 && k === c + 1 && i === spec.words.length + 1);
      errors.mark((i, k) => i === c && ((stage === 2 && k === 1) || (stage === 3 && k === 3)));
      slopes.forEach((fill, class_) => fill.mark((i, k) => class_ === c && i === 0 && k === stage - 4));
      slopes.forEach((fill, c) =>
        fill(
          spec.words.map((_, j) => [
            signed(now.error[c] * x[j], 3),
            `${bare(now.shared[c][j])} → ${bare(now.shared[c][j] - rate * moves.shared * now.error[c] * x[j])}`,
          ]),
        ),
      );
    },
    say(state) {
      const now = at(state),
        best = now.p.indexOf(Math.max(...now.p));
      const sum = STAGES[state.stage](now, state.label, rates[state.rate]);
      const right = isolate(classes[state.label]);
      if (sum) return `Step ${state.steps + 1}, class ${right}. ${sum}`;
      const taken = state.steps
        ? `After ${state.steps} ${state.steps === 1 ? "step" : "steps"} with η =`
        : "Before a step, with η =";
      return `${taken} ${short(rates[state.rate])}, the model says ${isolate(classes[best])} (p = ${now.p[best].toFixed(2)}); the label is ${right}, with p = ${now.p[state.label].toFixed(3)} and cross-entropy −log p = ${now.loss.toFixed(3)}. ${moved}`;
    },
    compare: "p",
    measures(state) {
      const now = at(state);
      return {
        steps: state.steps,
        rate: rates[state.rate],
        label: state.label,
        p: now.p[state.label],
        loss: now.loss,
        right: Number(now.p.indexOf(Math.max(...now.p)) === state.label),
      };
    },
    table(state) {
      const all = film(rates[state.rate], state.label);
      return {
        head: ["steps", ...classes.map((c) => `p(${c})`), "cross-entropy"],
        rows: all.map((f, k) => [k === state.steps ? `${k} ◀` : k, ...f.p.map((v) => v.toFixed(3)), f.loss.toFixed(3)]),
      };
    },
    code(state) {
      const numbers = (rows) => JSON.stringify(rows);
      const used = [spec.words.length, nClasses],
        parts = { shared: true, adapters: spec.trained, bias: spec.biased },
        frozen = Object.keys(parts).filter((part) => parts[part] && !(moves[part] ?? moves.adapter));
      const lines = [
        "import torch",
        "import ragteach as rt",
        `# the weights of ${used[0]} words, as they are on the page`,
        `x = torch.tensor([${numbers(x)}]).float()  # ${spec.words.join(" ").slice(0, 120)}`,
        `model = rt.RAG(${used[0]}, ${used[1]}, ${spec.trained ? 1 : 0}, tasks=["this task"], graph=${spec.trained ? `[[${spec.gain}]]` : "torch.zeros(1, 0)"}, bias=${spec.biased ? '"task"' : "False"})`,
        `rest = torch.tensor(${numbers(rest)}).float()  # of further adapters: they stay as they are`,
        "with torch.no_grad():",
        `    model.shared.copy_(torch.tensor(${numbers(matrix("shared"))}))`,
        ...(spec.trained
          ? [
              `    model.adapters[model.adapter_names[0]].full.copy_(torch.tensor(${numbers(matrix("adapter"))})${spec.gain === 1 ? "" : ` / ${spec.gain}`})`,
            ]
          : []),
        ...(spec.biased ? [`    model.bias.copy_(torch.tensor([${numbers(Array.from(ui.read("bias").all))}]))`] : []),
        ...(frozen.length ? [`model.freeze(${frozen.map((part) => JSON.stringify(part)).join(", ")})`] : []),
        `optimizer = torch.optim.SGD(model.parameters(), lr=${rates[state.rate]})`,
        `label = torch.tensor([${state.label}])`,
        `for step in range(${state.steps}):`,
        "    loss = torch.nn.functional.cross_entropy(model(x, task=0) + x @ rest.T, label)",
        "    optimizer.zero_grad()",
        "    loss.backward()",
        "    optimizer.step()",
        "p = (model(x, task=0) + x @ rest.T).softmax(-1)[0]",
        "print(p)",
      ];
      return lines.join("\n");
    },
  };
};
