// The playground as Python: code that runs in a fresh kernel and ends in the numbers on the page.
//
// Enters: the state and its run.  Leaves: lines of Python.  Where the package's own `fit` takes the same steps, it is called;
// half a schedule of phases, and proximal steps in phases, are written out as the loop they are.

/** The sentences: toy ones, or a table that the page does not give away, split as the page splits it. */
function dataCode(state) {
  if (!state.own)
    return [
      `train = rt.make_toy(relatedness=${state.r}, n_per_task=${state.n}, noise=${state.noise}, seed=${state.seed})`,
      `test = rt.make_toy(relatedness=${state.r}, n_per_task=${N_TEST}, seed=${state.seed + TEST_SEED})`,
      'test = test[~test["text"].isin(train["text"])].reset_index(drop=True)',
    ];
  return [
    "# Your table is not in this code, it never leaves the page: save it as mine.csv, in this folder.",
    'frame = rt.load_csv("mine.csv")',
    'words = rt.make_vectorizer("bow").build_analyzer()',
    'same = frame["text"].map(lambda text: " ".join(words(text)) or text)',
    `draw = random.Random("split/${state.seed}").random`,
    "trains = {text: draw() < 0.6 for text in dict.fromkeys(same)}  # the same text never on both sides",
    "train = frame[same.map(trains)].reset_index(drop=True)",
    "test = frame[~same.map(trains)].reset_index(drop=True)",
  ];
}

/** The model, and its start. */
function modelCode(state, { problem }) {
  const lines = [
    "data = rt.MultiTaskDataset.from_frame(train)",
    "new = rt.MultiTaskDataset.from_frame(test, data.vectorizer, data.task_names)",
    `graph = torch.tensor(${JSON.stringify(problem.graph)}).reshape(${problem.nTasks}, ${problem.nAdapters})`,
    `model = rt.RAG(data.n_features, data.n_classes, ${problem.nAdapters}, tasks=data.task_names, graph=graph, init="zero").double()`,
  ];
  if (state.random)
    lines.push(
      `draw = random.Random("start/${state.seed}").random`,
      "with torch.no_grad():",
      "    for part in [model.shared, *(adapter.full for adapter in model.adapters.values())]:",
      "        for j in range(data.n_features):",
      "            for c in range(data.n_classes):",
      "                part[c, j] = 2 * draw() - 1",
    );
  return lines;
}

/** The steps as a loop: which part moves follows from the step. */
function loopCode({ schedule }, steps, optimiser, rate, [lam, lamShared]) {
  const turns = schedule === "two_phase" ? 2 : 2 * ROUNDS,
    proximal = optimiser === "proximal",
    lines = [
      "adapters = [adapter.full for adapter in model.adapters.values()]",
      `parts = {"shared": [(model.shared, ${lamShared})], "adapters": [(A, ${lam}) for A in adapters]}`,
      `criterion = rt.MultiTaskLoss(${proximal ? "" : `lam=${lam}, lam_shared=${lamShared}`})`,
      "tensors = data.stacked(dtype=torch.float64)",
    ];
  if (!proximal)
    lines.push(
      "optimizers = {",
      `    phase: torch.optim.${TORCH[optimiser]}([model.bias, *(part for part, _ in moving)], lr=${rate})`,
      "    for phase, moving in parts.items()",
      "}",
    );
  lines.push(
    `for step in range(${steps}):`,
    `    phase = ["shared", "adapters"][step * ${turns} // ${STEPS} % 2]`,
    "    model.zero_grad()",
    "    criterion.stacked(model, tensors).backward()",
  );
  if (proximal)
    lines.push(
      "    with torch.no_grad():",
      "        for part, lam in [(model.bias, 0.0), *parts[phase]]:",
      `            part.copy_((part - ${rate} * part.grad) / (1 + ${rate} * lam))`,
    );
  else lines.push("    optimizers[phase].step()");
  return lines;
}
const TORCH = { adam: "Adam", sgd: "SGD" };

/** Python that ends in the same numbers: the run to its present step. */
function playgroundCode(state, run) {
  const { problem, schedule } = run,
    optimiser = OPTIMISER_NAMES[state.optimiser],
    rate = RATES[state.lr],
    penalties = [problem.lam, problem.lamShared].map((x) => String(Number(x.toPrecision(17)))),
    given = `lam=${penalties[0]}, lam_shared=${penalties[1]}`;
  const lines = ["import random", "import torch", "import ragteach as rt", "", ...dataCode(state)];
  lines.push(...modelCode(state, run));
  if (schedule !== "joint" && (state.at < STEPS || optimiser === "proximal"))
    lines.push(...loopCode(run, state.at, optimiser, rate, penalties));
  else if (optimiser === "proximal")
    lines.push(
      `model = rt.train_many(model, data, ${given}, steps=${state.at}, lr=${rate}, optimizer="proximal").model(0)`,
    );
  else
    lines.push(
      `rt.fit(model, data, schedule="${schedule}", epochs=${state.at}, lr=${rate}, optimizer=torch.optim.${TORCH[optimiser]},`,
      `       ${given}, rounds=${ROUNDS}, progress=False, device="cpu")`,
    );
  lines.push("print(rt.evaluate(model, new))");
  return lines.join("\n");
}
