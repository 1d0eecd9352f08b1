// Chat box.  Arrays: idf (V); of task i weights_i (C, V) and bias_i (C).  The page reads whatever is typed.
//
//     z_c = b_c + sum_j x_j W[c, j]      p = softmax(z)      why: (W[said] - W[rival]) x, word by word, and the biases

EXPLORERS.chat = (ui) => {
  const { spec } = ui,
    answers = spec.tasks.length - 1;
  const vocabulary = { place: new Map(spec.words.map((word, j) => [word, j])), idf: ui.read("idf").all };
  const maps = spec.tasks.map((_, i) => ({ W: ui.read(`weights${i}`), b: ui.read(`bias${i}`) }));
  const known = spec.known.map((text) => toWords(text, vocabulary));

  // ---- what is read -----------------------------------------------------------------------------------------------
  const message = (state) => state.typed.trim() || spec.examples[state.example];
  const reading = (x, i) => {
    const { W, b } = maps[i],
      z = spec.classes[i].map((_, c) => x.reduce((sum, [j, v]) => sum + v * W(c, j), b(c)));
    const order = z.map((_, c) => c).sort((a, c) => z[c] - z[a] || a - c),
      top = z[order[0]],
      total = z.reduce((sum, v) => sum + Math.exp(v - top), 0);
    const [said, rival] = order;
    const parts = x.map(([j, v]) => ({ word: spec.words[j], lead: v * (W(said, j) - W(rival, j)) }));
    return { z, p: z.map((v) => Math.exp(v - top) / total), said, rival, parts, bias: b(said) - b(rival) };
  };
  /** The known message with the highest cosine; rows have length 1, so it is their product. */
  const nearest = (x) => {
    const own = new Map(x);
    let best = { place: known.length ? 0 : -1, cosine: 0 };
    known.forEach((row, place) => {
      const cosine = row.reduce((sum, [j, v]) => sum + v * (own.get(j) ?? 0), 0);
      if (cosine > best.cosine) best = { place, cosine };
    });
    return best;
  };
  const kept = new Map(); // what is read now, was read last, and is pinned
  const all = (state) => {
    const text = message(state);
    if (!kept.has(text)) {
      if (kept.size > 8) kept.delete(kept.keys().next().value);
      const x = asRead(toWords(text, vocabulary), text, vocabulary);
      const unknown = [...new Set(tokens(text).filter((word) => !vocabulary.place.has(word)))];
      kept.set(text, { text, x, unknown, near: nearest(x), readings: spec.tasks.map((_, i) => reading(x, i)) });
    }
    return kept.get(text);
  };
  /** The probability of the class that task i says in a state. */
  const likely = (state, i) => {
    const { p, said } = all(state).readings[i];
    return p[said];
  };
  const decided = (state) => {
    const { near, readings } = all(state),
      last = readings[answers];
    const level = state.who ? near.cosine : last.p[last.said];
    const name = state.who ? spec.given[near.place] : spec.classes[answers][last.said];
    return { level, name, answered: level >= state.at / 100 };
  };

  // ---- controls -----------------------------------------------------------------------------------------------------
  sentenceFields(ui, {
    into: ui.controls,
    name: "example",
    label: "A message",
    options: spec.examples.map((text) => listed(text, 80)),
    placeholder: "for example: my parcel is broken",
    written: "Or write your own message",
    change: (to) => ui.update(to),
  });
  if (spec.who.length > 1) ui.choice({ name: "who", label: "Who answers", options: spec.who });
  const threshold = ui.slider({
    name: "at",
    label: "Answers from:",
    max: 100,
    text: (at, state) => `${state.who ? "cosine" : "probability"} ${(at / 100).toFixed(2)}`,
    ends: ["◀ always answers", "never answers ▶"],
  });
  threshold.closest(".control").style.flex = "1 1 300px"; // beside the choice, where there is room

  // ---- the conversation ---------------------------------------------------------------------------------------------
  const talk = ui.panel("The conversation", { full: true });
  const bubble = (who, side, ground) => {
    const text = h("bdi");
    const box = h("p", { style: `max-width:46em;padding:6px 12px;border-radius:10px;margin:2px 0;${side}` });
    box.style.background = ground;
    box.append(h("b", {}, `${who}: `), text);
    talk.append(box);
    return text;
  };
  const asked = bubble("Customer", "margin-right:auto;width:fit-content", "var(--panel)");
  const replied = bubble("Bot", "margin-left:auto;width:fit-content", "rgba(var(--plus), .14)");
  const because = h("p", { className: "note" });
  talk.append(because);

  // ---- what each task reads, and why ---------------------------------------------------------------------------------
  ui.panels.style.setProperty("--columns", `repeat(${Math.min(3, spec.tasks.length)}, minmax(0, 1fr))`);
  let written = null;
  /** The probability of the class that is said, as a bar; chance, and where it was. */
  const layBar = (made, i, svg, width) => {
    const chance = 1 / spec.classes[i].length,
      text = `chance ${percent(chance)}`,
      wide = ruler(text);
    sheet(svg, { width, height: 31 });
    svg.append(s("rect", { y: 1, width, height: 12, fill: "var(--panel)" }));
    chanceLine(svg, width * chance, 0, 18);
    svg.append(
      s("text", { class: "soft", x: Math.min(width - wide, Math.max(0, width * chance - wide / 2)), y: 28 }, text),
    );
    made.bar = s("rect", { y: 1, height: 12, fill: "rgb(var(--plus))", "fill-opacity": 0.6 });
    svg.top.append(made.bar);
    Object.assign(made, { width, mark: marks(svg, -1, 15) });
    written = null;
  };
  const panels = spec.tasks.map((task, i) => {
    const panel = ui.panel(task);
    const verdict = h("p", {}),
      body = h("tbody"),
      forName = h("th", { scope: "col", dir: "auto", style: "white-space:normal;overflow-wrap:anywhere" });
    const head = h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "word"), forName));
    const box = h("div", { className: "scroll layer" }, h("table", { style: "width:100%" }, head, body));
    region(box, `Why ${task}: what each word adds`);
    panel.append(verdict);
    const made = { verdict, body, forName };
    ui.picture(panel, (svg, width) => layBar(made, i, svg, width));
    panel.append(box);
    return made;
  });
  const sum = (rest) => ({ lead: rest.reduce((total, { lead }) => total + lead, 0) });
  const shown = (parts) => strongest(parts, spec.most, ({ lead }) => Math.abs(lead), sum); // in the order of the sentence
  const row = (name, value, bold = false) => {
    const cell = h("td", bold ? { style: "font-weight:700" } : {}, signed(value, 2));
    const strength = Math.min(0.35, Math.abs(value) / 4).toFixed(2);
    if (!bold) cell.style.background = `rgba(var(--${value > 0 ? "plus" : "minus"}), ${strength})`;
    const made = h("tr", {}, h("th", { scope: "row", dir: "auto" }, visible(name)), cell);
    made.dataset.word = name; // the same word lights up in every task
    return made;
  };

  /** Two numbers of two digits, or of more where they would look alike and are not. */
  const beside = (a, b) => {
    let digits = 2;
    while (digits < 6 && a !== b && a.toFixed(digits) === b.toFixed(digits)) digits += 1;
    return [a, b].map((v) => v.toFixed(digits));
  };

  return {
    draw(state) {
      panels.forEach(({ bar, mark, width }, i) => {
        set(bar, { width: width * likely(state, i) });
        mark(...[ui.store.before, ui.store.pinned].map((kept) => kept && width * likely(kept.state, i)));
      });
    },
    write(state) {
      const { text, near, unknown, readings } = all(state),
        { level, name, answered } = decided(state);
      put(asked, text);
      put(replied, answered ? spec.replies[name] : spec.silent);
      const found = !spec.known.length
        ? ""
        : near.cosine <= 0
          ? " No known message has a word of it."
          : ` The nearest known message: “${isolate(spec.known[near.place])}” (cosine ${near.cosine.toFixed(2)}), answered with ${isolate(spec.given[near.place])}.`;
      const lost = unknown.length ? ` Not in the vocabulary: ${unknown.slice(0, 8).map(isolate).join(", ")}.` : "";
      const what = state.who ? "cosine" : "probability";
      const [reached, wanted] = beside(level, state.at / 100);
      const rule = `${answered ? "Answer" : "Best answer"} ${isolate(name)}, ${what} ${reached}, ${answered ? "at least" : "below"} ${wanted}.`;
      put(because, `${rule}${found}${lost}`);
      if (written === text) return;
      written = text;
      panels.forEach(({ verdict, body, forName }, i) => {
        const { p, said, rival, parts, bias, z } = readings[i],
          names = spec.classes[i].map(isolate);
        put(verdict, `${names[said]} (${share(p[said])}), then ${names[rival]} (${share(p[rival])})`);
        const [one, other] = clipAll(
          [said, rival].map((c) => spec.classes[i][c]),
          130,
        ).map(isolate);
        put(forName, `for ${one}, against ${other}`);
        set(forName, { title: `for ${names[said]}, against ${names[rival]}` });
        body.replaceChildren(
          ...shown(parts).map(({ word, lead }) => row(word, lead)),
          row("(bias)", bias),
          row("= lead", z[said] - z[rival], true),
        );
      });
    },
    say(state) {
      const { readings } = all(state),
        { level, name, answered } = decided(state);
      const read = spec.tasks.map((task, i) => {
        const { p, said } = readings[i];
        return `${isolate(task)} ${isolate(spec.classes[i][said])} (${share(p[said])})`;
      });
      const what = state.who ? "a cosine" : "a probability",
        [reached, wanted] = beside(level, state.at / 100);
      const end = answered ? `the bot answers ${isolate(name)}` : `the bot says “I don't know”`;
      return `The message is read as ${read.join(", ")}. With ${what} of ${reached} and a threshold of ${wanted} ${end}.`;
    },
    compare: "level",
    get comparedAs() {
      return ui.state.who ? " of cosine" : " of probability";
    },
    comparable: (kept, now) => kept.who === now.who,
    measures(state) {
      const { near, readings } = all(state),
        { level, answered } = decided(state);
      return {
        answered: Number(answered),
        level,
        threshold: state.at / 100,
        cosine: near.cosine,
        ...named("p", spec.tasks, (i) => readings[i].p[readings[i].said]),
        ...named("class", spec.tasks, (i) => readings[i].said),
      };
    },
    table(state) {
      const { readings } = all(state);
      return {
        head: ["task", "class", "score z", "probability"],
        rows: spec.tasks.flatMap((task, i) =>
          spec.classes[i].map((name, c) => [
            task,
            c === readings[i].said ? `${name} ◀` : name,
            signed(readings[i].z[c], 2),
            readings[i].p[c].toFixed(3),
          ]),
        ),
      };
    },
    code(state) {
      const { x, text } = all(state),
        { level, name } = decided(state);
      const words = x.map(([j]) => spec.words[j]);
      const lines = [
        "import numpy as np",
        `# ${JSON.stringify(text)}: the weights of its words, as they are on the page`,
        `words = ${JSON.stringify(words)}`,
        `x = np.array(${JSON.stringify(x.map(([, v]) => v))})`,
        "readings = {}",
      ];
      spec.tasks.forEach((task, i) => {
        const { W, b } = maps[i];
        const rows = spec.classes[i].map((_, c) => x.map(([j]) => W(c, j)));
        lines.push(
          `W = np.array(${JSON.stringify(rows)}).reshape(${spec.classes[i].length}, len(words))`,
          `z = W @ x + np.array(${JSON.stringify(spec.classes[i].map((_, c) => b(c)))})`,
          "p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()",
          `readings[${JSON.stringify(task)}] = dict(zip(${JSON.stringify(spec.classes[i])}, p))`,
        );
      });
      const given = state.who
        ? `level, name = ${level}, ${JSON.stringify(name)}  # the nearest known message's`
        : `name, level = max(readings[${JSON.stringify(spec.tasks[answers])}].items(), key=lambda pair: pair[1])`;
      lines.push(given, `reply = name if level >= ${state.at / 100} else None`, "print(readings, reply)");
      return lines.join("\n");
    },
  };
};
