// Five guided stories of three stops each: what to look at, and the state to look at it in.

const EACH = [
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
  ],
  ALL = [
    [1, 1],
    [1, 1],
    [1, 1],
    [1, 1],
  ],
  NONE = [[], [], [], []];

const STORIES = [
  {
    title: "One word, two meanings",
    stops: [
      {
        say: "Four kinds of reviews, and half of their opinion words change sides between them. One model for all (no adapter): it must average. Look at the words: one bar for all tasks.",
        set: { r: 0.5, n: 40, graph: NONE, at: 300 },
      },
      {
        say: "Now every task has an adapter. The bar is what all agree on; the markers leave it where a task means something else by the word.",
        set: { r: 0.5, n: 40, graph: EACH, at: 300 },
      },
      {
        say: "Make the tasks alike (relatedness 1). The markers stay near the bar: what little the adapters still say is the luck of these sentences.",
        set: { r: 1, n: 40, graph: EACH, at: 300 },
      },
    ],
  },
  {
    title: "Too few sentences",
    stops: [
      {
        say: "Five sentences a task, and a model for each (the shared part costs much, adapters little). It learns its few sentences by heart: look at the curve of new sentences.",
        set: { r: 0.75, n: 5, graph: EACH, lam: 2, lamS: 12, at: 300 },
      },
      {
        say: "The same five sentences, one model for all: four times as many to learn from.",
        set: { r: 0.75, n: 5, graph: NONE, lamS: 4, at: 300 },
      },
      {
        say: "Adapters with a price: drag lambda. Small, and each task is alone again; large, and full sharing is left.",
        set: { r: 0.75, n: 5, graph: EACH, lam: 6, lamS: 4, at: 300 },
      },
    ],
  },
  {
    title: "Make RAG lose",
    stops: [
      {
        say: "Tasks that are one and the same (relatedness 1), few sentences. Full sharing knows it from the start.",
        set: { r: 1, n: 10, graph: NONE, at: 300 },
      },
      {
        say: "Adapters with a small price: they find differences where there are none. Accuracy falls.",
        set: { r: 1, n: 10, graph: EACH, lam: 1, at: 300 },
      },
      {
        say: "Tasks that share nothing (relatedness 0), many sentences: one model for all is far behind, and RAG does as well as models of their own. No strategy is best everywhere.",
        set: { r: 0, n: 120, graph: EACH, lam: 4, at: 300 },
      },
    ],
  },
  {
    title: "The start that is never forgotten",
    stops: [
      {
        say: "A large random start, no penalty, plain gradient descent. This line ends with how far W_s minus the sum of the adapters has moved; play, and see that the words keep a piece of their random start.",
        set: { r: 0.5, n: 30, graph: EACH, lam: 0, lamS: 0, optimiser: 1, lr: 5, random: 1, at: 0 },
      },
      {
        say: "After 400 steps: W_s minus the sum of the adapters is what it was at step 0, but for rounding (law 2). The end of this line says how far it has moved.",
        set: { r: 0.5, n: 30, graph: EACH, lam: 0, lamS: 0, optimiser: 1, lr: 5, random: 1, at: 400 },
      },
      {
        say: "With a penalty it fades: the same 400 steps move W_s minus the sum of the adapters. Every start ends in the same weights if you train long enough (law 4).",
        set: { r: 0.5, n: 30, graph: EACH, lam: 9, lamS: 9, optimiser: 1, lr: 5, random: 1, at: 400 },
      },
    ],
  },
  {
    title: "The article's sum collapses",
    stops: [
      {
        say: "The article adds every adapter for every sentence: all rows of the graph are alike. Four tasks, one matrix: no marker leaves another.",
        set: { r: 0.25, n: 40, graph: ALL, at: 300 },
      },
      {
        say: "More adapters in the same sum change nothing: it is still one matrix.",
        set: {
          r: 0.25,
          n: 40,
          graph: [
            [1, 1, 1, 1],
            [1, 1, 1, 1],
            [1, 1, 1, 1],
            [1, 1, 1, 1],
          ],
          at: 300,
        },
      },
      {
        say: "Rows that differ let tasks differ. That is all a graph is for.",
        set: { r: 0.25, n: 40, graph: EACH, at: 300 },
      },
    ],
  },
];
