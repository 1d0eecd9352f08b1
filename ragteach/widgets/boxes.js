// The graph as boxes that you connect: tasks on the left, W_s and the adapters on the right, a line for what serves whom.
//
// Drag from box to box, or choose one and then the other (a tap, or Enter), or click a line: toggle(t, k). Lines cross and
// start together: what counts is the line whose middle is nearest to the hand, not the one that was drawn last.
// W_s serves every task. A matrix of buttons is the same graph in words.

/** graphBoxes(ui, panel, { tasks(), graph(), toggle(t, k) }): how to draw it again. */
function graphBoxes(ui, panel, { tasks, graph, toggle }) {
  const svg = s("svg", { class: "graph", role: "group", "aria-label": "The graph: connect a task with an adapter" });
  panel.append(h("div", { className: "picture" }, svg));
  let shape = null, // what the boxes were laid for
    lines = [], // of each task: its lines to the adapters
    edges = [], // the same with what the hand meets: { node, ends, t, k }
    boxes = [], // { node, side, i, at }
    held = null, // the box that was chosen first
    drawn = null; // the line under the hand: { from, node }

  const nameOf = ({ side, i }) => (side === "task" ? tasks()[i] : `adapter A${i + 1}`);
  const hold = (box) => {
    held = box;
    for (const { node } of boxes) node.classList.toggle("held", node === held?.node);
    if (box) ui.announce(`${nameOf(box)}: choose ${box.side === "task" ? "an adapter" : "a task"}.`);
  };
  const join = (a, b) => {
    hold(null);
    const [task, adapter] = a.side === "task" ? [a, b] : [b, a];
    toggle(task.i, adapter.i);
  };
  const choose = (box) => {
    if (held && held.side !== box.side) join(held, box);
    else hold(held === box ? null : box);
  };
  const boxAt = (node) => boxes.find((box) => box.node.contains(node));

  /** The line whose middle is nearest to the hand. */
  const nearest = (event) => {
    const { left, top } = svg.getBoundingClientRect(),
      [x, y] = [event.clientX - left, event.clientY - top];
    const far = ({ ends: { x1, x2, y1, y2 } }) =>
      Math.abs((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)) / Math.hypot(x2 - x1, y2 - y1);
    return edges.reduce((best, edge) => (far(edge) < far(best) ? edge : best));
  };

  // ---- the hand -----------------------------------------------------------------------------------------------------------
  svg.addEventListener("pointerdown", (event) => {
    const from = boxAt(event.target);
    if (!from || !event.isPrimary) return;
    svg.setPointerCapture(event.pointerId);
    const [x1, y1] = from.at;
    drawn = { from, node: s("line", { x1, y1, x2: x1, y2: y1, class: "drawn" }) };
    svg.append(drawn.node);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!drawn) return;
    const { left, top } = svg.getBoundingClientRect();
    set(drawn.node, { x2: event.clientX - left, y2: event.clientY - top });
  });
  const letGo = () => {
    drawn?.node.remove();
    drawn = null;
  };
  svg.addEventListener("pointerup", (event) => {
    if (!drawn) return;
    const { from } = drawn;
    letGo();
    const to = boxAt(svg.getRootNode().elementFromPoint(event.clientX, event.clientY));
    if (to === from) choose(from);
    else if (to && to.side !== from.side) join(from, to);
  });
  svg.addEventListener("pointercancel", letGo);
  svg.addEventListener("keydown", (event) => {
    const box = boxAt(event.target);
    if (event.key === "Escape") hold(null);
    if (!box || !["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    choose(box);
  });

  // ---- the picture --------------------------------------------------------------------------------------------------------
  const lay = () => {
    const names = tasks(),
      T = names.length,
      K = graph()[0].length,
      rows = Math.max(T, K + 1, 3),
      width = Math.max(220, panel.clientWidth),
      step = Math.max(20, Math.min(width < 240 ? 30 : 34, (T > 5 ? 176 : 290) / rows)),
      size = { width, height: step * rows + 8 };
    shape = JSON.stringify([names, K, width]);
    sheet(svg, size);
    const high = Math.min(26, step - 2),
      tags = clipAll(names, width * 0.4 - 34),
      wide = Math.max(...tags.map(ruler)) + 34,
      [x1, x2] = [wide + 1, width - 47],
      y = (i, n) => 4 + ((size.height - 8) / n) * (i + 0.5);
    const common = names.map((_, t) => `M${x1},${y(t, T)}L${x2},${y(0, K + 1)}`).join("");
    svg.append(s("path", { d: common, class: "common" }));
    const all = s("g");
    edges = [];
    lines = names.map((name, t) =>
      Array.from({ length: K }, (_, k) => {
        const ends = { x1, x2, y1: y(t, T), y2: y(k + 1, K + 1) },
          look = { stroke: series(t), "stroke-width": 3 },
          seen = s("line", { ...ends, ...look, class: "seen" }),
          near = s("line", { ...ends, stroke: "transparent", "stroke-width": 12 }),
          edge = s("g", { class: "edge" });
        near.dataset.task = t;
        edge.append(seen, near, s("title", {}, `${name} – A${k + 1}`));
        all.append(edge);
        edges.push({ node: edge, ends, t, k });
        return seen;
      }),
    );
    all.addEventListener("pointermove", (event) => {
      const { node } = nearest(event);
      if (node !== all.lastChild) all.append(node); // on top: it is lit, and its name is shown
    });
    all.addEventListener("click", (event) => {
      const { t, k } = nearest(event);
      toggle(t, k);
    });
    svg.append(all);
    const box = (side, i, x, middle, w) => {
      const node = s("g", { class: "box", role: "button", tabindex: 0 });
      node.append(s("rect", { x, y: middle - high / 2, width: w, height: high, rx: 5 }));
      svg.append(node);
      boxes.push({ node, side, i, at: [side === "task" ? x + w : x, middle] });
      return node;
    };
    boxes = [];
    names.forEach((name, t) => {
      const middle = y(t, T),
        node = box("task", t, 1, middle, wide),
        rest = s("text", { x: 26, y: middle + 4 }, isolate(tags[t]));
      rest.append(s("title", {}, name));
      node.append(move(marker(t, series(t)), [14, middle]), rest);
      node.dataset.task = t;
    });
    const label = (text, middle) => s("text", { x: x2 + 23, y: middle + 4, "text-anchor": "middle" }, text);
    for (let k = 0; k < K; k++) {
      const middle = y(k + 1, K + 1);
      box("adapter", k, x2, middle, 46).append(label(`A${k + 1}`, middle));
    }
    const top = y(0, K + 1),
      whole = s("rect", { x: x2, y: top - high / 2, width: 46, height: high, rx: 5, class: "whole" });
    whole.append(s("title", {}, "the shared weights serve every task"));
    svg.append(whole, label("Wₛ", top));
    hold(null);
  };
  const draw = () => {
    const now = graph();
    if (shape !== JSON.stringify([tasks(), now[0].length, Math.max(220, panel.clientWidth)])) {
      const at = boxes.findIndex(({ node }) => node === svg.getRootNode().activeElement);
      lay();
      boxes[at]?.node.focus();
    }
    const pale = now.flat().length > 24 ? 0.05 : 0.1; // of many lines that are not there, each is fainter
    lines.forEach((row, t) =>
      row.forEach((seen, k) => {
        set(seen, { "stroke-opacity": now[t][k] ? 1 : pale, "stroke-dasharray": now[t][k] ? dash(t) : "" });
        if (now[t][k]) seen.dataset.task = t;
        else delete seen.dataset.task; // it stays as pale as it is
      }),
    );
    for (const { node, side, i } of boxes) {
      const mine = side === "task" ? now[i].map((g, k) => g && `A${k + 1}`) : now.map((row, t) => row[i] && tasks()[t]);
      const served = mine.filter(Boolean).join(", ") || "none";
      set(node, { "aria-label": `${nameOf({ side, i })}, connected with ${served}` });
    }
  };
  ui.layouts.push(() => (shape = null));
  return draw;
}

/** The same as a matrix of buttons, for keyboards and screen readers: graphMatrix(panel, ...): how to draw it again. */
function graphMatrix(panel, { tasks, graph, toggle }) {
  const box = region(h("div", { className: "scroll", style: "margin-top:6px" }), "The graph as a matrix of buttons");
  panel.append(box);
  let shape = null,
    buttons = [];
  const lay = () => {
    const K = graph()[0].length,
      many = tasks().length > 5,
      narrow = K > 5; // so that eight adapters stand beside each other
    shape = JSON.stringify([tasks(), K]);
    box.classList.toggle("low", tasks().length > 8);
    buttons = tasks().map((task, t) =>
      Array.from({ length: K }, (_, k) => {
        const style = `min-width:${narrow ? 24 : 34}px;padding:0 2px;min-height:${many ? 24 : 30}px`,
          button = h("button", { type: "button", style, onclick: () => toggle(t, k) });
        set(button, { "aria-label": `${task} uses adapter A${k + 1}` });
        button.dataset.edge = `${t},${k}`;
        return button;
      }),
    );
    const names = Array.from({ length: K }, (_, k) => `A${k + 1}`),
      heads = names.map((name) => h("th", { scope: "col", style: "text-align:center" }, name));
    const titles = taskHeads("row", tasks(), narrow ? 84 : 112);
    const rows = tasks().map((_, t) => {
      const cells = buttons[t].map((button) => h("td", { style: `padding:1px ${narrow ? 2 : 3}px` }, button)),
        row = h("tr", {}, titles[t], ...cells);
      row.dataset.task = t;
      return row;
    });
    const top = h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "task"), ...heads));
    box.replaceChildren(h("table", {}, top, h("tbody", {}, ...rows)));
  };
  return () => {
    if (shape !== JSON.stringify([tasks(), graph()[0].length])) lay();
    graph().forEach((row, t) =>
      row.forEach((g, k) => {
        put(buttons[t][k], g ? (g === 1 ? "●" : short(g)) : "·");
        set(buttons[t][k], { "aria-pressed": String(Boolean(g)) });
      }),
    );
  };
}

/** The heads of rows or columns: the tasks' names, cut to so many pixels; whole in their titles. */
const taskHeads = (scope, tasks, wide) =>
  clipAll(tasks, wide).map((text, t) => h("th", { scope, dir: "auto", title: tasks[t] }, text));
