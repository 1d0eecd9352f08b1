// One sentence as a sum: bias, then word by word what the shared weights and the adapters add, for every class.
//
//     z_c = b_c + sum_j x_j (W_s + A)[c, j]      p = softmax(z)
//
// Enters: a reading { classes, bias, parts: [{ word, shared, own }], z, p, unknown }.  Leaves: a table whose rows sum to z.

const MOST_PARTS = 12; // columns; of more words the strongest stand alone, the others in one sum

/** The columns of a reading: the strongest words in their order, and the rest together. */
function partsShown(parts) {
  const weight = ({ shared, own }) => Math.max(...shared.map((v, c) => Math.abs(v + own[c])));
  const sum = (rest, key) => rest[0][key].map((_, c) => rest.reduce((total, part) => total + part[key][c], 0));
  return strongest(parts, MOST_PARTS, weight, (rest) => ({ shared: sum(rest, "shared"), own: sum(rest, "own") }));
}

/** A strip that can be shown again and again: { node, show(reading) }. */
function additiveStrip() {
  const table = h("table", { className: "strip" });
  const scroll = h("div", { className: "scroll layer" }, table);
  const note = h("p", { className: "note" });
  const node = h("div", {}, scroll, note);
  region(scroll, "What bias, shared weights and adapter add to each class, word by word");
  let shape = null,
    rows = [];
  const build = (classes, words) => {
    const names = ["class", "bias", ...words, "= sum", "probability"];
    const isWord = (i) => i > 1 && i < words.length + 2;
    const head = names.map((text, i) => {
      const cell = h("th", { scope: "col", dir: "auto" }, isWord(i) ? `+ ${isolate(text)}` : text);
      if (isWord(i)) cell.dataset.word = text;
      return cell;
    });
    rows = classes.map((name) => {
      const cells = names.slice(1).map((text, i) => {
        const big = h("b"),
          small = h("small"),
          cell = h("td", {}, big, small);
        if (isWord(i + 1)) cell.dataset.word = text;
        return { cell, big, small };
      });
      const line = h("tr", {}, h("th", { scope: "row", dir: "auto" }, name), ...cells.map(({ cell }) => cell));
      return { line, cells };
    });
    table.replaceChildren(h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows.map(({ line }) => line)));
  };
  const show = (reading) => {
    const parts = partsShown(reading.parts),
      best = reading.p.indexOf(Math.max(...reading.p)),
      key = JSON.stringify([reading.classes, parts.map(({ word }) => word)]);
    if (key !== shape)
      build(
        reading.classes,
        parts.map(({ word }) => word),
      );
    shape = key;
    rows.forEach(({ line, cells }, c) => {
      line.classList.toggle("best", c === best);
      const [bias, ...others] = cells;
      put(bias.big, signed(reading.bias[c], 2));
      parts.forEach(({ shared, own }, i) => {
        const { cell, big, small } = others[i],
          total = shared[c] + own[c],
          strength = Math.min(0.35, Math.abs(total) / 8).toFixed(2);
        put(big, signed(total, 2));
        put(small, `${signed(shared[c], 2)} ${signed(own[c], 2)}`);
        const ground = `rgba(var(--${total > 0 ? "plus" : "minus"}), ${strength})`;
        if (cell.ground !== ground) cell.style.background = cell.ground = ground;
      });
      const [sum, p] = others.slice(parts.length);
      put(sum.big, signed(reading.z[c], 2));
      put(p.big, percent(reading.p[c]));
      const bar = `linear-gradient(to right, var(--bar) ${(100 * reading.p[c]).toFixed(1)}%, transparent 0)`;
      if (p.cell.ground !== bar) p.cell.style.backgroundImage = p.cell.ground = bar;
    });
    const lost = reading.unknown?.length
      ? ` Not in the vocabulary: ${reading.unknown.slice(0, 8).map(isolate).join(", ")}.`
      : "";
    const parted =
      "Small: Wₛ, then the adapters. Bias and words add up to the sum; softmax of the sums is the probability.";
    put(note, `${parts.length ? parted : "No word of it was trained on: the bias alone decides."}${lost}`);
  };
  return { node, show };
}

/** Logits to a reading's z and p. */
function summed(reading) {
  const z = reading.bias.map((b, c) => reading.parts.reduce((sum, { shared, own }) => sum + shared[c] + own[c], b));
  const top = Math.max(...z),
    odds = z.map((v) => Math.exp(v - top)),
    total = odds.reduce((a, b) => a + b, 0);
  return { ...reading, z, p: odds.map((v) => v / total) };
}
