// In a worker beside the sharing slider's page: other toy sentences, made, solved at every lambda, and tested.
//
// Enters: a job { id, lexicon, tasks, relatedness, n_per_task, seed, lams, lamShared, tol, at }.  Leaves: messages with its
// id: the words and their idf; then lambda after lambda { l, shared, adapters, bias, accuracy, validation }.
// The place `at`, where the learner is, comes first; then both ends, which say how long the axes are; then the rest.

const N_FRESH = 400; // sentences per task to choose lambda by, and to test; of which those that were trained on go

/** Training, validation and test rows: the same as toy_parts in Python. */
function toyParts({ lexicon, tasks, relatedness, n_per_task, seed }) {
  const make = (nPerTask, shift) => makeToy(lexicon, { tasks, relatedness, nPerTask, seed: seed + 1000 * shift });
  const parts = [make(n_per_task, 0)],
    seen = new Set(),
    name = ({ task, text }) => `${task}\n${text}`;
  for (const shift of [1, 2]) {
    for (const row of parts.at(-1)) seen.add(name(row));
    parts.push(make(N_FRESH, shift).filter((row) => !seen.has(name(row))));
  }
  return parts;
}

/** The messages of a job, one after the other. */
function* solveToys(job) {
  const { tasks, lams, tol, at } = job,
    rows = toyParts(job),
    words = fitWords(rows[0].map(({ text }) => text));
  yield { words: words.words, idf: words.idf };
  const [train, val, test] = rows.map((part) =>
    tasks.map((task) =>
      documents(
        part.filter((row) => row.task === task).map(({ text, label }) => ({ words: toWords(text, words), y: label })),
      ),
    ),
  );
  const graph = tasks.map((_, t) => tasks.map((_, k) => Number(t === k)));
  const problem = makeProblem({
    tasks: train,
    nFeatures: words.words.length,
    nClasses: CLASSES.length,
    graph,
    lamShared: job.lamShared,
  });
  const solved = [],
    order = [...new Set([at, 0, lams.length - 1, ...lams.keys()])];
  for (const l of order) {
    const near = solved[l - 1] ?? solved[at] ?? null; // where the neighbour ended, it is not far
    const { weights, converged } = solve({ ...problem, lam: lams[l] }, { start: near, tol });
    if (!converged) throw new Error(`no optimum was reached at λ = ${lams[l]}`);
    solved[l] = weights;
    yield {
      l,
      shared: Float32Array.from(weights.shared),
      adapters: weights.adapters.map((A) => Float32Array.from(A)),
      bias: weights.bias,
      accuracy: accuracy(problem, weights, test),
      validation: accuracy(problem, weights, val).reduce((a, b) => a + b, 0) / tasks.length,
    };
  }
}

/** Work on the newest job only: between two messages it is asked whether another has come. */
let newest = null;
function goOn(job, messages) {
  if (job !== newest) return;
  try {
    const { value, done } = messages.next();
    if (done) return;
    postMessage({ id: job.id, ...value });
    setTimeout(goOn, 0, job, messages);
  } catch (error) {
    postMessage({ id: job.id, problem: error.message });
  }
}
// biome-ignore lint/correctness/noUnusedVariables: the worker's last line calls it
function workOn(job) {
  newest = job;
  goOn(job, solveToys(job));
}
