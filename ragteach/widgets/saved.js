// An explorer without a kernel: the model it knows from Jupyter, with nobody at the other end; and how an output of a
// notebook that is opened again draws it.
//
// Enters: what is saved in the output, { kind, spec, block }.  Leaves: nothing where a live explorer stands beside it;
// where the page says that there is none, the explorer. See `Explorer.saved` and `html.revived` in Python.

const ragteachBytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** What anywidget calls a model: `bytes` are the numbers. */
function ragteachModel({ kind, spec }, bytes) {
  const values = { kind, spec, block: new DataView(bytes.buffer), state: {} };
  const model = {
    offline: true,
    get: (name) => values[name],
    set: (name, value) => {
      values[name] = value;
    },
    save_changes() {},
    send() {},
    on: (_, heard) => {
      model.hear = heard;
    },
    off() {},
  };
  return model;
}

async function ragteachInflate(text) {
  const stream = new Blob([ragteachBytes(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/** The numbers that `base.squeeze` has packed: long arrays are differences of 16-bit steps of their own range. */
async function ragteachUnsqueeze({ spec, block }) {
  const raw = await ragteachInflate(block),
    arrays = Object.values(spec.layout).sort(([a], [b]) => a - b);
  const sizes = arrays.map(([, shape]) => shape.reduce((a, b) => a * b, 1)),
    long = sizes.filter((n) => n > 4096).length;
  const scales = new Float64Array(raw.slice(0, 16 * long)),
    values = new Float32Array(sizes.reduce((a, b) => a + b, 0));
  let start = 16 * long,
    to = 0,
    k = 0;
  arrays.forEach(([, shape], i) => {
    const n = sizes[i],
      end = start + n * (n > 4096 ? 2 : 4);
    const part = raw.slice(start, end);
    if (n <= 4096) values.set(new Float32Array(part), to);
    else {
      const steps = new Uint16Array(part),
        row = n / shape[0],
        [low, high] = scales.subarray(2 * k, 2 * k + 2);
      for (let j = row; j < n; j++) steps[j] += steps[j - row]; // wraps round, as in Python
      for (let j = 0; j < n; j++) values[to + j] = low + (steps[j] / 65535) * (high - low);
      k++;
    }
    start = end;
    to += n;
  });
  return new Uint8Array(values.buffer);
}

/** Draw the explorer in the first box of this name that nobody has taken, unless a live one stands in the next output. */
// biome-ignore lint/correctness/noUnusedVariables: the output calls it, see `revived` in Python
function ragteachRevive(name, code, saved) {
  const OUTPUT = ".jp-OutputArea-child, .output_area", // of JupyterLab and Notebook 7, of the classic notebook
    NONE = /model not found|could not be (displayed|found)|run this cell/i,
    SOON = 2, // seconds of "Loading widget..." while the notebook says that it has no kernel
    LONG = 20; // and whatever it says: nobody comes
  let box = null,
    end = null,
    waited = 0;
  const live = (next) => Boolean(next?.querySelector(".ragteach-explorer"));
  const kernel = () => {
    const place = box.closest(".jp-NotebookPanel") ?? document;
    return place.querySelector("[data-jp-item-name=kernelName]")?.textContent ?? "";
  };
  const show = (node, yes) => node?.style.setProperty("display", yes ? "" : "none");
  const draw = async (output, next) => {
    const source = await ragteachInflate(code),
      bytes = await ragteachUnsqueeze(saved),
      url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const { default: make } = await import(url);
    URL.revokeObjectURL(url);
    if (live(next)) return show(output, false);
    const model = ragteachModel(saved, bytes),
      explorer = make();
    box.replaceChildren();
    explorer.initialize({ model });
    end = explorer.render({ model, el: box });
    show(next, false);
    if (!next) return;
    const watch = new MutationObserver(() => {
      if (!live(next)) return;
      watch.disconnect();
      show(next, true);
      show(output, false);
      end();
    });
    watch.observe(next, { childList: true, subtree: true });
  };
  const look = (wait) => {
    box ??= document.querySelector(`.ragteach-saved[data-name="${name}"]:not([data-taken])`);
    if (box) box.dataset.taken = "yes";
    const output = box?.closest(OUTPUT),
      alone = box?.textContent, // a note: nothing live was kept beside it
      next = alone ? null : output?.nextElementSibling;
    if (live(next)) return show(output, false);
    const said = alone || next?.textContent;
    if (!said) return setTimeout(look, wait, Math.min(2000, 1.5 * wait));
    waited += wait / 1000;
    const wanted = /no kernel/i.test(kernel()) ? SOON : LONG;
    if (NONE.test(said) || (/Loading widget/.test(said) && waited > wanted)) return draw(output, next);
    setTimeout(look, wait, Math.min(2000, 1.5 * wait));
  };
  setTimeout(look, 50, 100);
}
