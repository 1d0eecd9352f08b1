// Words and numbers: the tokeniser and the tf-idf of data/features.py, in the page.
//
// Enters: texts.  Leaves: tokens; a vocabulary with its idf; the sparse documents that learning.js wants.
//
//     x_j = count_j (1 + log((1 + n_docs) / (1 + n_docs with j))), and each text of length 1

const LETTER = "\\p{L}\\p{N}_",
  INSIDE = `[${LETTER}\\p{Mn}\\p{Mc}]`; // Python's \w; marks belong to the letter before them
const JOIN = "['\u2019\u2010\u2011\u00ad\u200c\u200d-]"; // apostrophes, hyphens, and joints that are not seen
const TOKEN = new RegExp(`[${LETTER}]${INSIDE}*(?:${JOIN}+[${LETTER}]${INSIDE}*)*`, "gu");

/** The words of a text: letters and what joins them, beginning with a letter or a digit. */
const tokens = (text) => text.toLowerCase().match(TOKEN) ?? [];

// Where many texts are of a script without spaces, or hold emoji, runs of letters are read instead of words.
// biome-ignore lint/suspicious/noControlCharactersInRegex: Python takes these four for spaces too
const SPACES = /[\p{White_Space}\u001c-\u001f]+/u;
const SPACELESS =
  /[\u3040-\u30ff\uff66-\uff9f\u3400-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]/gu;

// Emoji, other pictures, and smileys made of points.
const SPEAKING =
  /(?=[\u2300-\ufffb\u{10000}-\u{1faff}])\p{So}|(?<![\p{L}\p{N}_])(?:[:;=][-']?[()DP|/]|<3)(?![\p{L}\p{N}_])/u;

/** The runs of one to three signs inside the words of a text, each word with a space at either end. */
function letterRuns(text) {
  const words = text.toLowerCase().split(SPACES).filter(Boolean);
  return words.flatMap((word) => {
    const signs = [" ", ...word, " "];
    return [1, 2, 3].flatMap((n) => signs.slice(n - 1).map((_, i) => signs.slice(i, i + n).join("")));
  });
}

/** How such texts are read: as pick_analyzer of data/features.py decides. */
function pickAnalyser(texts) {
  const many = (pattern, text) => text.match(pattern)?.length ?? 0,
    spaceless = (text) => many(SPACELESS, text) > 0 && 2 * many(SPACELESS, text) > many(/\p{L}/gu, text);
  const above = (share, has) => texts.filter(has).length > share * texts.length;
  const wordless = above(0.5, (text) => !many(TOKEN, text)),
    speaking = above(0.1, (text) => SPEAKING.test(text));
  return wordless || speaking || above(0.05, spaceless) ? letterRuns : tokens;
}

/** Order of code points, as Python sorts; UTF-16 would put rare signs elsewhere. */
function byCodePoint(a, b) {
  const x = Array.from(a),
    y = Array.from(b);
  for (let i = 0; i < x.length && i < y.length; i++)
    if (x[i] !== y[i]) return x[i].codePointAt(0) - y[i].codePointAt(0);
  return x.length - y.length;
}

/** A vocabulary fitted on training texts: { words, place, idf, analyse }. */
function fitWords(texts, analyse = tokens) {
  const seen = new Map();
  for (const text of texts) for (const word of new Set(analyse(text))) seen.set(word, (seen.get(word) ?? 0) + 1);
  const words = [...seen.keys()].sort(byCodePoint);
  return {
    words,
    place: new Map(words.map((word, j) => [word, j])),
    idf: words.map((word) => 1 + Math.log((1 + texts.length) / (1 + seen.get(word)))),
    analyse,
  };
}

/** A text as [[j, x_j], ...], j rising; words that are not in the vocabulary are left out. */
function toWords(text, { place, idf, analyse = tokens }) {
  const counts = new Map();
  for (const word of analyse(text)) {
    const j = place.get(word);
    if (j !== undefined) counts.set(j, (counts.get(j) ?? 0) + 1);
  }
  const row = [...counts].map(([j, count]) => [j, count * idf[j]]).sort((a, b) => a[0] - b[0]);
  const length = Math.sqrt(row.reduce((sum, [, x]) => sum + x * x, 0));
  return row.map(([j, x]) => [j, x / length]);
}

/** Such a row in the order in which the text has its words: as it is read. */
function asRead(row, text, { place, analyse = tokens }) {
  const order = [...new Set(analyse(text).map((word) => place.get(word)))];
  return [...row].sort(([i], [j]) => order.indexOf(i) - order.indexOf(j));
}
