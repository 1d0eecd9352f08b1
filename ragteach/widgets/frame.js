// The frame around a picture: title, controls, sentence, panels, tools; and what Jupyter asks of a widget.
//
// An explorer is EXPLORERS[kind] = (ui) => ({draw(state), write(state), say(state), table(state), code(state)}).
// It builds its panels once with `ui`; `draw` only moves what is there, `write` (if any) changes the words and numbers
// around it and what else can wait for a frame.

const EXPLORERS = {};
const STILL = 50; // milliseconds without a picture: what moves next has just begun

/** Dark or light: JupyterLab says, Colab says, the page around us says (Sphinx), else the system says. */
function darkNow() {
  const lab = document.body?.dataset.jpThemeLight;
  if (lab !== undefined) return lab === "false";
  const said = document.documentElement.getAttribute("theme") ?? document.documentElement.dataset.theme;
  return said ? said === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

class View {
  constructor(store, el) {
    this.store = store;
    this.spec = store.spec;
    this.host = h("div", { className: "ragteach-explorer" });
    this.host.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab: our keys are not its shortcuts
    this.root = h("div", { className: "root" });
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", this.spec.title);
    this.controls = h("div", { className: "controls" });
    this.words = h("p", { className: "say" });
    this.heard = h("p", { className: "heard" }); // the one thing that is read aloud, when the hand rests
    this.heard.setAttribute("role", "status");
    this.error = h("div", { className: "error", hidden: true });
    this.panels = h("div", { className: "panels" });
    this.syncs = []; // controls that show the state
    this.labels = []; // and what is written beside them
    this.layouts = [];
    this.measured = null; // the explorer's own numbers, as of the last writing
    this.goals = goalList(this);
    this.root.append(
      h("h3", {}, this.spec.title),
      h("p", { className: "about" }, this.spec.about),
      this.goals.node,
      this.controls,
      this.words,
      this.error,
      this.panels,
      this.heard,
    );
    const shadow = this.host.attachShadow({ mode: "open" });
    shadow.append(h("style", {}, CSS), this.root);
    el.append(this.host);
    this.explorer = EXPLORERS[store.model.get("kind")](this);
    store.moved = (to) => this.explorer.accept?.(to, this.store.state);
    this.root.append(this.tools());
    for (const type of ["pointerover", "focusin"])
      this.root.addEventListener(type, (event) => this.light(event.target));
    for (const type of ["pointerleave", "focusout"]) this.root.addEventListener(type, () => this.light(null));
    for (const type of ["keydown", "keyup", "keypress", "paste", "copy", "cut"])
      this.host.addEventListener(type, (event) => event.stopPropagation());
    this.theme = () => (this.root.dataset.theme = darkNow() ? "dark" : "light");
    this.theme();
    this.media = matchMedia("(prefers-color-scheme: dark)");
    this.media.addEventListener("change", this.theme);
    this.watch = new MutationObserver(this.theme);
    for (const node of [document.documentElement, document.body])
      if (node)
        this.watch.observe(node, { attributes: true, attributeFilter: ["data-jp-theme-light", "theme", "data-theme"] });
    this.size = new ResizeObserver(() => this.resize());
    this.held = [this.words, ...this.controls.querySelectorAll("label")]; // texts that may need one line more, or less
    for (const node of [this.host, ...this.held]) this.size.observe(node);
    store.views.add(this);
    this.resize();
  }
  get state() {
    return this.store.state;
  }
  get read() {
    return this.store.read;
  }
  update(change) {
    this.store.update(change);
  }
  resize() {
    const width = this.host.clientWidth;
    if (width !== this.width) {
      this.width = width;
      if (!width) return; // taken off the page, for the moment
      this.root.classList.toggle("narrow", width < 720);
      this.root.classList.toggle("medium", width >= 720 && width < 900);
      for (const layout of this.layouts) layout();
      for (const node of this.held) node.style.minHeight = "";
      this.draw(); // at once: no frame may show the emptied pictures
    }
    const heights = this.held.map((node) => Math.ceil(node.getBoundingClientRect().height));
    this.held.forEach((node, i) => (node.style.minHeight = `${heights[i]}px`)); // as high as ever: nothing jumps under the hand
  }
  /** What belongs to the task or the word under the hand stands out, wherever it is drawn; the others dim. */
  light(target) {
    const owner = target?.closest?.("[data-task], [data-word]"),
      kind = owner && (owner.dataset.word === undefined ? "task" : "word"),
      what = owner?.dataset[kind];
    if (this.lit === `${kind} ${what}`) return;
    this.lit = `${kind} ${what}`;
    for (const node of this.root.querySelectorAll(".on")) node.classList.remove("on");
    if (!owner) return delete this.root.dataset.lit;
    for (const node of this.root.querySelectorAll(`[data-${kind}]`))
      node.classList.toggle("on", node.dataset[kind] === what);
    this.root.dataset.lit = kind;
  }
  /** Something has changed: draw it in the next frame. */
  schedule() {
    this.moved = true;
    this.queue();
  }
  queue() {
    this.frame ??= requestAnimationFrame((now) => this.step(now));
  }
  /** One frame: the picture; and the words with it while the hand moves on, in the next frame when it has just begun. */
  step(now) {
    this.frame = null;
    const begun = this.moved && !this.behind && !(now - this.painted < STILL);
    if (this.moved) this.paint(now);
    if (begun) this.queue();
    else this.write();
    this.behind = begun; // the words are, by one frame and never by two
  }
  /** All of it, at once. */
  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    this.paint();
    this.write();
  }
  paint(now = 0) {
    this.painted = now;
    this.moved = false;
    this.failure = "";
    this.attempt((state) => {
      for (const sync of this.syncs) sync(state);
      if (this.width) this.explorer.draw(state);
      count(this.root.dataset, "drawn");
    });
  }
  write() {
    this.attempt((state) => {
      for (const label of this.labels) label(state);
      if (this.width) this.explorer.write?.(state);
      this.measured = this.explorer.measures?.(state) ?? null;
      put(this.words, `${this.explorer.say(state)}${this.compared()}`);
      count(this.root.dataset, "written");
      if (!this.tableBox.hidden) this.fillTable();
      if (!this.codeBox.hidden) put(this.codeBox, this.explorer.code(state));
    });
  }
  /** Against where the hand rested last, and against the pinned state: in points of what the explorer compares. */
  compared() {
    const name = this.explorer.compare,
      { before, pinned } = this.store;
    const as = this.explorer.comparedAs ?? "",
      alike = (kept) => this.explorer.comparable?.(kept.state, this.state) ?? true;
    const points = (kept) =>
      alike(kept) ? Math.round(1000 * (this.measured[name] - kept.measures[name])) / 10 : Number.NaN;
    if (!name || !this.measured) return "";
    const since =
      !pinned && before?.measures && points(before)
        ? ` ${signed(points(before))} points${as} since your last move.`
        : "";
    return pinned?.measures && Number.isFinite(points(pinned))
      ? ` ${signed(points(pinned))} points${as} against the pinned state.`
      : since;
  }
  /** The hand rests. What moved is read aloud once. */
  rest() {
    if (this.frame) this.draw();
    if (this.explorer.measures && !this.measured && this.error.hidden) return; // still at work: it will come back
    this.root.dataset.measures = JSON.stringify(this.measured);
    const done = this.measured ? this.goals.judge(this.measured) : "";
    this.announce(`${this.error.hidden ? this.words.textContent : this.error.textContent}${done}`);
    count(this.root.dataset, "rested");
    delete this.root.dataset.moving;
  }
  announce(text) {
    put(this.heard, text);
  }
  attempt(action) {
    try {
      action(this.state);
    } catch (error) {
      this.failure = `This explorer failed: ${error.message}`;
      put(this.words, ""); // no number without its state: what was right before says nothing now
    }
    const text = this.failure || this.store.problem;
    this.error.hidden = !text;
    this.panels.classList.toggle("failed", Boolean(this.failure));
    put(this.error, text);
  }
  panel(title, { full = false, note = "" } = {}) {
    const box = h("div", { className: full ? "panel full" : "panel" }, h("h4", {}, title));
    if (note) box.append(h("p", { className: "note" }, note));
    this.panels.append(box);
    return box;
  }
  /** A picture whose size follows the page: make(svg, width) is called again whenever that changes. */
  picture(panel, make) {
    const svg = canvas(panel);
    this.layouts.push(() => make(svg, Math.max(220, panel.clientWidth)));
  }
  /** A slider over 0 .. max, or over given values. `mark` is {at(), text}: a place on the scale, or null. */
  slider({ name, label, max, values = null, text, change, ends = null, mark = null, wide = true }) {
    if (values) max = values.length - 1;
    const near = (v) => values.reduce((best, one, i) => (Math.abs(one - v) < Math.abs(values[best] - v) ? i : best), 0);
    const place = (v) => (values ? near(v) : v),
      to = change ?? ((v) => this.update({ [name]: v }));
    const input = h("input", { type: "range", min: 0, max: String(max), step: 1 });
    input.max = max;
    input.setAttribute("aria-label", label);
    const value = h("span", { className: "said" }), // an <output> would be read aloud at every step
      track = h("div", { className: "track" }, input);
    input.addEventListener("input", () => to(values ? values[Number(input.value)] : Number(input.value)));
    if (mark) {
      const sign = h("span", { className: "mark", title: mark.text }, "▼");
      track.append(sign);
      this.syncs.push((state) => {
        const at = mark.at(state);
        sign.hidden = at === null;
        set(sign, { style: `left: calc(8px + ${(at ?? 0) / (max || 1)} * (100% - 16px))` });
      });
    }
    const box = h(
      "div",
      { className: wide ? "control wide" : "control short" },
      h("label", {}, `${label} `, value),
      track,
    );
    if (ends) box.append(h("div", { className: "ends" }, ...ends.map((end) => h("span", {}, end))));
    this.controls.append(box);
    this.syncs.push((state) => {
      if (Number(input.value) !== place(state[name])) input.value = place(state[name]);
    });
    this.labels.push((state) => {
      const said = text(state[name], state);
      put(value, said);
      if (input.getAttribute("aria-valuetext") !== said) input.setAttribute("aria-valuetext", said);
    });
    return input;
  }
  choice({ name, label, options, into = this.controls, change = (v) => this.update({ [name]: v }) }) {
    const select = h("select", {}, ...options.map((text, i) => h("option", { value: i }, text)));
    select.setAttribute("aria-label", label);
    select.addEventListener("change", () => change(Number(select.value)));
    into.append(h("div", { className: "control" }, h("span", { className: "label" }, label), select));
    let shown = null;
    this.syncs.push((state) => {
      if (shown !== state[name]) select.value = shown = state[name];
    });
    return select;
  }
  tools() {
    this.tableBox = region(h("div", { className: "more", hidden: true }), "Table of the numbers");
    this.codeBox = h("pre", { hidden: true, tabIndex: 0 });
    const said = h("span", { className: "note" });
    const tell = (text) => {
      said.textContent = text;
      this.announce(text);
      setTimeout(() => (said.textContent = ""), 3000);
    };
    const numbers = h(
      "button",
      {
        type: "button",
        "aria-expanded": "false",
        onclick: () => {
          this.tableBox.hidden = !this.tableBox.hidden;
          numbers.setAttribute("aria-expanded", String(!this.tableBox.hidden));
          this.schedule();
        },
      },
      "Table of the numbers",
    );
    const copy = h(
      "button",
      {
        type: "button",
        onclick: async () => {
          this.codeBox.hidden = false;
          this.codeBox.textContent = this.explorer.code(this.state);
          try {
            await navigator.clipboard.writeText(this.codeBox.textContent);
            tell("Copied.");
          } catch {
            tell("Select the code below and copy it.");
          }
        },
      },
      "Copy as code",
    );
    const reset = h(
      "button",
      {
        type: "button",
        onclick: () => {
          this.codeBox.hidden = this.tableBox.hidden = true;
          numbers.setAttribute("aria-expanded", "false");
          this.store.problem = "";
          this.store.reset();
          this.explorer.reset?.();
        },
      },
      "Reset",
    );
    const pin = h("button", { type: "button", onclick: () => this.store.pin() }, "Pin this state");
    const swap = h("button", { type: "button", onclick: () => this.store.swap() }, "Swap with the pinned");
    this.labels.push(() => {
      put(pin, this.store.pinned ? "Unpin" : "Pin this state");
      swap.hidden = !this.store.pinned;
    });
    const tools = this.explorer.compare ? [reset, pin, swap, numbers, copy, said] : [reset, numbers, copy, said];
    return h("div", {}, h("div", { className: "tools" }, ...tools), this.codeBox, this.tableBox);
  }
  fillTable() {
    const { head, rows } = this.explorer.table(this.state);
    const cell = (tag, v, scope) => h(tag, { ...(scope ? { scope } : {}), dir: "auto" }, String(v));
    const body = rows.map(([first, ...others]) =>
      h("tr", {}, cell("th", first, "row"), ...others.map((v) => cell("td", v))),
    );
    const top = h("tr", {}, ...head.map((v) => cell("th", v, "col")));
    this.tableBox.replaceChildren(h("table", {}, h("thead", {}, top), h("tbody", {}, ...body)));
  }
  /** The figure that stands before us (and its description) shows the same, standing still: it steps aside. */
  hideTwin(tries = 90) {
    const mine = this.host.closest(".jp-OutputArea-child, .output_area"); // of JupyterLab, of the classic notebook
    if (!mine && tries > 0) this.later = setTimeout(() => this.hideTwin(tries - 1), 50);
    this.twin = [];
    for (let node = mine?.previousElementSibling; node && this.twin.length < 2; node = node.previousElementSibling) {
      if (node.querySelector(".ragteach-saved")) continue; // ours, without a kernel
      const image = node.querySelector("img");
      if (image ? image.alt && image.alt !== this.spec.alt : !node.querySelector("details")) break;
      this.twin.push(node);
      node.hider = this;
      node.style.display = "none";
      if (image) break;
    }
  }
  destroy() {
    this.store.views.delete(this);
    clearTimeout(this.later);
    cancelAnimationFrame(this.frame);
    this.size.disconnect();
    this.watch.disconnect();
    this.media.removeEventListener("change", this.theme);
    this.explorer.destroy?.();
    const mine = (this.twin ?? []).filter((node) => node.hider === this); // a live view may stand before it by now
    if (!this.store.views.size) for (const node of mine) node.style.display = "";
    this.host.remove();
  }
}

export default () => {
  let store;
  return {
    initialize({ model }) {
      store = new Store(model);
      return () => {
        clearTimeout(store.saving);
        model.off("msg:custom", store.heard);
      };
    },
    render({ model, el }) {
      store ??= new Store(model);
      const view = new View(store, el);
      view.hideTwin();
      return () => view.destroy();
    },
  };
};
