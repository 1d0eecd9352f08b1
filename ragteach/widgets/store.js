// One store per explorer: the block of numbers and the state; all its views show the same.

/** Arrays by name, from one block: read("w")(i, j) is a number, read("w").row(i) a Float32Array. */
function reader(block, layout) {
  const bytes =
    block instanceof DataView ? block.buffer.slice(block.byteOffset, block.byteOffset + block.byteLength) : block;
  const all = new Float32Array(bytes),
    made = {};
  return (name) => {
    if (made[name]) return made[name];
    const [offset, shape] = layout[name],
      strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
    const [s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0] = strides; // written out: a frame reads hundreds of numbers
    const at = (a, b = 0, c = 0, d = 0, e = 0) => all[offset + a * s0 + b * s1 + c * s2 + d * s3 + e * s4];
    at.shape = shape;
    at.row = (...index) => {
      const start = offset + index.reduce((sum, k, i) => sum + k * strides[i], 0);
      return all.subarray(start, start + (strides[index.length - 1] ?? 1));
    };
    at.all = all.subarray(offset, offset + shape.reduce((a, b) => a * b, 1));
    return (made[name] = at);
  };
}

const REST = 250; // milliseconds without a change: the hand rests

class Store {
  constructor(model) {
    this.model = model;
    this.spec = model.get("spec");
    this.views = new Set();
    this.read = reader(model.get("block"), this.spec.layout);
    this.problem = "";
    this.before = this.pinned = null;
    this.first = { ...this.spec.start };
    if (this.spec.goals?.length) this.first.reached = this.spec.goals.map(() => false);
    this.state = { ...this.first, ...model.get("state") };
    this.heard = (message) => this.hear(message);
    model.on("msg:custom", this.heard);
  }
  refresh() {
    for (const view of this.views) view.schedule();
  }
  update(change) {
    if (!this.moving) this.before = this.here(); // where the hand rested: what is compared with
    this.moving = true;
    for (const { root } of this.views) root.dataset.moving = "yes";
    Object.assign(this.state, change);
    this.refresh();
    this.later();
  }
  /** The hand rests unless something comes within a moment. */
  later() {
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.rest(), REST);
  }
  /** The hand rests: goals are judged, it is said aloud once, and the kernel hears of it. */
  rest() {
    if (this.playing) return this.later(); // a film: the hand rests when it does
    this.moving = false;
    for (const view of this.views) view.rest();
    this.save();
  }
  /** The state and what is measured in it. */
  here() {
    const [view] = this.views;
    return { state: structuredClone(this.state), measures: view?.measured ?? null };
  }
  /** Keep this state to compare with, or let it go. */
  pin() {
    this.pinned = this.pinned ? null : this.here();
    this.refresh();
  }
  /** Go to the state that is kept, and keep this one: A, B, A, ... */
  swap() {
    const { state } = this.pinned;
    this.pinned = this.here();
    this.update({ ...state, reached: this.state.reached });
  }
  reset() {
    this.update(structuredClone(this.first));
    this.before = this.pinned = null;
  }
  save() {
    this.model.set("state", { ...this.state });
    this.model.save_changes();
  }
  hear(message) {
    if (!message.move) return;
    this.update(message.move);
    this.moved?.(message.move);
  }
}
