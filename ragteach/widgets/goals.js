// Goals: what the learner is asked to bring about, and whether it is reached.  See goals.py.
//
// Judged when the hand rests, by the explorer's own numbers; what was reached stays reached until Reset.

const COMPARE = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
};

/** A name as a condition writes it: "full sharing" is full_sharing. */
const wordFor = (name) => name.replaceAll(" ", "_");
/** {prefix_name: value} for every name, as measures of an explorer. */
const named = (prefix, names, value) =>
  Object.fromEntries(names.map((name, i) => [`${prefix}_${wordFor(name)}`, value(i)]));

/** Whether a goal's conditions all hold; a side is a number or the name of a measure. Six digits count, as in Python. */
function reached({ when }, measures) {
  const side = (of) => Number((typeof of === "string" ? measures[of] : of).toPrecision(6));
  return when.every(([a, sign, b]) => COMPARE[sign](side(a), side(b)));
}

/** The goals as a list under the title; { node, judge(measures) }: judge says in words what was reached just now. */
function goalList(ui) {
  const goals = ui.spec.goals ?? [];
  const items = goals.map(({ say }) => {
    const mark = h("b");
    return { mark, line: h("li", {}, mark, say) };
  });
  const node = h("ul", { className: "goals", hidden: !goals.length }, ...items.map(({ line }) => line));
  const show = () => {
    items.forEach(({ mark, line }, i) => {
      const done = Boolean(ui.state.reached?.[i]);
      put(mark, done ? "✓ Reached: " : "Your task: ");
      line.classList.toggle("done", done);
    });
  };
  ui.labels.push(show);
  const judge = (measures) => {
    if (!goals.length) return "";
    const before = ui.state.reached ?? goals.map(() => false);
    const now = goals.map((goal, i) => before[i] || reached(goal, measures));
    ui.state.reached = now;
    show();
    return goals
      .filter((_, i) => now[i] && !before[i])
      .map(({ say }) => ` Reached: ${say}`)
      .join("");
  };
  return { node, judge };
}
