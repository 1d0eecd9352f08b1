// The toy generator, in the page: the very sentences that make_toy writes, for any seed and any knob.
//
// Enters: the word lists, relatedness, sentences per task, noise, imbalance, a seed.  Leaves: [{ text, label, task }, ...].
// Python promises that random.Random("a text").random() stays the same for ever; so it can be written again here: the text
// and its SHA-512 are the key of a Mersenne twister (Matsumoto & Nishimura 1998), two of whose numbers make one of 53 bits.

const CLASSES = ["negative", "neutral", "positive"];

/** Fractional parts of square (n = 2) or cube roots (n = 3) of the first primes, in 64 bits: SHA-2's constants. */
function rootBits(n, many) {
  const out = [];
  for (let p = 2; out.length < many; p++) {
    let prime = true;
    for (let q = 2; q * q <= p; q++) if (p % q === 0) prime = false;
    if (!prime) continue;
    const goal = BigInt(p) << BigInt(64 * n); // floor(root(p) 2^64), by bisection
    let low = 0n,
      high = BigInt(p) << 64n;
    while (high - low > 1n) {
      const middle = (low + high) >> 1n;
      if (middle ** BigInt(n) <= goal) low = middle;
      else high = middle;
    }
    out.push(low & MASK64);
  }
  return out;
}
const MASK64 = (1n << 64n) - 1n,
  SHA_START = rootBits(2, 8),
  SHA_ROUND = rootBits(3, 80);

/** SHA-512 of bytes. */
function sha512(bytes) {
  const blocks = Math.ceil((bytes.length + 17) / 128),
    padded = new Uint8Array(blocks * 128),
    view = new DataView(padded.buffer);
  padded.set(bytes);
  padded[bytes.length] = 128;
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  const turn = (x, n) => (x >> BigInt(n)) | ((x << BigInt(64 - n)) & MASK64),
    hash = [...SHA_START],
    w = new Array(80);
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < 16; i++) w[i] = view.getBigUint64(block * 128 + 8 * i);
    for (let i = 16; i < 80; i++) {
      const s0 = turn(w[i - 15], 1) ^ turn(w[i - 15], 8) ^ (w[i - 15] >> 7n),
        s1 = turn(w[i - 2], 19) ^ turn(w[i - 2], 61) ^ (w[i - 2] >> 6n);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) & MASK64;
    }
    let [a, b, c, d, e, f, g, h] = hash;
    for (let i = 0; i < 80; i++) {
      const s1 = turn(e, 14) ^ turn(e, 18) ^ turn(e, 41),
        choose = (e & f) ^ (~e & MASK64 & g),
        one = (h + s1 + choose + SHA_ROUND[i] + w[i]) & MASK64;
      const s0 = turn(a, 28) ^ turn(a, 34) ^ turn(a, 39),
        most = (a & b) ^ (a & c) ^ (b & c);
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) & MASK64, c, b, a, (one + s0 + most) & MASK64];
    }
    [a, b, c, d, e, f, g, h].forEach((x, i) => (hash[i] = (hash[i] + x) & MASK64));
  }
  const out = new DataView(new ArrayBuffer(64));
  hash.forEach((x, i) => out.setBigUint64(8 * i, x));
  return new Uint8Array(out.buffer);
}

/** random() of Python's random.Random(text). */
function pythonRandom(text) {
  const bytes = new TextEncoder().encode(text),
    digest = sha512(bytes),
    key = [];
  const whole = new Uint8Array(bytes.length + 64); // one big number, its last byte the lowest
  whole.set(bytes);
  whole.set(digest, bytes.length);
  for (let end = whole.length; end > 0; end -= 4) {
    let word = 0;
    for (let i = Math.max(0, end - 4); i < end; i++) word = word * 256 + whole[i];
    key.push(word >>> 0);
  }
  while (key.length > 1 && key[key.length - 1] === 0) key.pop();
  const N = 624,
    state = new Uint32Array(N);
  state[0] = 19650218;
  const mix = (x, by) => Math.imul(x ^ (x >>> 30), by);
  for (let i = 1; i < N; i++) state[i] = mix(state[i - 1], 1812433253) + i;
  let i = 1,
    j = 0;
  const wrap = () => {
    i += 1;
    if (i >= N) {
      state[0] = state[N - 1];
      i = 1;
    }
  };
  for (let k = Math.max(N, key.length); k > 0; k--) {
    state[i] = (state[i] ^ mix(state[i - 1], 1664525)) + key[j] + j;
    wrap();
    j = (j + 1) % key.length;
  }
  for (let k = N - 1; k > 0; k--) {
    state[i] = (state[i] ^ mix(state[i - 1], 1566083941)) - i;
    wrap();
  }
  state[0] = 0x80000000;
  let at = N;
  const next = () => {
    if (at === N) {
      for (let k = 0; k < N; k++) {
        const y = (state[k] & 0x80000000) | (state[(k + 1) % N] & 0x7fffffff);
        state[k] = state[(k + 397) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    }
    let y = state[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
  return () => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
}

// ---- the sentences, step by step as in data/toy.py --------------------------------------------------------------------

/** An item by its place floor(u n); if it was used in this sentence, the next one that was not. */
function pick(items, draw, used = new Set()) {
  let place = Math.floor(draw() * items.length);
  while (used.has(items[place % items.length])) place += 1;
  return items[place % items.length];
}

function toySentence(words, task, label, relatedness, draw) {
  const twoClauses = draw() < 0.5,
    opener = pick(words.openers, draw),
    joiner = pick(words.joiners, draw);
  const clauses = [],
    used = new Set();
  for (let n = 0; n < 2; n++) {
    const clause = pick(words.clauses, draw),
      noun = pick(words.nouns[task], draw, used);
    const word = opinion(words.shared[CLASSES[label]], wordsOf(words, task, CLASSES[label]), relatedness, draw, used);
    used.add(noun).add(word);
    clauses.push(clause.replaceAll("{noun}", noun).replaceAll("{word}", word));
  }
  const text = `${opener}${twoClauses ? clauses.join(joiner) : clauses[0]}.`;
  return text[0].toUpperCase() + text.slice(1);
}

/** Word number floor(16 u): a shared one if u < r, else the domain's; if used, the next one. */
function opinion(shared, own, relatedness, draw, used) {
  for (let u = draw(); ; u = (u + 1 / own.length) % 1) {
    const word = (u < relatedness ? shared : own)[Math.floor(u * own.length)];
    if (!used.has(word)) return word;
  }
}

const wordsOf = (words, task, label) =>
  Object.entries(words.domain_dependent)
    .filter(([, says]) => says[task] === label)
    .map(([word]) => word);

/** Sorted by a draw of each, then by the item. */
function shuffled(items, draw) {
  return items
    .map((item) => [draw(), item])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1])
    .map(([, item]) => item);
}

/** Labels with counts as near to the wanted proportions as can be; ties go round from task to task. */
function classLabels(n, imbalance, turn) {
  const raw = [(1 - imbalance) ** 2, 1 - imbalance, 1],
    sum = raw[0] + raw[1] + raw[2],
    wanted = raw.map((x) => (x / sum) * n);
  const counts = wanted.map((x) => Math.floor(x + 1e-9)),
    rest = (c) => Math.round((wanted[c] - counts[c]) * 1e9) / 1e9,
    place = (c) => (c - turn + 300) % 3;
  const order = [0, 1, 2].sort((a, b) => rest(b) - rest(a) || place(a) - place(b));
  for (const c of order.slice(0, n - counts[0] - counts[1] - counts[2])) counts[c] += 1;
  return counts.flatMap((count, c) => new Array(count).fill(c));
}

function withNoise(labels, noise, draw) {
  const chosen = shuffled(
      labels.map((_, i) => i),
      draw,
    ).slice(0, roundHalfEven(noise * labels.length)),
    out = [...labels];
  for (const i of chosen) out[i] = (out[i] + 1 + Math.floor(draw() * 2)) % 3;
  return out;
}

/** Python's round. */
function roundHalfEven(x) {
  const low = Math.floor(x),
    rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2) ? low + 1 : low;
}

/** make_toy: the same rows in the same order. */
function makeToy(words, { tasks, relatedness = 0.5, nPerTask = 60, noise = 0, imbalance = 0, seed = 0 }) {
  return tasks.flatMap((task, turn) => {
    const draw = pythonRandom(`${seed}/${task}`),
      labels = shuffled(classLabels(nPerTask, imbalance, turn), draw),
      seen = new Set();
    const texts = labels.map((label) => {
      let text = toySentence(words, task, label, relatedness, draw);
      for (let n = 0; n < 50 && seen.has(text); n++) text = toySentence(words, task, label, relatedness, draw);
      seen.add(text);
      return text;
    });
    const shown = withNoise(labels, noise, pythonRandom(`noise/${seed}/${task}`));
    return texts.map((text, i) => ({ text, label: shown[i], task }));
  });
}
