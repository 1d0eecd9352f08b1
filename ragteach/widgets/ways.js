// Ways into the playground and out of it: a table of your own; curve, chart, link and code to take along.

const RANGES = {
  r: [0, 1],
  n: [1, 500],
  noise: [0, 1],
  seed: [0, 9999],
  at: [0, STEPS],
  reader: [0, 7],
  for_class: [0, 7],
  stop: [0, 2],
};
const PLACES = { lam: LAMS, lamS: LAMS, schedule: SCHEDULES, optimiser: OPTIMISER_NAMES, lr: RATES, random: [0, 1] };

/** Whether a value may stand in a state under this name. */
function mayBe(name, value) {
  if (name === "typed") return typeof value === "string";
  if (name === "graph") {
    const rows = Array.isArray(value) && value.length <= 8 && value.every(Array.isArray) ? value : [null];
    return rows.every((row) => row && row.length === rows[0].length && row.length <= 9 && row.every(Number.isFinite));
  }
  if (!Number.isFinite(value)) return false;
  if (name === "story") return Number.isInteger(value) && value >= -1 && value < STORIES.length;
  if (name in PLACES) return Number.isInteger(value) && value >= 0 && value < PLACES[name].length;
  const [low, high] = RANGES[name];
  return value >= low && value <= high && (high === 1 || Number.isInteger(value));
}

/** A state as a link says it: what differs from the defaults, and that there was a table, not what stood in it. */
function toAddress(state, defaults, table) {
  const differs = Object.entries(state).filter(
    ([key, value]) => key in defaults && key !== "own" && JSON.stringify(value) !== JSON.stringify(defaults[key]),
  );
  if (table) differs.push(["own", 1]);
  return differs.length ? `#${encodeURIComponent(JSON.stringify(Object.fromEntries(differs)))}` : "";
}

/** What a link says of the state: { state, whole, table }; what cannot be, is left out, and it is not whole. Of a table it says
 * only that there was one. */
function fromAddress(hash, defaults) {
  try {
    const { own, ...said } = JSON.parse(decodeURIComponent(hash.slice(1) || "{}")),
      given = Object.entries(said),
      good = given.filter(([name, value]) => Object.hasOwn(defaults, name) && mayBe(name, value)),
      table = own === 1;
    return {
      state: Object.fromEntries(good),
      whole: good.length === given.length && (table || own === undefined),
      table,
    };
  } catch {
    return { state: {}, whole: false, table: false };
  }
}

/** The part that opens: a table to paste, buttons to take things along. */
function waysPanel(ui, bench) {
  const own = h(
    "details",
    { className: "panel full" },
    h("summary", { style: "cursor:pointer;font-weight:650" }, "Your own table, and ways to take this with you"),
    h(
      "p",
      { className: "note" },
      "Paste or drop a CSV with the columns text, label and task; it never leaves this page. Six in ten texts train, the others test. Up to 5,000 rows and 3 million characters.",
    ),
  );
  ui.panels.append(own);
  const area = h("textarea", {
    rows: 3,
    style: "width:100%;font:12.5px ui-monospace, monospace;color:var(--fg);background:var(--bg)",
  });
  area.setAttribute("aria-label", "A table with the columns text, label and task");
  const taken = h("p", { className: "note" });
  ui.labels.push((state) => (taken.hidden = !state.own));
  const use = (text) => {
    area.value = text;
    try {
      const { note } = readTable(text); // an empty one too: it is said what is expected
      makeData(null, { ...ui.state, own: text });
      put(taken, note);
      ui.announce(note);
    } catch (error) {
      return bench.refuse(error.message); // what was before goes on
    }
    if (bench.awaits)
      bench.change({ own: text }); // all else is as the link says
    else bench.anew({ own: text, graph: [], reader: 0, for_class: 0, typed: "" });
  };
  const take = async (file) => {
    own.open = true;
    try {
      use(decodeTable(new Uint8Array(await file.arrayBuffer())));
    } catch (error) {
      bench.refuse(error.message);
    }
  };
  // Anywhere on the page: beside the field the browser would leave the page to show the file.
  const ground = ui.spec.page ? document : ui.root,
    withFile = (event) => event.dataTransfer.types.includes("Files");
  ground.addEventListener("dragover", (event) => withFile(event) && event.preventDefault());
  ground.addEventListener("drop", (event) => {
    if (!withFile(event)) return;
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
  area.addEventListener("drop", (event) => {
    if (withFile(event)) return; // it is on its way up
    event.preventDefault();
    use(event.dataTransfer.getData("text"));
  });
  const download = (name, url) => h("a", { download: name, href: url }).click();
  const csv = () =>
    [
      "step,J,task,cross_entropy,accuracy",
      ...bench.run.history.flatMap(({ step, J, losses, accuracy: right }) =>
        bench.data.tasks.map((task, t) => [step, J, `"${task.replaceAll('"', '""')}"`, losses[t], right[t]].join(",")),
      ),
    ].join("\n");
  const png = () => {
    const { width } = bench.picture,
      svg = bench.picture.svg.cloneNode(true),
      height = Number(svg.getAttribute("height")),
      style = getComputedStyle(ui.root);
    set(svg, { width });
    svg.append(...[...bench.picture.svg.top.children].map((node) => node.cloneNode(true)));
    const text = new XMLSerializer()
      .serializeToString(svg)
      .replace(/var\((--[a-z0-9-]+)\)/g, (_, name) => style.getPropertyValue(name).trim())
      .replaceAll(
        "<text",
        `<text fill="${style.getPropertyValue("--fg").trim()}" font-family="sans-serif" font-size="12"`,
      )
      .replaceAll('class="grid"', `fill="none" stroke="${style.getPropertyValue("--grid").trim()}"`)
      .replace(/class="(best|ghost|pin)"/g, (_, name) => {
        const look = { best: 'stroke-dasharray="2 3"', ghost: 'stroke-dasharray="4 3"', pin: 'stroke-width="3"' };
        return `stroke="${style.getPropertyValue("--soft").trim()}" ${look[name]}`;
      });
    const image = new Image(),
      board = h("canvas", { width: 2 * width, height: 2 * height });
    image.onload = () => {
      board.getContext("2d").drawImage(image, 0, 0, board.width, board.height);
      download("playground.png", board.toDataURL("image/png"));
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  };
  const copied = h("span", { className: "note" });
  const copyLink = async () => {
    const without = ui.state.own
      ? " Your table never leaves this page: who follows the link is asked to paste it."
      : "";
    try {
      await navigator.clipboard.writeText(location.href);
      copied.textContent = `Copied.${without}`;
    } catch {
      copied.textContent = `Copy the address of this page.${without}`;
    }
    ui.announce(copied.textContent);
  };
  const link = h("button", { type: "button", onclick: copyLink }, "Copy link");
  own.append(
    area,
    taken,
    h(
      "div",
      { style: "display:flex;flex-wrap:wrap;gap:6px;margin-top:6px" },
      h("button", { type: "button", onclick: () => use(area.value) }, "Use this table"),
      h(
        "button",
        {
          type: "button",
          onclick: () => {
            area.value = "";
            bench.anew({ own: "", graph: bench.preset(bench.PRESETS[0]) });
          },
        },
        "Back to the toy sentences",
      ),
      h(
        "button",
        {
          type: "button",
          onclick: () => download("playground.csv", URL.createObjectURL(new Blob([csv()], { type: "text/csv" }))),
        },
        "Curve as CSV",
      ),
      h("button", { type: "button", onclick: png }, "Chart as PNG"),
      ...(ui.spec.page ? [link, copied] : []),
    ),
  );
}
