// The course's model and its training, in the page: the same letters and the same order as losses.py and trainer.py.
//
// Enters: sparse documents, a graph, penalties.  Leaves: weights, and what they cost:
//
//     W_t = W_s + sum_k G[t][k] A_k        z_t(x) = W_t x + b_t
//     J = sum_t alpha_t CE_t + lamShared/2 |W_s|^2 + lam/2 sum_k |A_k|^2
//
// A matrix (n_classes x n_features) is one Float64Array of n_features * n_classes numbers: those of a word stand side by
// side, since a sentence has few words and needs all classes of each.
//
// Documents of a task: { start, word, count, y, weight }: document i has the words word[start[i] .. start[i + 1] - 1] with
// these counts, the class y[i], and weight[i], which sum to 1 in the task.

/** Documents of one task from [{ words: [[j, count], ...], y }]; a document without words is one all the same. */
function documents(list) {
  const start = new Int32Array(list.length + 1),
    y = new Int32Array(list.length);
  list.forEach((doc, i) => {
    start[i + 1] = start[i] + doc.words.length;
    y[i] = doc.y;
  });
  const word = new Int32Array(start[list.length]),
    count = new Float64Array(start[list.length]);
  list.forEach((doc, i) =>
    doc.words.forEach(([j, value], n) => {
      word[start[i] + n] = j;
      count[start[i] + n] = value;
    }),
  );
  return { start, word, count, y, weight: new Float64Array(list.length).fill(1 / Math.max(1, list.length)) };
}

/** A part's documents, task by task, from the block of numbers (graphs.py, sentences). */
function readTasks(read, name) {
  const [sizes, y, words, word, count] = ["sizes", "y", "words", "word", "count"].map(
    (key) => read(`${name}_${key}`).all,
  );
  let doc = 0,
    at = 0;
  return Array.from(sizes, (n) =>
    documents(
      Array.from({ length: n }, () => {
        const mine = Array.from({ length: Math.round(words[doc]) }, (_, i) => [
          Math.round(word[at + i]),
          count[at + i],
        ]);
        at += mine.length;
        return { words: mine, y: Math.round(y[doc++]) };
      }),
    ),
  );
}

/** What is to be minimised: tasks' documents, a graph (n_tasks x n_adapters), penalties, and which parts move. */
function makeProblem({
  tasks,
  nFeatures,
  nClasses,
  graph,
  lam = 0,
  lamShared = 0,
  alpha = null,
  bias = "task",
  moves = {},
}) {
  const nAdapters = graph[0].length;
  return {
    tasks,
    nFeatures,
    nClasses,
    graph,
    lam,
    lamShared,
    bias,
    nAdapters,
    nTasks: tasks.length,
    alpha: alpha ?? tasks.map(() => 1),
    size: nFeatures * nClasses,
    moves: { shared: true, adapters: true, bias: bias !== false, ...moves },
  };
}

/** Weights of a problem, all zero: { shared, adapters: [A_1, ...], bias: [b_1, ...] }. With bias "shared" there is one b. */
function zeroWeights(problem) {
  const rows = { task: problem.nTasks, shared: 1 }[problem.bias] ?? 0;
  return {
    shared: new Float64Array(problem.size),
    adapters: Array.from({ length: problem.nAdapters }, () => new Float64Array(problem.size)),
    bias: Array.from({ length: rows }, () => new Float64Array(problem.nClasses)),
  };
}

const biasOf = (problem, weights, t) => (problem.bias === "shared" ? weights.bias[0] : weights.bias[t]);

/** W_t = W_s + sum_k G[t][k] A_k */
function taskWeights(problem, weights, t) {
  const W = weights.shared.slice();
  weights.adapters.forEach((A, k) => {
    const g = problem.graph[t][k];
    if (g) for (let i = 0; i < W.length; i++) W[i] += g * A[i];
  });
  return W;
}

/** z = W x + b of every document of a task: n_docs * n_classes numbers. */
function logits(problem, docs, W, b) {
  const C = problem.nClasses,
    n = docs.y.length,
    z = new Float64Array(n * C);
  for (let i = 0; i < n; i++) {
    const at = i * C;
    if (b) for (let c = 0; c < C; c++) z[at + c] = b[c];
    for (let p = docs.start[i]; p < docs.start[i + 1]; p++) {
      const from = docs.word[p] * C,
        x = docs.count[p];
      for (let c = 0; c < C; c++) z[at + c] += x * W[from + c];
    }
  }
  return z;
}

/** softmax of every document, in place of its logits; and log sum exp of each. */
function softmax(z, C) {
  const n = z.length / C,
    logSum = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const at = i * C;
    let top = -Infinity,
      sum = 0;
    for (let c = 0; c < C; c++) if (z[at + c] > top) top = z[at + c];
    for (let c = 0; c < C; c++) sum += z[at + c] = Math.exp(z[at + c] - top);
    for (let c = 0; c < C; c++) z[at + c] /= sum;
    logSum[i] = top + Math.log(sum);
  }
  return logSum;
}

/** CE = sum_i weight_i (log sum exp z_i - z_i[y_i]), and p = softmax(z). */
function crossEntropy(problem, docs, z) {
  const C = problem.nClasses;
  let loss = 0;
  for (let i = 0; i < docs.y.length; i++) loss -= docs.weight[i] * z[i * C + docs.y[i]];
  const logSum = softmax(z, C);
  for (let i = 0; i < docs.y.length; i++) loss += docs.weight[i] * logSum[i];
  return { loss, p: z };
}

/** dCE/dz = weight (p - onehot), in place of p. */
function residual(problem, docs, p, alpha) {
  const C = problem.nClasses;
  for (let i = 0; i < docs.y.length; i++) {
    p[i * C + docs.y[i]] -= 1;
    for (let c = 0; c < C; c++) p[i * C + c] *= alpha * docs.weight[i];
  }
  return p;
}

/** dCE/dW = E' x: the residuals of a task's documents, back to its words. Added to `into`. */
function backProject(problem, docs, E, into) {
  const C = problem.nClasses;
  for (let i = 0; i < docs.y.length; i++) {
    for (let p = docs.start[i]; p < docs.start[i + 1]; p++) {
      const to = docs.word[p] * C,
        x = docs.count[p];
      for (let c = 0; c < C; c++) into[to + c] += x * E[i * C + c];
    }
  }
  return into;
}

/** A task's dCE/dW_t and dCE/db_t, brought to the parts: W_s gets it as it is, A_k times G[t][k]. */
function collect(problem, t, byTask, E, into) {
  const C = problem.nClasses,
    { shared, adapters } = into;
  if (problem.moves.shared) for (let i = 0; i < byTask.length; i++) shared[i] += byTask[i];
  if (problem.moves.adapters)
    adapters.forEach((A, k) => {
      const g = problem.graph[t][k];
      if (g) for (let i = 0; i < byTask.length; i++) A[i] += g * byTask[i];
    });
  if (!problem.moves.bias) return;
  const b = biasOf(problem, into, t);
  for (let i = 0; i < E.length; i += C) for (let c = 0; c < C; c++) b[c] += E[i + c];
}

function squares(a) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * a[i];
  return sum;
}

/** lamShared/2 |W_s|^2 + lam/2 sum_k |A_k|^2 */
function penalty(problem, weights) {
  const adapters = weights.adapters.reduce((sum, A) => sum + squares(A), 0);
  return (problem.lamShared / 2) * squares(weights.shared) + (problem.lam / 2) * adapters;
}

/** J, the tasks' CE_t, and dCE of every part. The penalties' gradients are not in it: an optimiser adds or shrinks. */
function gradient(problem, weights) {
  const grad = zeroWeights(problem),
    losses = [];
  for (let t = 0; t < problem.nTasks; t++) {
    const docs = problem.tasks[t],
      W = taskWeights(problem, weights, t);
    const { loss, p } = crossEntropy(problem, docs, logits(problem, docs, W, biasOf(problem, weights, t)));
    const E = residual(problem, docs, p, problem.alpha[t]);
    losses.push(loss);
    collect(problem, t, backProject(problem, docs, E, new Float64Array(problem.size)), E, grad);
  }
  const J = losses.reduce((sum, loss, t) => sum + problem.alpha[t] * loss, 0) + penalty(problem, weights);
  return { J, losses, grad };
}

/** Share of a task's documents whose most likely class is theirs; of equals the first. */
function accuracy(problem, weights, tasks = problem.tasks) {
  return tasks.map((docs, t) => {
    const C = problem.nClasses,
      z = logits(problem, docs, taskWeights(problem, weights, t), biasOf(problem, weights, t));
    let right = 0;
    for (let i = 0; i < docs.y.length; i++) {
      let best = 0;
      for (let c = 1; c < C; c++) if (z[i * C + c] > z[i * C + best]) best = c;
      right += best === docs.y[i];
    }
    return docs.y.length ? right / docs.y.length : NaN;
  });
}

/** Every part with its gradient and its penalty: [[weights, gradient, lam], ...] of what moves. */
function parts(problem, weights, grad) {
  const { shared, adapters, bias } = problem.moves;
  return [
    ...(shared ? [[weights.shared, grad.shared, problem.lamShared]] : []),
    ...(adapters ? weights.adapters.map((A, k) => [A, grad.adapters[k], problem.lam]) : []),
    ...(bias ? weights.bias.map((b, t) => [b, grad.bias[t], 0]) : []),
  ];
}

/** Optimisers: make(lr) gives step(problem, weights, grad), which changes the weights in place. */
const OPTIMISERS = {
  /** w <- w - lr (dCE/dw + lam w) */
  sgd: (lr) => (problem, weights, grad) => {
    for (const [w, g, lam] of parts(problem, weights, grad))
      for (let i = 0; i < w.length; i++) w[i] -= lr * (g[i] + lam * w[i]);
  },
  /** w <- (w - lr dCE/dw) / (1 + lr lam): stays finite for any lam. */
  proximal: (lr) => (problem, weights, grad) => {
    for (const [w, g, lam] of parts(problem, weights, grad))
      for (let i = 0; i < w.length; i++) w[i] = (w[i] - lr * g[i]) / (1 + lr * lam);
  },
  /** Adam (Kingma & Ba 2015) with torch's defaults. */
  adam: (lr, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8) => {
    let moments = null,
      n = 0;
    return (problem, weights, grad) => {
      const all = parts(problem, weights, grad);
      moments ??= all.map(([w]) => [new Float64Array(w.length), new Float64Array(w.length)]);
      n += 1;
      const one = 1 - beta1 ** n,
        two = Math.sqrt(1 - beta2 ** n);
      all.forEach(([w, g, lam], part) => {
        const [m, v] = moments[part];
        for (let i = 0; i < w.length; i++) {
          const d = g[i] + lam * w[i];
          m[i] = beta1 * m[i] + (1 - beta1) * d;
          v[i] = beta2 * v[i] + (1 - beta2) * d * d;
          w[i] -= ((lr / one) * m[i]) / (Math.sqrt(v[i]) / two + epsilon);
        }
      });
    };
  },
};

/** Train in place, full batch. `each(n, result)` hears J and the losses before step n, and after the last. */
// biome-ignore lint/correctness/noUnusedVariables: for the tests and for explorers to come
function train(problem, weights, { steps, lr, optimiser = "adam", each = null }) {
  const step = OPTIMISERS[optimiser](lr);
  for (let n = 0; n < steps; n++) {
    const result = gradient(problem, weights);
    each?.(n, result);
    step(problem, weights, result.grad);
  }
  each?.(steps, gradient(problem, weights));
  return weights;
}
