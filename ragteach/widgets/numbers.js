// What the sharing slider draws, number by number: of the data that Python sent, or of other toy sentences.
//
// Both have the same form: { accuracy(l, t), validation[l], shared(l, c, j), adapters(l, t, c, j), bias(l, t, c), words, column,
// idf, mean[l], best, solved, whole, sentence(i) }.  l is a place on the scale of lambdas; what is not solved yet is NaN.

/** Of the data that Python sent. */
function givenNumbers({ spec, read }) {
  const lams = read("lam").all,
    accuracy = read("accuracy"),
    column = new Map(spec.words.map((w, j) => [w, j]));
  return {
    accuracy,
    validation: read("validation").all,
    shared: read("shared"),
    adapters: read("adapters"),
    bias: read("bias"),
    idf: read("idf").all,
    words: spec.words,
    column,
    mean: Float32Array.from(lams, (_, l) => accuracy.row(l).reduce((a, b) => a + b, 0) / spec.tasks.length),
    best: spec.best,
    solved: () => true,
    whole: true,
    sentence: (i) => ({ x: spec.features[i] ?? [], unknown: spec.unknown[i] ?? [] }),
  };
}

/** Of other toy sentences: the worker's messages fill it. */
class ToyNumbers {
  constructor({ spec, read }) {
    Object.assign(this, {
      spec,
      lams: read("lam").all,
      at: [],
      words: [],
      idf: [],
      column: new Map(),
      n: 0,
      best: null,
    });
    this.mean = new Float32Array(this.lams.length).fill(NaN);
    this.validation = new Float32Array(this.lams.length).fill(NaN);
  }
  get whole() {
    return this.n === this.lams.length;
  }
  solved(l) {
    return Boolean(this.at[l]);
  }
  hear({ words, idf, l, ...found }) {
    if (words) {
      Object.assign(this, { words, idf, column: new Map(words.map((w, j) => [w, j])) });
      return;
    }
    this.at[l] = found;
    this.n += 1;
    this.validation[l] = found.validation;
    this.mean[l] = found.accuracy.reduce((a, b) => a + b, 0) / found.accuracy.length;
    if (this.whole) this.best = this.chosen();
  }
  /** The middle of the best lambdas, as in Python: ties are common when accuracy is a count. */
  chosen() {
    const top = Math.max(...this.validation) - 1e-6,
      best = [...this.validation.keys()].filter((l) => this.validation[l] >= top);
    return best[best.length >> 1];
  }
  accuracy(l, t) {
    return this.at[l]?.accuracy[t] ?? NaN;
  }
  shared(l, c, j) {
    return this.at[l].shared[j * this.spec.classes.length + c];
  }
  adapters(l, t, c, j) {
    return this.at[l].adapters[t][j * this.spec.classes.length + c];
  }
  bias(l, t, c) {
    return this.at[l].bias[t][c];
  }
  sentence(i) {
    const text = this.spec.sentences[i];
    return {
      x: toWords(text, { place: this.column, idf: this.idf }),
      unknown: [...new Set(tokens(text).filter((word) => !this.column.has(word)))],
    };
  }
}

/** Numbers for a state's knobs; other ones than Python's are asked of a worker. One for all views of an explorer. */
class Sentences {
  constructor({ spec, store, read }) {
    Object.assign(this, { spec, store, read, given: givenNumbers({ spec, read }), kept: new Map(), worker: null });
    this.first = Sentences.key(spec.start);
  }
  static key({ relatedness, n_per_task, seed }) {
    return JSON.stringify([relatedness, n_per_task, seed]);
  }
  of(state) {
    const key = Sentences.key(state);
    if (!this.spec.knobs || key === this.first) return this.given;
    if (!this.kept.has(key)) this.ask(key, state);
    const numbers = this.kept.get(key);
    if (numbers.problem) throw new Error(`${numbers.problem}. Press Reset.`);
    return numbers;
  }
  ask(key, { relatedness, n_per_task, seed, at }) {
    for (const [other, numbers] of this.kept) if (!numbers.whole) this.kept.delete(other); // the worker leaves it
    if (this.kept.size > 5) this.kept.delete(this.kept.keys().next().value);
    this.kept.set(key, new ToyNumbers(this));
    this.worker ??= this.start();
    const { tasks, lam_shared: lamShared, knobs } = this.spec,
      lams = Array.from(this.read("lam").all),
      job = { id: key, tasks, relatedness, n_per_task, seed, lams, lamShared, at };
    this.worker.postMessage({ ...job, lexicon: knobs.lexicon, tol: knobs.tol });
  }
  start() {
    const url = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: "text/javascript" })),
      worker = new Worker(url);
    worker.onmessage = ({ data }) => this.hear(data);
    worker.onerror = ({ message }) => {
      for (const id of this.kept.keys()) this.hear({ id, problem: message || "This page lets no worker run" });
    };
    return worker;
  }
  hear({ id, problem, ...message }) {
    const numbers = this.kept.get(id);
    if (!numbers || numbers.whole) return; // of a job that was left
    if (problem) numbers.problem = problem;
    else numbers.hear(message);
    this.store.refresh();
    if (problem || numbers.whole) this.store.later(); // now there is something to say and to judge
  }
  end() {
    this.worker?.terminate();
    this.worker = null;
    for (const [key, numbers] of this.kept) if (!numbers.whole) this.kept.delete(key);
  }
}
