// Sharing slider.  Arrays: lam (L), accuracy (L, T), validation (L), shared (L, C, V), adapters (L, T, C, V),
// bias (L, T, C), idf (V).  W_t = W_s + A_t; the score of a word is its weight for the last class minus the first.

EXPLORERS.sharing = (ui) => {
  const { spec } = ui,
    lam = ui.read("lam").all,
    accuracy = ui.read("accuracy"),
    validation = ui.read("validation").all;
  const shared = ui.read("shared"),
    adapters = ui.read("adapters"),
    bias = ui.read("bias"),
    idf = ui.read("idf").all;
  const nLam = lam.length,
    nTasks = spec.tasks.length,
    last = spec.classes.length - 1,
    column = new Map(spec.words.map((w, j) => [w, j]));
  const mean = Float32Array.from(lam, (_, l) => accuracy.row(l).reduce((a, b) => a + b, 0) / nTasks);
  const color = (t) => spec.colors[t % spec.colors.length];
  const ownScore = (l, t, j) => adapters(l, t, last, j) - adapters(l, t, 0, j);
  const sharedScore = (l, j) => shared(l, last, j) - shared(l, 0, j);

  ui.slider({
    name: "at",
    label: "Penalty λ on the adapters:",
    max: nLam - 1,
    text: (l) => `${short(lam[l])}${l === spec.best ? "  (chosen on validation)" : ""}`,
    ends: !spec.graph
      ? ["◀ independent: every domain on its own", "full sharing: one model for all ▶"]
      : ["◀ the adapters are free", "the adapters vanish: one model for all ▶"],
    mark: { at: spec.best, text: "chosen on validation sentences" },
  });

  // ---- accuracy against lambda ---------------------------------------------------------------------------------
  const left = ui.panel("How many new sentences are classified correctly?");
  const legend = h("div", {
    style: "display:flex;flex-wrap:wrap;gap:0 14px;font-size:12.5px;min-height:1.6em;font-variant-numeric:tabular-nums",
  });
  const key = (t) => (t < 0 ? sample(0, "var(--shared)", { width: 3, mark: null }) : sample(t, color(t)));
  const values = [...spec.tasks, "mean"].map((name, i) => {
    const value = h("b", { className: "value" });
    legend.append(h("span", { style: "white-space:nowrap" }, key(i < nTasks ? i : -1), ` ${name} `, value));
    return value;
  });
  left.append(legend);
  let cursor, dots, X, Y;
  ui.picture(left, (svg, width) => {
    const box = { width, height: 250, left: 42, right: 14, top: 16, bottom: 38 };
    const low = Math.floor(10 * Math.min(...accuracy.all)) / 10,
      high = Math.min(1, Math.ceil(10 * Math.max(...accuracy.all)) / 10);
    const logs = ticks(Math.log10(lam[0]), Math.log10(lam[nLam - 1]), 4).filter(Number.isInteger);
    const place = (v) => {
      let l = 0;
      while (l < nLam - 2 && lam[l + 1] < v) l++;
      return l + Math.log(v / lam[l]) / Math.log(lam[l + 1] / lam[l]);
    };
    const tick = new Map(logs.map((p) => [place(10 ** p), p]));
    ({ X, Y } = axes(svg, box, {
      x: [0, nLam - 1],
      y: [low, high],
      xTicks: [...tick.keys()],
      xText: (v) => short(10 ** tick.get(v)),
      yTicks: ticks(low, high, 4),
      yText: percent,
      xName: !spec.graph ? "independent  ←  λ  →  full sharing" : "free adapters  ←  λ  →  no adapters",
    }));
    svg.append(
      s("line", { class: "best", x1: X(spec.best), x2: X(spec.best), y1: box.top, y2: box.height - box.bottom }),
    );
    const middle = Math.max(108, Math.min(width - 64, X(spec.best)));
    svg.append(
      s("text", { class: "soft", x: middle, y: box.top - 3, "text-anchor": "middle" }, "chosen on validation"),
    );
    for (let t = 0; t < nTasks; t++)
      svg.append(
        s("path", {
          d: line(Array.from(lam, (_, l) => [X(l), Y(accuracy(l, t))])),
          fill: "none",
          stroke: color(t),
          "stroke-width": 1.8,
          "stroke-dasharray": dash(t),
        }),
      );
    svg.append(
      s("path", {
        d: line(Array.from(mean, (v, l) => [X(l), Y(v)])),
        fill: "none",
        stroke: "var(--shared)",
        "stroke-width": 3,
      }),
    );
    cursor = s("line", { class: "cursor", y1: box.top, y2: box.height - box.bottom });
    dots = [
      ...spec.tasks.map((_, t) => marker(t, color(t))),
      s("circle", { r: 5.5, fill: "var(--shared)", stroke: "var(--bg)" }),
    ];
    svg.top.append(cursor, ...dots);
    const seek = (event) => {
      const at = event.clientX - svg.getBoundingClientRect().left;
      const l = Math.round(((at - box.left) / (box.width - box.left - box.right)) * (nLam - 1));
      ui.update({ at: Math.max(0, Math.min(nLam - 1, l)) });
    };
    svg.style.cursor = "ew-resize";
    svg.onpointerdown = (event) => {
      svg.setPointerCapture(event.pointerId);
      seek(event);
    };
    svg.onpointermove = (event) => event.buttons & 1 && seek(event);
  });

  // ---- words that differ ----------------------------------------------------------------------------------------
  const right = ui.panel("What does a word mean?");
  right.append(
    h(
      "p",
      { className: "note" },
      "Thick bar: shared weight, the same for all. Line to a marker: what the domain's adapter adds.",
    ),
  );
  let marks;
  const drawn = spec.drawn.map((w) => column.get(w));
  ui.picture(right, (svg, width) => {
    const step = 30,
      wide = Math.max(...spec.drawn.map((w) => w.length)) * 6.7 + 12;
    const box = {
      width,
      height: step * drawn.length + 44,
      left: Math.min(wide, width * 0.35),
      right: 12,
      top: 4,
      bottom: 40,
    };
    let far = 0;
    for (let l = 0; l < nLam; l++)
      for (const j of drawn)
        for (let t = 0; t < nTasks; t++) far = Math.max(far, Math.abs(sharedScore(l, j) + ownScore(l, t, j)));
    const { X: at } = axes(svg, box, {
      x: [-far * 1.04, far * 1.04],
      y: [0, 1],
      xTicks: ticks(-far, far, 4),
      xName: `${spec.classes[0]}  ←  weight  →  ${spec.classes[last]}`,
    });
    svg.append(s("line", { x1: at(0), x2: at(0), y1: box.top, y2: box.height - box.bottom, stroke: "var(--soft)" }));
    const y = (i) => box.top + step * (i + 0.5);
    spec.drawn.forEach((word, i) => {
      svg.append(s("text", { x: box.left - 8, y: y(i) + 4, "text-anchor": "end" }, word));
      if (i) svg.append(s("line", { class: "grid", x1: 0, x2: width, y1: y(i) - step / 2, y2: y(i) - step / 2 }));
    });
    // One path for a domain's lines and one for its markers, over all words: a few shapes to move, not two a word.
    const tasks = spec.tasks.map((_, t) => {
      const links = s("path", { stroke: color(t), "stroke-width": 1.6 }),
        dots = marker(t, color(t));
      svg.top.append(links, dots);
      return { links, dots, row: (i) => y(i) + (t - (nTasks - 1) / 2) * Math.min(6, 22 / nTasks) };
    });
    const bars = s("path", { stroke: "var(--shared)", "stroke-width": 4, "stroke-linecap": "round" });
    svg.top.append(bars);
    marks = { at, tasks, bars, bar: (i) => [y(i) - step * 0.38, y(i) + step * 0.38] };
  });

  // ---- one sentence, read by every domain -------------------------------------------------------------------------
  const below = ui.panel("One sentence, as each domain reads it", { full: true });
  const row = h("div", { className: "controls", style: "margin-top:4px" });
  below.append(row);
  const cut = (text) => (text.length > 90 ? `${text.slice(0, 88)}…` : text);
  const pick = ui.choice({
    name: "sentence",
    label: "Sentence",
    into: row,
    options: spec.sentences.map((text, i) =>
      spec.owners[i] < 0 ? cut(text) : `${spec.tasks[spec.owners[i]]}: ${cut(text)}`,
    ),
    change: (i) => ui.update({ sentence: i, typed: "" }),
  });
  pick.parentElement.style.flex = "1 1 320px";
  let field;
  if (spec.typing) {
    field = h("input", {
      type: "text",
      placeholder: "for example: the ending was quiet",
      maxLength: 200,
      oninput: () => ui.update({ typed: field.value }),
    });
    field.setAttribute("aria-label", "Or write your own sentence");
    row.append(
      h(
        "div",
        { className: "control", style: "flex:1 1 260px" },
        h("span", { className: "label" }, "Or write your own"),
        field,
      ),
    );
    ui.syncs.push((state) => field.value !== state.typed && (field.value = state.typed));
  }
  const readers = h("div", { className: "layer", style: "display:grid;gap:6px;margin-top:6px;isolation:isolate" });
  below.append(
    readers,
    h(
      "p",
      { className: "note", style: "margin-top:4px" },
      `Under each word: what it adds, + towards ${spec.classes[last]}, − towards ${spec.classes[0]}. A dot: not in the vocabulary. ✓ ✗: right or wrong by the sentence's label.`,
    ),
  );

  /** The sentence as pieces of text, and its features: TF-IDF (or counts) exactly as the vectoriser makes them. */
  let known = { text: null };
  const parse = (text) => {
    if (known.text === text) return known;
    const parts = [],
      counts = new Map();
    for (const match of text.matchAll(/[\p{L}\p{N}_][\p{L}\p{N}_'’-]*|[^\p{L}\p{N}_]+/gu)) {
      const word = match[0].toLowerCase(),
        j = column.get(word);
      parts.push({ text: match[0], j, word: /^[\p{L}\p{N}_]/u.test(word) });
      if (j !== undefined) counts.set(j, (counts.get(j) ?? 0) + 1);
    }
    let norm = 0;
    for (const [j, n] of counts) norm += (n * idf[j]) ** 2;
    const x = new Map([...counts].map(([j, n]) => [j, (n * idf[j]) / (spec.unit ? Math.sqrt(norm) || 1 : 1)]));
    return (known = { text, parts, x });
  };
  let built = null,
    cells = [];
  const build = (text, owner, label) => {
    const { parts } = parse(text);
    built = `${text}|${owner}`;
    readers.replaceChildren();
    cells = spec.tasks.map((task, t) => {
      const own = t === owner,
        words = h("span", { style: "display:flex;flex-wrap:wrap;align-items:flex-start;flex:1 1 420px;min-width:0" }),
        chips = [];
      for (const part of parts) {
        if (!part.word) {
          if (part.text.trim()) words.append(h("span", { style: "padding:1px 0" }, part.text.trim()));
          continue;
        }
        // The number has its place under the word, so that no word moves when a number comes or goes.
        const value = h("small", {
          style:
            "position:absolute;left:0;right:0;bottom:1px;height:12px;font-size:10.5px;line-height:12px;font-variant-numeric:tabular-nums",
        });
        const chip = h(
          "span",
          {
            style:
              "position:relative;min-width:34px;padding:1px 4px 13px;margin:0 1px;border-radius:4px;overflow-wrap:anywhere;text-align:center",
          },
          part.text,
          value,
        );
        words.append(chip);
        if (part.j === undefined) value.textContent = "·";
        else chips.push({ chip, value, j: part.j, shown: "" });
      }
      const name = h("span", { style: `flex:0 0 96px;font-weight:${own ? 700 : 400}` }, own ? `${task} ◀` : task);
      const verdict = h("span", { style: "flex:0 0 168px;white-space:nowrap;font-variant-numeric:tabular-nums" });
      readers.append(
        h(
          "div",
          {
            style: `display:flex;flex-wrap:wrap;gap:0 10px;align-items:flex-start;padding:4px 8px;border-radius:6px;border:${own ? "2px solid var(--fg)" : "1px solid var(--line)"}`,
          },
          name,
          verdict,
          words,
        ),
      );
      return { chips, verdict, own, label: own ? label : -1 };
    });
  };
  let readings = [];
  const read = (l, t, x) => {
    const logits = spec.classes.map((_, c) => bias(l, t, c));
    for (const [j, v] of x) for (let c = 0; c <= last; c++) logits[c] += v * (shared(l, c, j) + adapters(l, t, c, j));
    const top = Math.max(...logits),
      odds = logits.map((z) => Math.exp(z - top)),
      total = odds.reduce((a, b) => a + b, 0);
    const best = logits.indexOf(top);
    return { best, p: odds[best] / total };
  };
  const current = (state) => {
    const own = state.typed.trim();
    return own
      ? [own, -1, -1]
      : [spec.sentences[state.sentence] ?? "", spec.owners[state.sentence] ?? -1, spec.labels[state.sentence] ?? -1];
  };

  return {
    accept(to, state) {
      if (to.lam !== undefined) {
        const distance = Array.from(lam, (v) => Math.abs(Math.log(v / to.lam)));
        state.at = distance.indexOf(Math.min(...distance));
      }
      state.lam = lam[state.at];
    },
    draw(state) {
      const l = state.at;
      state.lam = lam[l];
      set(cursor, { x1: X(l), x2: X(l) });
      for (let t = 0; t < nTasks; t++) move(dots[t], [X(l), Y(accuracy(l, t))]);
      move(dots[nTasks], [X(l), Y(mean[l])]);
      const { at, tasks, bars, bar } = marks,
        base = drawn.map((j) => sharedScore(l, j)),
        from = base.map((v) => at(v).toFixed(1));
      set(bars, { d: from.map((x, i) => `M${x},${bar(i)[0]}V${bar(i)[1]}`).join("") });
      tasks.forEach(({ links, dots, row }, t) => {
        const to = drawn.map((j, i) => at(base[i] + ownScore(l, t, j)));
        set(links, { d: to.map((x, i) => `M${from[i]},${row(i)}H${x.toFixed(1)}`).join("") });
        move(dots, ...to.map((x, i) => [x, row(i)]));
      });
    },
    write(state) {
      const l = state.at;
      values.forEach((value, t) => put(value, percent(t < nTasks ? accuracy(l, t) : mean[l])));
      const [text, owner, label] = current(state);
      if (built !== `${text}|${owner}`) build(text, owner, label);
      const { x } = parse(text);
      readings = cells.map(({ chips, verdict, own, label: truth }, t) => {
        for (const word of chips) {
          const pull = (x.get(word.j) ?? 0) * (sharedScore(l, word.j) + ownScore(l, t, word.j)),
            shown = Math.abs(pull) >= 0.15 ? signed(pull) : "";
          if (word.shown === shown) continue;
          word.value.textContent = word.shown = shown; // and a colour as strong as that number
          const strength = Math.min(0.55, Math.abs(pull.toFixed(1)) / 5);
          word.chip.style.background = shown
            ? `rgba(var(--${pull > 0 ? "plus" : "minus"}), ${strength.toFixed(2)})`
            : "";
        }
        const reading = read(l, t, x);
        put(
          verdict,
          `${spec.classes[reading.best]} ${percent(reading.p)}${own && truth >= 0 ? (truth === reading.best ? " ✓" : " ✗") : ""}`,
        );
        return reading;
      });
    },
    say(state) {
      const l = state.at,
        tie = lam[l] / (lam[l] + spec.lam_shared),
        best = spec.best;
      const where = spec.graph
        ? l === 0
          ? "the adapters cost next to nothing"
          : l === nLam - 1
            ? "the adapters are all but gone"
            : `an adapter's weight costs ${short(lam[l] / spec.lam_shared)} times a shared one`
        : l === 0
          ? "the domains share next to nothing"
          : l === nLam - 1
            ? "the domains share everything but a trace"
            : `the domains are tied by ${percent(tie)}`;
      const compare =
        l === best
          ? "this is the λ that validation chose"
          : `validation chose λ = ${short(lam[best])}, where it is ${percent(mean[best])}`;
      const groups = new Map();
      readings.forEach((r, t) => groups.set(r.best, [...(groups.get(r.best) ?? []), spec.tasks[t]]));
      const list = (names) => (names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0]);
      const verdict =
        groups.size === 1
          ? `all domains read the sentence as ${spec.classes[readings[0].best]}`
          : [...groups].map(([c, names]) => `${spec.classes[c]} for ${list(names)}`).join(", ");
      return `At λ = ${short(lam[l])} ${where}: ${percent(mean[l])} of new sentences are classified correctly; ${compare}. The sentence below: ${verdict}.`;
    },
    compare: "accuracy",
    measures(state) {
      const l = state.at;
      return {
        lam: lam[l],
        accuracy: mean[l],
        worst: Math.min(...accuracy.row(l)),
        validation: validation[l],
        tied: lam[l] / (lam[l] + spec.lam_shared),
        readings: new Set(readings.map((r) => r.best)).size,
        chosen: lam[spec.best],
        best: Math.max(...mean),
        left: mean[0],
        right: mean[nLam - 1],
      };
    },
    table(state) {
      const l = state.at;
      const rows = spec.tasks.map((task, t) => [
        task,
        percent(accuracy(l, t)),
        ...drawn.map((j) => signed(ownScore(l, t, j), 2)),
      ]);
      return {
        head: [`λ = ${short(lam[l])}`, "right", ...spec.drawn],
        rows: [
          ["shared weight", "", ...drawn.map((j) => signed(sharedScore(l, j), 2))],
          ...rows.map((r) => [`${r[0]} adds`, ...r.slice(1)]),
          ["mean, validation", percent(validation[l]), ...drawn.map(() => "")],
          ["mean, test", percent(mean[l]), ...drawn.map(() => "")],
        ],
      };
    },
    code: (state) => spec.code.replace("{lam}", String(Number(lam[state.at].toPrecision(4)))),
  };
};
