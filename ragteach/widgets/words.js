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

/** Order of code points, as Python sorts; UTF-16 would put rare signs elsewhere. */
function byCodePoint(a, b) {
  const x = Array.from(a),
    y = Array.from(b);
  for (let i = 0; i < x.length && i < y.length; i++)
    if (x[i] !== y[i]) return x[i].codePointAt(0) - y[i].codePointAt(0);
  return x.length - y.length;
}

/** A vocabulary fitted on training texts: { words, place, idf }. */
function fitWords(texts, analyse = tokens) {
  const seen = new Map();
  for (const text of texts) for (const word of new Set(analyse(text))) seen.set(word, (seen.get(word) ?? 0) + 1);
  const words = [...seen.keys()].sort(byCodePoint);
  return {
    words,
    place: new Map(words.map((word, j) => [word, j])),
    idf: words.map((word) => 1 + Math.log((1 + texts.length) / (1 + seen.get(word)))),
  };
}

/** A text as [[j, x_j], ...], j rising; words that are not in the vocabulary are left out. */
function toWords(text, { place, idf }, analyse = tokens) {
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
function asRead(row, text, { place }, analyse = tokens) {
  const order = [...new Set(analyse(text).map((word) => place.get(word)))];
  return [...row].sort(([i], [j]) => order.indexOf(i) - order.indexOf(j));
}
