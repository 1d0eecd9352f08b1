// One sentence as a sum: bias, then word by word what the shared weights and the adapters add, for every class.
//
//     z_c = b_c + sum_j x_j (W_s + A)[c, j]      p = softmax(z)
//
// Enters: a reading { whose, classes, bias, parts: [{ word, shared, own }], z, p, unknown }.  Leaves: a table whose rows sum to z;
// where too few words stand beside each other its columns do: it is turned.

const MOST_PARTS = 12; // words; of more the strongest stand alone, the others in one sum
const FEW_PARTS = 4; // of fewer words beside each other the table is turned
const NARROW = 70, // pixels: two small numbers and some air
  CLOSE = 66; // without: where the table is turned, on a telephone

const WIDE = 130; // pixels: a name longer than this is cut, and said whole by its title

/** How wide the column of a name is, in bold and with its padding; and a name cut to the widest column. (The style does not
 * cut it: a cell with `overflow` makes Chromium sort the layers of the page again in every frame.) */
const columnWidth = (text, least = NARROW) => Math.round(Math.max(least, Math.min(WIDE, 1.15 * ruler(text) + 10)));
const ROOM = (WIDE - 10) / 1.15;
const fitted = (text, less = 0) => clip(text, ROOM - less);
const FRONT = ["class", "bias"],
  BACK = ["= sum", "probability"];

/** A strip that can be shown again and again: { node, show(reading), measure() }; measure() after it was unfolded. */
function additiveStrip(ui) {
  const table = h("table", { className: "strip" });
  const scroll = h("div", { className: "scroll layer rows" }, table);
  const note = h("p", { className: "note" });
  const node = h("div", {}, scroll, note);
  region(scroll, "What bias, shared weights and adapter add to each class, word by word");
  let room = 0,
    shape = null,
    seen = null, // the class that is read
    heads = [], // of the classes
    columns = []; // of each class: its cells
  const measure = () => (room = scroll.clientWidth || room); // folded away it has no width
  ui.layouts.push(measure);

  // ---- which words, and which way: chosen anew with the sentence, not with every number under the hand ----------------
  let chosen = { key: null };
  const choose = ({ whose, classes, parts }) => {
    const key = JSON.stringify([whose, classes, room, parts.map(({ word }) => word)]);
    if (chosen.key === key) return chosen;
    const weight = ({ shared, own }) => Math.max(...shared.map((v, c) => Math.abs(v + own[c])));
    const order = parts.map((_, i) => i).sort((i, j) => weight(parts[j]) - weight(parts[i]));
    const best = (most) => (parts.length <= most ? order : order.slice(0, most - 1));
    const needed = (most) => {
      const words = best(most).map((i) => `+ ${visible(parts[i].word)}`);
      const names = [...FRONT, ...words, ...(words.length < parts.length ? ["+ 99 more words"] : []), ...BACK];
      return names
        .map((text) => columnWidth(text))
        .reduce((a, b) => a + b, Math.max(...classes.map((text) => columnWidth(text))) - columnWidth("class"));
    };
    let most = Math.min(MOST_PARTS, parts.length);
    while (most > FEW_PARTS && needed(most) > room) most -= 1;
    const turned = needed(most) > room;
    chosen = { key, turned, alone: new Set(best(turned ? MOST_PARTS : most)) };
    return chosen;
  };
  const shownParts = (parts, alone) => {
    const rest = parts.filter((_, i) => !alone.has(i));
    const sum = (name) => rest[0][name].map((_, c) => rest.reduce((total, part) => total + part[name][c], 0));
    const together = () => ({ word: `${rest.length} more words`, shared: sum("shared"), own: sum("own") });
    return [...parts.filter((_, i) => alone.has(i)), ...(rest.length ? [together()] : [])];
  };

  // ---- the table ----------------------------------------------------------------------------------------------------------
  const heading = (scope, text, word = null) => {
    const name = word === null ? fitted(text) : `+ ${isolate(fitted(visible(word), ruler("+ ")))}`;
    const cell = h("th", { scope, dir: "auto", title: word ?? text }, name);
    if (word !== null) cell.dataset.word = word;
    return cell;
  };
  const build = (classes, words, turned) => {
    const [along, across] = turned ? ["row", "col"] : ["col", "row"];
    heads = clipAll(classes, ROOM).map((text, c) => h("th", { scope: across, dir: "auto", title: classes[c] }, text));
    const names = ["bias", ...words, ...BACK];
    const parts = names.map((text, i) => heading(along, text, words[i - 1] ?? null));
    columns = classes.map(() =>
      names.map((_, i) => {
        const big = h("b"),
          small = h("small"),
          cell = h("td", {}, big, small);
        if (words[i - 1] !== undefined) cell.dataset.word = words[i - 1];
        return { cell, big, small };
      }),
    );
    const corner = heading("col", turned ? "part" : "class"),
      least = turned ? CLOSE : NARROW,
      widest = Math.max(...(turned ? parts : heads).map(({ textContent }) => columnWidth(textContent, least)));
    for (const cell of turned ? heads : parts) cell.style.width = `${columnWidth(cell.textContent, least)}px`;
    corner.style.width = `${widest}px`;
    const top = h("tr", {}, corner, ...(turned ? heads : parts));
    const rows = turned
      ? names.map((_, i) => h("tr", {}, parts[i], ...columns.map((cells) => cells[i].cell)))
      : classes.map((_, c) => h("tr", {}, heads[c], ...columns[c].map(({ cell }) => cell)));
    table.classList.toggle("turned", turned);
    table.replaceChildren(h("thead", {}, top), h("tbody", {}, ...rows));
  };
  /** Of more classes than there is room for, the one that is read is in sight. */
  const toBest = (best) => {
    if (scroll.scrollHeight <= scroll.clientHeight + 1 || table.classList.contains("turned")) return;
    const { offsetTop, offsetHeight } = heads[best],
      top = offsetTop - table.tHead.offsetHeight,
      under = offsetTop + offsetHeight - scroll.clientHeight;
    if (scroll.scrollTop > top) scroll.scrollTop = top;
    else if (scroll.scrollTop < under) scroll.scrollTop = under;
  };
  const show = (reading) => {
    const { turned, alone } = choose(reading);
    const parts = shownParts(reading.parts, alone),
      words = parts.map(({ word }) => word),
      best = reading.p.indexOf(Math.max(...reading.p)),
      key = JSON.stringify([reading.classes, words, turned]);
    if (key !== shape) build(reading.classes, words, turned);
    const moved = key !== shape || seen !== best;
    shape = key;
    seen = best;
    columns.forEach((cells, c) => {
      heads[c].classList.toggle("best", c === best);
      for (const { cell } of cells) cell.classList.toggle("best", c === best);
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
    if (moved) toBest(best);
    put(note, `${parts.length ? parted : "No word of it was trained on: the bias alone decides."}${lost}`);
  };
  return { node, show, measure };
}

/** Logits to a reading's z and p. */
function summed(reading) {
  const z = reading.bias.map((b, c) => reading.parts.reduce((sum, { shared, own }) => sum + shared[c] + own[c], b));
  const top = Math.max(...z),
    odds = z.map((v) => Math.exp(v - top)),
    total = odds.reduce((a, b) => a + b, 0);
  return { ...reading, z, p: odds.map((v) => v / total) };
}
