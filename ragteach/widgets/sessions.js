// What the playground computes: sentences from knobs or from a table, and one training run that can go on.
//
// Enters: the state of the page.  Leaves: `Data` (tasks, classes, words, documents) and `Run` (weights, history).

const TOY_TASKS = ["films", "cars", "food", "phones"],
  TEST_SEED = 1000,
  N_TEST = 250,
  STEPS = 400;
const LAMS = [0, ...Array.from({ length: 16 }, (_, i) => 10 ** (-5 + i / 3))],
  RATES = [0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 1, 2];
const SCHEDULES = ["joint", "two_phase", "alternating"],
  OPTIMISER_NAMES = ["adam", "sgd", "proximal"],
  ROUNDS = 10;

/** The same for texts that differ in signs and capitals only; of a text without words, the text. */
const sameText = (text) => tokens(text).join(" ") || text;

/** Training and test sentences of a state, as documents; the words are those of the training sentences. */
function makeData(lexicon, state) {
  let train,
    test,
    tasks = TOY_TASKS,
    classes = CLASSES;
  if (state.own) {
    const table = readTable(state.own),
      draw = pythonRandom(`split/${state.seed}`),
      side = new Map();
    ({ tasks, classes } = table);
    for (const { text } of table.rows) {
      // the same text never stands on both sides
      const key = sameText(text);
      if (!side.has(key)) side.set(key, draw() < 0.6);
    }
    train = table.rows.filter((r) => side.get(sameText(r.text)));
    test = table.rows.filter((r) => !side.get(sameText(r.text)));
    const few = tasks.filter((task) => ![train, test].every((part) => part.some((r) => r.task === task)));
    if (few.length)
      throw new Error(
        `Expected: in every task different texts, to train and to test\nGot: too few in ${few.join(", ")}\nWhat to do: add rows, or leave the task out`,
      );
  } else {
    const knobs = { tasks, relatedness: state.r, noise: state.noise };
    train = makeToy(lexicon, { ...knobs, nPerTask: state.n, seed: state.seed });
    const known = new Set(train.map((row) => row.text));
    test = makeToy(lexicon, { ...knobs, nPerTask: N_TEST, seed: state.seed + TEST_SEED, noise: 0 }).filter(
      (row) => !known.has(row.text),
    );
  }
  const texts = train.map((row) => row.text),
    words = fitWords(texts, pickAnalyser(texts));
  const stack = (rows) =>
    tasks.map((task) =>
      documents(
        rows.filter((row) => row.task === task).map((row) => ({ words: toWords(row.text, words), y: row.label })),
      ),
    );
  return {
    tasks,
    classes,
    words,
    train: stack(train),
    test: stack(test),
    sentences: test
      .slice(0, 1)
      .concat(test.filter((_, i) => i % 37 === 5))
      .slice(0, 12),
  };
}

/** Which parts move at a step: the phases of trainer.plan for STEPS epochs. */
function phaseAt(schedule, step) {
  if (schedule === "joint") return "joint";
  const turns = schedule === "two_phase" ? 2 : 2 * ROUNDS;
  return ["shared", "adapters"][Math.floor((step * turns) / STEPS) % 2];
}
const MOVES = {
  joint: { shared: true, adapters: true },
  shared: { shared: true, adapters: false },
  adapters: { shared: false, adapters: true },
};

/** One training run: where it stands, and what was measured on the way. */
class Run {
  constructor(data, state) {
    this.data = data;
    this.schedule = SCHEDULES[state.schedule];
    this.problem = makeProblem({
      tasks: data.train,
      nFeatures: data.words.words.length,
      nClasses: data.classes.length,
      graph: state.graph,
      lam: LAMS[state.lam],
      lamShared: LAMS[state.lamS],
    });
    this.weights = zeroWeights(this.problem);
    if (state.random) {
      const draw = pythonRandom(`start/${state.seed}`);
      for (const part of [this.weights.shared, ...this.weights.adapters])
        for (let i = 0; i < part.length; i++) part[i] = 2 * draw() - 1;
    }
    this.optimisers = {};
    this.make = () => OPTIMISERS[OPTIMISER_NAMES[state.optimiser]](RATES[state.lr]);
    this.step = 0;
    this.history = [];
    this.measure();
    this.begun = this.difference();
  }
  measure() {
    const { J, losses } = (this.now = gradient(this.problem, this.weights));
    this.history.push({ step: this.step, J, losses, accuracy: accuracy(this.problem, this.weights, this.data.test) });
    this.good = Number.isFinite(J);
  }
  /** W_s - sum_k A_k, the direction that plain gradient descent keeps: its numbers. */
  difference() {
    return this.weights.shared.map((x, i) => x - this.weights.adapters.reduce((sum, A) => sum + A[i], 0));
  }
  /** On to a step; a history is kept of every second, and of where it stops. */
  to(step) {
    if (step > this.step && this.history.at(-1).step % 2) this.history.pop(); // it stood there, and goes on
    while (this.step < Math.min(step, STEPS) && this.good) {
      const phase = phaseAt(this.schedule, this.step),
        problem = { ...this.problem, moves: { ...MOVES[phase], bias: true } };
      this.optimisers[phase] ??= this.make();
      this.optimisers[phase](problem, this.weights, gradient(problem, this.weights).grad);
      this.step += 1;
      if (this.step % 2 === 0 || this.step === Math.min(step, STEPS)) this.measure();
    }
  }
  /** cos of the angle between two tasks' pulls dCE_t/dW_t. */
  conflict() {
    const pulls = this.problem.tasks.map((docs, t) => {
      const alone = { ...this.problem, lam: 0, lamShared: 0 },
        W = taskWeights(alone, this.weights, t),
        z = logits(alone, docs, W, biasOf(alone, this.weights, t));
      return backProject(
        alone,
        docs,
        residual(alone, docs, crossEntropy(alone, docs, z).p, 1),
        new Float64Array(alone.size),
      );
    });
    const length = pulls.map((g) => Math.sqrt(squares(g)));
    return pulls.map((g, t) =>
      pulls.map((other, u) => (length[t] * length[u] ? dot(g, other) / length[t] / length[u] : NaN)),
    );
  }
  /** A sentence as a task reads it: what bias, W_s and every adapter add to each class, word by word. */
  reading(text, t) {
    const C = this.problem.nClasses,
      b = biasOf(this.problem, this.weights, t),
      rows = asRead(toWords(text, this.data.words), text, this.data.words);
    const parts = rows.map(([j, x]) => {
      const at = (part) => Array.from({ length: C }, (_, c) => x * part[j * C + c]);
      const own = this.weights.adapters.reduce(
        (sum, A, k) => sum.map((v, c) => v + this.problem.graph[t][k] * at(A)[c]),
        new Array(C).fill(0),
      );
      return { word: this.data.words.words[j], shared: at(this.weights.shared), own };
    });
    const z = Array.from(
      { length: C },
      (_, c) => b[c] + parts.reduce((sum, part) => sum + part.shared[c] + part.own[c], 0),
    );
    const p = Float64Array.from(z);
    softmax(p, C);
    return { bias: [...b], parts, z, p: [...p] };
  }
}
