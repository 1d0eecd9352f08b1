// Whether classes run from low to high: `in_order` of data/orders.py, in the page, for a column that is called label.
//
// Enters: names, and what Python knows: { scales: [{ name: place }], more: { very: 1.5 }, units: [stars, ...] }.
// Leaves: the places of the lowest and the highest name, [low, high]; null where they have no order.

const AS_NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]\d{1,3})?$/i,
  MOST_RATED = 21, // 0 to 10 in halves; percent
  LARGEST_RATED = 100;

/** A name without capitals, accents and what joins its words; a grade keeps its sign. */
function plainName(name) {
  const letters = name.normalize("NFKD").toLowerCase().replaceAll("ß", "ss").replace(/\p{M}/gu, "");
  if (/^[a-f][+-]$/.test(letters.trim())) return letters.trim();
  return letters.replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}

/** The numbers that classes are called, if people would rate with them: not 0, 1, 2, the codes of programs. */
function ratedNumbers(names) {
  const said = names.map((name) => name.trim().replace(/^(-?\d+),(\d{1,2})$/, "$1.$2"));
  if (!said.every((name) => AS_NUMBER.test(name))) return null;
  const values = said.map(Number),
    divisor = (a, b) => (b ? divisor(b, a % b) : Math.abs(a)),
    counted = Math.min(...values) === 0 && values.every(Number.isInteger) && values.reduce(divisor) === 1;
  return values.length > MOST_RATED || Math.max(...values.map(Math.abs)) > LARGEST_RATED || counted ? null : values;
}

/** The numbers of names such as 2 stars, Level 3 and ★★. */
function countedNames(names, units) {
  if (names.every((name) => /^[★⭐]+☆*$/u.test(name)))
    return names.map((name) => Array.from(name).filter((sign) => sign !== "☆").length);
  const found = names.map((name) => {
    const numbers = name.match(/\d+(?:[.,]\d+)?/g) ?? [],
      word = plainName(name)
        .replace(/[\d.,]+/g, " ")
        .trim();
    return numbers.length === 1 && units.includes(word) ? Number(numbers[0].replace(",", ".")) : null;
  });
  return found.includes(null) ? null : found;
}

/** The places of names that one scale has; very good is farther from the middle than good. */
function onScale(names, { scales, more }) {
  const plain = names.map(plainName),
    signed = plain.some((name) => /^[a-f][+-]$/.test(name));
  for (const scale of scales) {
    const has = (name) => Object.hasOwn(scale, name);
    if ((has("a1") || has("a+")) && !signed) continue; // A, B and C may be teams
    const middle = Math.max(...Object.values(scale)) / 2;
    const found = plain.map((name) => {
      const [first, ...others] = name.split(" "),
        rest = others.join(" ");
      if (has(name)) return scale[name];
      return Object.hasOwn(more, first) && has(rest) ? middle + more[first] * (scale[rest] - middle) : null;
    });
    if (!found.includes(null) && new Set(found).size === found.length) return found;
  }
  return null;
}

/** The ends of an order, or null; two classes are each other's opposite, whatever they are called. */
function orderEnds(names, known) {
  if (names.length < 3) return [0, names.length - 1];
  const counted = countedNames(names, known.units),
    places =
      ratedNumbers(names) ?? (counted && new Set(counted).size === names.length ? counted : onScale(names, known));
  return places && [places.indexOf(Math.min(...places)), places.indexOf(Math.max(...places))];
}
