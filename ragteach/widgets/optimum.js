// The exact optimum of J in the page, by Newton's method with conjugate gradients: the same as engine/, in one space.
//
// Enters: a problem of learning.js.  Leaves: the weights at which the gradient of J is zero.
//
// A vector v holds all that moves, in units in which the penalties are 1/2 |v|^2: W_s = v / sqrt(lamShared), and so on.
// Near v, J is a parabola with the Hessian H; its lowest point is at v + d:
//
//     H d = -grad     by conjugate gradients, which need products H u only: one more pass over the documents
//     v + a d         the step a by secants on the slope; a direction carries its logits along, so a try costs a softmax
//
// Source: Dembo, Eisenstat & Steihaug (1982), Inexact Newton methods.

const BIAS_WORD = 0.5; // as if b were the weights of a word that occurs so often

/** Where each part stands in a vector, its unit, and whether it costs anything. */
function units(problem) {
  const { lam, lamShared, nAdapters, size, moves } = problem;
  const unit = (own, other) => 1 / Math.sqrt(own > 0 ? own : other > 0 ? other : 1);
  const out = [];
  if (moves.shared) out.push({ part: "shared", length: size, unit: unit(lamShared, lam), costs: lamShared > 0 });
  if (moves.adapters)
    for (let k = 0; k < nAdapters; k++)
      out.push({ part: "adapters", k, length: size, unit: unit(lam, lamShared), costs: lam > 0 });
  const smallest = Math.min(
    moves.shared && lamShared > 0 ? lamShared : Infinity,
    moves.adapters && nAdapters && lam > 0 ? lam : Infinity,
  );
  const forBias = BIAS_WORD / Math.sqrt(Number.isFinite(smallest) ? smallest : 1);
  const rows = moves.bias ? zeroWeights(problem).bias.length : 0;
  for (let t = 0; t < rows; t++)
    out.push({ part: "bias", k: t, length: problem.nClasses, unit: forBias, costs: false });
  let offset = 0;
  for (const each of out) {
    each.offset = offset;
    offset += each.length;
  }
  out.total = offset;
  return out;
}

const arrayOf = (weights, { part, k }) => (part === "shared" ? weights.shared : weights[part][k]);

function toWeights(problem, layout, v) {
  const weights = zeroWeights(problem);
  for (const piece of layout) {
    const array = arrayOf(weights, piece);
    for (let i = 0; i < piece.length; i++) array[i] = v[piece.offset + i] * piece.unit;
  }
  return weights;
}

/** A gradient in the weights, as one in the vector's units; v's own penalty added where a part costs something. */
function toVector(layout, grad, v) {
  const out = new Float64Array(layout.total);
  for (const piece of layout) {
    const array = arrayOf(grad, piece);
    for (let i = 0; i < piece.length; i++)
      out[piece.offset + i] = array[i] * piece.unit + (piece.costs ? v[piece.offset + i] : 0);
  }
  return out;
}

/** y + a x, in place of y. */
function addTo(y, a, x) {
  for (let i = 0; i < y.length; i++) y[i] += a * x[i];
  return y;
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** <a, b> in the penalties of J: of the parts that cost something. */
const costly = (layout, a, b) =>
  layout.reduce(
    (sum, { costs, offset, length }) =>
      sum + (costs ? dot(a.subarray(offset, offset + length), b.subarray(offset, offset + length)) : 0),
    0,
  );

/** The logits of every task, those of frozen parts (`fixed`) left out. */
const allLogits = (problem, weights) =>
  problem.tasks.map((docs, t) => logits(problem, docs, taskWeights(problem, weights, t), biasOf(problem, weights, t)));

/** From dJ/dz of every task back to a gradient in the weights. */
function fromResiduals(problem, residuals) {
  const grad = zeroWeights(problem);
  residuals.forEach((E, t) =>
    collect(problem, t, backProject(problem, problem.tasks[t], E, new Float64Array(problem.size)), E, grad),
  );
  return grad;
}

/** How a residual changes with the logits: weight p (dz - p . dz). */
function residualChange(problem, docs, p, dz, alpha) {
  const C = problem.nClasses,
    out = new Float64Array(dz.length);
  for (let i = 0; i < docs.y.length; i++) {
    let mean = 0;
    for (let c = 0; c < C; c++) mean += p[i * C + c] * dz[i * C + c];
    for (let c = 0; c < C; c++) out[i * C + c] = alpha * docs.weight[i] * p[i * C + c] * (dz[i * C + c] - mean);
  }
  return out;
}

/** The norm of dJ/d(weights), from a gradient in the vector's units. */
function normInWeights(layout, grad) {
  let sum = 0;
  for (const { offset, length, unit } of layout)
    for (let i = offset; i < offset + length; i++) sum += (grad[i] / unit) ** 2;
  return Math.sqrt(sum);
}

/**
 * The weights that minimise J: { weights, J, norm, steps, converged }.
 * start: weights to begin from; what is frozen keeps theirs.
 */
function solve(problem, { start = null, tol = 1e-6, maxSteps = 2000 } = {}) {
  const layout = units(problem),
    C = problem.nClasses;
  const frozen = start
    ? {
        ...problem,
        moves: { shared: !problem.moves.shared, adapters: !problem.moves.adapters, bias: !problem.moves.bias },
      }
    : null;
  const fixed = allLogits(
    problem,
    frozen ? toWeights(problem, units(frozen), fromWeights(units(frozen), start)) : zeroWeights(problem),
  );
  const v = start ? fromWeights(layout, start) : new Float64Array(layout.total);
  const z = allLogits(problem, toWeights(problem, layout, v));
  const probabilities = (zs) =>
    zs.map((a, t) => {
      const p = fixed[t].slice(); // what is frozen adds its part to the logits
      for (let i = 0; i < p.length; i++) p[i] += a[i];
      softmax(p, C);
      return p;
    });
  const residuals = (zs) => probabilities(zs).map((p, t) => residual(problem, problem.tasks[t], p, problem.alpha[t]));
  const gradientAt = (u, E) => toVector(layout, fromResiduals(problem, E), u);
  const product = (u, p) => {
    // H u, and the logits that u makes
    const dz = allLogits(problem, toWeights(problem, layout, u));
    const E = dz.map((d, t) => residualChange(problem, problem.tasks[t], p[t], d, problem.alpha[t]));
    return { Hu: gradientAt(u, E), dz };
  };
  let grad = gradientAt(v, residuals(z)),
    norm = normInWeights(layout, grad),
    steps = 0;
  const first = norm;
  while (norm >= tol && steps < maxSteps) {
    const p = probabilities(z),
      accuracy = Math.max(Math.min(0.25, Math.sqrt(norm / first)), (0.5 * tol) / norm);
    const d = new Float64Array(layout.total),
      dz = z.map((a) => new Float64Array(a.length)),
      r = grad.map((x) => -x);
    let way = Float64Array.from(r),
      left = dot(r, r);
    const goal = accuracy * accuracy * left;
    while (left > goal && steps < maxSteps) {
      const { Hu, dz: wayZ } = product(way, p),
        bend = dot(way, Hu);
      steps += 1;
      if (!(bend > 0)) break;
      const a = left / bend;
      for (let i = 0; i < d.length; i++) {
        d[i] += a * way[i];
        r[i] -= a * Hu[i];
      }
      dz.forEach((each, t) => addTo(each, a, wayZ[t]));
      const before = left;
      left = dot(r, r);
      const b = left / before;
      for (let i = 0; i < way.length; i++) way[i] = r[i] + b * way[i];
    }
    const a = lineSearch({
      z,
      dz,
      residuals,
      linear: costly(layout, v, d),
      square: costly(layout, d, d),
      slope0: dot(grad, d),
    });
    if (!(a > 0)) break; // lost in rounding
    for (let i = 0; i < v.length; i++) v[i] += a * d[i];
    z.forEach((each, t) => addTo(each, a, dz[t]));
    grad = gradientAt(v, residuals(z));
    norm = normInWeights(layout, grad);
  }
  const weights = toWeights(problem, layout, v);
  if (start) restore(problem, weights, start);
  return { weights, J: gradient(problem, weights).J, norm, steps, converged: norm < tol };
}

function fromWeights(layout, weights) {
  const v = new Float64Array(layout.total);
  for (const piece of layout) {
    const array = arrayOf(weights, piece);
    for (let i = 0; i < piece.length; i++) v[piece.offset + i] = array[i] / piece.unit;
  }
  return v;
}

/** What does not move keeps the numbers it had. */
function restore(problem, weights, start) {
  if (!problem.moves.shared) weights.shared.set(start.shared);
  if (!problem.moves.adapters) weights.adapters.forEach((A, k) => A.set(start.adapters[k]));
  if (!problem.moves.bias) weights.bias.forEach((b, t) => b.set(start.bias[t]));
}

/** The step at which J is nearly least along the direction: secants on the slope, kept inside a bracket. 0: there is none. */
function lineSearch({ z, dz, residuals, linear, square, slope0 }, tol = 0.1, tries = 40) {
  let low = 0,
    high = Infinity,
    before = 0,
    slopeBefore = slope0,
    a = 1;
  for (let n = 0; n < tries; n++) {
    const E = residuals(z.map((each, t) => addTo(each.slice(), a, dz[t])));
    const slope = E.reduce((sum, each, t) => sum + dot(each, dz[t]), 0) + linear + a * square;
    if (Math.abs(slope) <= tol * Math.abs(slope0)) return a;
    if (slope < 0) low = a;
    else high = a;
    const secant = a - (slope * (a - before)) / (slope - slopeBefore);
    const middle = high === Infinity ? 4 * low : low > 0 ? (low + high) / 2 : high / 10;
    const inside = secant > low && secant < (high === Infinity ? 4 * low : 0.9 * high);
    before = a;
    slopeBefore = slope;
    a = inside ? secant : middle;
  }
  return 0;
}

/** The optimum for every lambda, each begun where the one before ended; from the largest down. */
// biome-ignore lint/correctness/noUnusedVariables: for the tests and for explorers to come
function solvePath(problem, lams, options = {}) {
  const out = new Array(lams.length),
    order = lams.map((_, i) => i).sort((a, b) => lams[b] - lams[a]);
  let start = options.start ?? null;
  for (const i of order) {
    out[i] = solve({ ...problem, lam: lams[i] }, { ...options, start });
    if (out[i].converged) start = out[i].weights;
  }
  return out;
}
