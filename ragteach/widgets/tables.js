// A table of one's own: from a file's bytes, or from what was pasted, to texts with their labels and tasks.
//
// Enters: bytes or text.  Leaves: { rows: [{ text, label, task }], tasks, classes, note }, or an error in three parts; the note
// says what was taken, and what was not.

const COLUMNS = ["text", "label", "task"],
  SEPARATORS = [",", ";", "\t", "|"];

/** The signs of a file: Unicode that its first bytes name, or whose every other byte is zero; else UTF-8, or nothing. */
function decodeTable(bytes) {
  const [a, b] = bytes,
    begin = bytes.slice(0, 400),
    zeros = (odd) => begin.filter((byte, i) => i % 2 === odd && byte === 0).length > begin.length / 4;
  const little = (a === 0xff && b === 0xfe) || zeros(1),
    big = (a === 0xfe && b === 0xff) || zeros(0);
  try {
    return new TextDecoder(little ? "utf-16le" : big ? "utf-16be" : "utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error(
      "Expected: a table in Unicode (UTF-8 or UTF-16)\nGot: bytes of another encoding\nWhat to do: save it as “CSV UTF-8”, or open it and paste its rows here",
    );
  }
}

/** The separator of a table: what Excel says (sep=;), else the one that parts the most of our columns, then of any. */
function separatorOf(first) {
  const parts = (c) => parseCsv(first.replaceAll('"', ""), c)[0] ?? [];
  const ours = (c) => parts(c).filter((name) => COLUMNS.includes(name.trim().toLowerCase())).length;
  return [...SEPARATORS].sort((c, d) => ours(d) - ours(c) || parts(d).length - parts(c).length)[0];
}

/** Rows of strings, of CSV with any of the separators.  Quotes may hold separators, quotes ("") and line ends. */
function parseCsv(text, separator) {
  const rows = [];
  let row = [],
    cell = "",
    quoted = false;
  const endCell = () => {
    row.push(cell);
    cell = "";
  };
  const endRow = () => {
    endCell();
    if (row.length > 1 || row[0].trim()) rows.push(row);
    row = [];
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') cell += text[++i];
      else quoted = false;
    } else if (c === '"' && cell === "") quoted = true;
    else if (c === separator) endCell();
    else if (c === "\n") endRow();
    else cell += c;
  }
  if (cell || row.length) endRow();
  if (quoted)
    throw new Error(
      "Expected: every quote to be closed\nGot: a text that begins with a quote and never ends\nWhat to do: close it, or double the quotes inside a text",
    );
  return rows;
}

const MOST_SIGNS = 3e6; // of a table: reading it may not hold the page up

/** Rows { text, label, task } from a pasted table, its columns by name. */
function readTable(text) {
  if (text.length > MOST_SIGNS)
    throw new Error(
      `Expected: a table of at most ${MOST_SIGNS / 1e6} million characters\nGot: ${(text.length / 1e6).toFixed(1)} million\nWhat to do: choose fewer rows, or use ragteach in Python`,
    );
  const lines = text
      .replace(/^\ufeff/, "")
      .replace(/\r\n?/g, "\n")
      .replace(/^\s*\n/, ""),
    said = lines.match(/^"?sep=(.)"?\n/i), // Excel writes such a first line
    table = said ? lines.slice(said[0].length) : lines;
  const [head = [], ...rows] = parseCsv(table, said?.[1] ?? separatorOf(table.split("\n", 1)[0])),
    names = head.map((name) => name.trim().toLowerCase());
  const [at, label, task] = COLUMNS.map((name) => names.indexOf(name));
  if (at < 0 || label < 0)
    throw new Error(
      `Expected: a table with the columns text, label and, if there are several, task\nGot: the columns ${head.join(", ")}\nWhat to do: rename them in the first line`,
    );
  const out = rows
    .map((row) => ({
      text: (row[at] ?? "").trim(),
      label: (row[label] ?? "").trim(),
      task: task < 0 ? "all" : (row[task] ?? "").trim(),
    }))
    .filter((r) => r.text && r.label && r.task);
  const natural = (a, b) => a.localeCompare(b, "en", { numeric: true });
  const tasks = [...new Set(out.map((r) => r.task))],
    classes = [...new Set(out.map((r) => r.label))].sort(natural);
  const fits =
    tasks.length <= 8 && classes.length >= 2 && classes.length <= 8 && out.length >= 10 && out.length <= 5000;
  if (!fits) {
    const cure =
      out.length < 10 || classes.length < 2
        ? "add rows, of at least two classes"
        : "choose fewer, or use ragteach in Python";
    throw new Error(
      `Expected: 10 to 5,000 rows, 2 to 8 classes, 1 to 8 tasks\nGot: ${out.length} rows with a text, a label and a task, ${classes.length} classes, ${tasks.length} tasks\nWhat to do: ${cure}`,
    );
  }
  const gaps = rows.length - out.length,
    left = gaps
      ? ` ${gaps} ${gaps === 1 ? "row lacks" : "rows lack"} a text, a label or a task, and ${gaps === 1 ? "is" : "are"} left out.`
      : "",
    alone = task < 0 ? ` All rows are one task: of the columns ${head.join(", ")} none is called task.` : "",
    note = `Taken: ${out.length.toLocaleString("en")} rows, ${classes.length} classes, ${tasks.length} ${tasks.length === 1 ? "task" : "tasks"}.${left}${alone}`;
  return { rows: out.map((r) => ({ ...r, label: classes.indexOf(r.label) })), tasks, classes, note };
}
