// Robots.  Arrays: lam (L), press (L, T, N), leads (T, N, 4), moves (L, T, N), far (T, N), share (L, T).
// press is the policy, a button for each cell; leads says where each button leads. So a drive is a walk through two tables.

const PUSHES = [
  [-1, 0],
  [0, 1],
  [1, 0],
  [0, -1],
]; // (down, right) of north, east, south, west
const GUST_OF = { "^": 0, ">": 1, v: 2, "<": 3 };
const MOVE_TIME = 180; // milliseconds a move

EXPLORERS.robots = (ui) => {
  const { spec } = ui,
    lam = Array.from(ui.read("lam").all),
    arriving = ui.read("share");
  // A saved page keeps long arrays to 16 bits of their range: what is a whole number is rounded to one.
  const exact = (name) => {
    const at = ui.read(name);
    return (...index) => Math.round(at(...index));
  };
  const [press, leads, moves, far] = ["press", "leads", "moves", "far"].map(exact);
  const worlds = spec.worlds,
    nWorlds = worlds.length;
  const most = Math.max(...spec.cells.map((cells) => cells.length));
  const cellOf = (state) => Math.min(state.start, spec.cells[state.world].length - 1);
  const place = ([r, c]) => `row ${r}, column ${c}`;

  /** The cells from the start to the goal, or until one comes again. */
  const wayOf = (state) => {
    const t = state.world,
      way = [cellOf(state)],
      met = new Set(way);
    while (way.at(-1) !== spec.goals_at[t]) {
      const at = way.at(-1);
      way.push(leads(t, at, press(state.lam, t, at)));
      if (met.has(way.at(-1))) break;
      met.add(way.at(-1));
    }
    return way;
  };
  const meanOf = (r) => worlds.reduce((sum, _, t) => sum + arriving(r, t), 0) / nWorlds;
  const arrives = (state) => moves(state.lam, state.world, cellOf(state)) >= 0;

  // ---- controls ----------------------------------------------------------------------------------------------------
  let timer = null;
  const still = matchMedia("(prefers-reduced-motion: reduce)"); // then a drive is its end, without the film
  const stop = () => {
    clearInterval(timer);
    timer = null;
    ui.store.playing = false;
    put(play, "▶ Drive");
  };
  const drive = () => {
    const end = wayOf(ui.state).length - 1,
      from = ui.state.at >= end ? 0 : ui.state.at;
    if (still.matches) return ui.update({ at: end });
    ui.store.playing = true;
    put(play, "❚❚ Pause");
    ui.update({ at: from });
    timer = setInterval(() => {
      const last = wayOf(ui.state).length - 1;
      if (ui.state.at < last) ui.update({ at: ui.state.at + 1 });
      if (ui.state.at >= last) stop();
    }, MOVE_TIME);
  };
  const play = h(
    "button",
    { type: "button", style: "min-width:92px", onclick: () => (timer ? stop() : drive()) },
    "▶ Drive",
  );
  ui.slider({
    name: "lam",
    label: "Penalty on the adapters λ:",
    max: lam.length - 1,
    text: (i) => short(lam[i]),
    ends: ["separate policies", "one policy for all"],
  });
  ui.choice({ name: "world", label: "World", options: worlds });
  ui.controls.append(h("div", { className: "control" }, play));
  const scrub = ui.slider({
    name: "at",
    label: "Moves:",
    max: most,
    wide: false,
    text: (k, state) => String(Math.min(k, wayOf(state).length - 1)),
  });
  ui.slider({
    name: "start",
    label: "Start:",
    max: most - 1,
    wide: false,
    text: (_, state) => place(spec.cells[state.world][cellOf(state)]),
  });
  ui.syncs.unshift((state) => set(scrub, { max: wayOf(state).length - 1 }));
  for (const type of ["pointerdown", "keydown"]) scrub.addEventListener(type, stop);

  // ---- the map -------------------------------------------------------------------------------------------------------
  ui.panels.style.setProperty("--columns", "minmax(0, 1fr) minmax(0, 1fr)");
  const left = ui.panel("The map, and the policy as arrows", {
    note: "Filled: wall. Hatched: ice. Small triangle: gust. Star: goal. An arrow points where the policy's button pushes. Click a cell to start there.",
  });
  let svg = null,
    top = null,
    drawn = -1; // the world on the sheet
  ui.picture(left, (sheet_, width) => {
    svg = sheet_;
    drawn = -1;
    top = { width };
    if (ui.width) lay(ui.state.world);
  });
  const lay = (t) => {
    const rows = spec.maps[t],
      [nRows, nColumns] = [rows.length, rows[0].length];
    const size = Math.floor(Math.min(top.width / nColumns, 34)),
      high = size * nRows;
    sheet(svg, { width: top.width, height: high });
    const x = (c) => (c + 0.5) * size,
      y = (r) => (r + 0.5) * size;
    const paths = { wall: "", ice: "", hatch: "", gust: "", grid: "" };
    rows.forEach((row, r) => {
      Array.from(row).forEach((sign, c) => {
        const box = `M${c * size},${r * size}h${size}v${size}h${-size}z`;
        if (sign === "#") paths.wall += box;
        else paths.grid += box;
        if (sign === "~") {
          paths.ice += box;
          for (const part of [0, 0.5]) {
            const [a, b] = [part * size, (1 - part) * size];
            paths.hatch += `M${c * size + a},${(r + 1) * size}l${b},${-b}`;
            if (part) paths.hatch += `M${c * size},${r * size + a}l${a},${-a}`;
          }
        }
        if (sign in GUST_OF) {
          const [down, right] = PUSHES[GUST_OF[sign]],
            u = size * 0.13;
          const tip = [x(c) + right * size * 0.42, y(r) + down * size * 0.42];
          paths.gust += `M${tip}L${tip[0] - right * u - down * u},${tip[1] - down * u - right * u}L${tip[0] - right * u + down * u},${tip[1] - down * u + right * u}z`;
        }
      });
    });
    const goal = spec.cells[t][spec.goals_at[t]];
    const star = Array.from({ length: 10 }, (_, k) => {
      const radius = size * (k % 2 ? 0.17 : 0.42),
        turn = (k * Math.PI) / 5;
      return `${x(goal[1]) + radius * Math.sin(turn)},${y(goal[0]) - radius * Math.cos(turn)}`;
    });
    svg.append(
      s("path", { d: paths.grid, class: "grid" }),
      s("path", { d: paths.ice, fill: "var(--series-0)", "fill-opacity": 0.12 }),
      s("path", { d: paths.hatch, stroke: "var(--series-0)", "stroke-opacity": 0.5, fill: "none" }),
      s("path", { d: paths.wall, fill: "var(--soft)" }),
      s("path", { d: paths.gust, fill: "var(--soft)" }),
      s("polygon", { points: star.join(" "), fill: "var(--series-1)" }),
    );
    const line_ = { fill: "none", "stroke-linecap": "round", "stroke-linejoin": "round" };
    const arrows = s("path", { ...line_, stroke: "var(--fg)", "stroke-width": 1.3, class: "policy" }),
      way = s("polyline", { ...line_, stroke: "var(--series-0)", "stroke-width": 3 }),
      ring = s("circle", { r: size * 0.32, fill: "none", stroke: "var(--series-0)", "stroke-width": 2.5 }),
      robot = s("circle", {
        r: size * 0.24,
        fill: "var(--series-0)",
        stroke: "var(--bg)",
        "stroke-width": 2,
        class: "robot",
      });
    const kept = ["ghost", "pin"].map((name) => s("polyline", { ...line_, class: name }));
    svg.top.append(arrows, ...kept, way, ring, robot);
    top = { ...top, size, x, y, arrows, kept, way, ring, robot };
    drawn = t;
    svg.style.cursor = "pointer";
    svg.onclick = (event) => {
      const box = svg.getBoundingClientRect();
      const [r, c] = [event.clientY - box.top, event.clientX - box.left].map((v) => Math.floor(v / size));
      const cell = spec.cells[t].findIndex(([a, b]) => a === r && b === c);
      if (cell >= 0) {
        stop();
        ui.update({ start: cell, at: 0 });
      }
    };
  };
  const arrowsOf = (r, t) => {
    const { size, x, y } = top;
    return spec.cells[t]
      .map(([row, column], i) => {
        if (i === spec.goals_at[t]) return "";
        const [down, right] = PUSHES[spec.pushes[t][press(r, t, i)]],
          [a, b] = [size * 0.26, size * 0.15];
        const tip = [x(column) + right * a, y(row) + down * a];
        const back = [tip[0] - right * b, tip[1] - down * b];
        return (
          `M${x(column) - right * a},${y(row) - down * a}L${tip}` +
          `M${back[0] - down * b},${back[1] - right * b}L${tip}L${back[0] + down * b},${back[1] + right * b}`
        );
      })
      .join("");
  };

  // ---- the shares ------------------------------------------------------------------------------------------------------
  const right = ui.panel("From how many cells does it arrive?", {
    note: "On the five maps, one of each world: the share of the cells from which there is a way.".replace(
      "five maps",
      nWorlds === 1 ? "map" : `${nWorlds} maps`,
    ),
  });
  const whereAt = (r) => `at λ = ${short(lam[r])}`;
  let cursor = null,
    mark = null,
    X = null,
    ends = null;
  ui.picture(right, (chart, width) => {
    const tags = clipAll(worlds, Math.min(130, width * 0.24));
    const size = { width, height: 230, left: 42, right: endRoom(tags, whereAt(0)), top: 12, bottom: 36 };
    const log = lam.map((v) => Math.log10(v));
    const plot = axes(chart, size, {
      x: [log[0], log.at(-1)],
      y: [0, 1],
      xTicks: ticks(log[0], log.at(-1), 5).filter((v, i) => Number.isInteger(v) && (width > 420 || i % 2 === 0)),
      yTicks: [0, 0.25, 0.5, 0.75, 1],
      xText: (v) => short(10 ** v),
      yText: percent,
      xName: "λ",
    });
    const entries = worlds.map((title, t) => ({ name: tags[t], key: marker(t, series(t)), title }));
    ends = endNames(chart, entries, { x: width - size.right, low: size.top, high: size.height - size.bottom });
    ends.place(worlds.map((_, t) => plot.Y(arriving(log.length - 1, t))));
    worlds.forEach((_, t) => {
      const points = log.map((v, r) => [plot.X(v), plot.Y(arriving(r, t))]);
      const look = { d: line(points), fill: "none", stroke: series(t), "stroke-width": 2, "stroke-dasharray": dash(t) },
        nodes = [s("path", look), move(marker(t, series(t)), ...points)];
      for (const node of [...nodes, ...ends.nodes[t]]) node.dataset.task = t;
      chart.append(...nodes);
    });
    mark = marks(chart, size.top, size.height - size.bottom);
    cursor = s("line", { class: "cursor", y1: size.top, y2: size.height - size.bottom });
    chart.top.append(cursor);
    X = (r) => plot.X(log[r]);
    slideOver(chart, X, log.length, (at) => ui.update({ lam: at }));
  });

  return {
    draw(state) {
      if (drawn !== state.world) lay(state.world);
      const { x, y } = top,
        way = wayOf(state),
        at = Math.min(state.at, way.length - 1);
      const through = (cells) => cells.map((i) => spec.cells[state.world][i]).map(([r, c]) => [x(c), y(r)]),
        points = through(way),
        both = [ui.store.before, ui.store.pinned];
      top.kept.forEach((node, i) => {
        const here = both[i]?.state.world === state.world; // the way of a kept state, on the same map
        set(node, { points: here ? through(wayOf(both[i].state)).join(" ") : "" });
      });
      mark(...both.map((kept) => (kept ? X(kept.state.lam) : null)));
      set(top.arrows, { d: arrowsOf(state.lam, state.world) });
      set(top.way, { points: points.slice(0, at + 1).join(" ") });
      move(top.ring, points[0]);
      move(top.robot, points[at]);
      set(cursor, { x1: X(state.lam), x2: X(state.lam) });
    },
    write(state) {
      ends.read(
        whereAt(state.lam),
        worlds.map((_, t) => percent(arriving(state.lam, t))),
      );
    },
    say(state) {
      const t = state.world,
        cell = cellOf(state),
        way = wayOf(state),
        at = Math.min(state.at, way.length - 1),
        best = far(t, cell);
      const expert =
        best < 0 ? "no way leads to the goal from here" : `a shortest way has ${best} ${best === 1 ? "move" : "moves"}`;
      const n = way.length - 1;
      const end = arrives(state)
        ? `arrives after ${n} ${n === 1 ? "move" : "moves"}`
        : `is in a cell for the second time after ${n} ${n === 1 ? "move" : "moves"}, and goes in circles for ever`;
      const now = at ? ` After ${at} it is in ${place(spec.cells[t][way[at]])}.` : "";
      return `λ = ${short(lam[state.lam])}, ${worlds[t]}: from ${place(spec.cells[t][cell])} the robot ${end}; ${expert}.${now} It arrives from ${share(arriving(state.lam, t))} of this map's cells, and from ${share(meanOf(state.lam))} in the mean of the maps.`;
    },
    compare: "mean",
    measures(state) {
      const cell = cellOf(state);
      return {
        lam: lam[state.lam],
        world: state.world + 1,
        moves: Math.min(state.at, wayOf(state).length - 1),
        arrives: Number(arrives(state)),
        expert: Math.max(0, far(state.world, cell)),
        share: arriving(state.lam, state.world),
        mean: meanOf(state.lam),
        ...named("share", worlds, (t) => arriving(state.lam, t)),
      };
    },
    table(state) {
      return {
        head: ["λ", ...worlds, "mean"],
        rows: lam.map((v, r) => [
          r === state.lam ? `${short(v)} ◀` : short(v),
          ...worlds.map((_, t) => percent(arriving(r, t))),
          percent(meanOf(r)),
        ]),
      };
    },
    code: (state) =>
      spec.code.replace("{lam}", String(spec.lams[state.lam])).replace("{world}", JSON.stringify(worlds[state.world])),
    reset: stop,
    destroy: stop,
  };
};
