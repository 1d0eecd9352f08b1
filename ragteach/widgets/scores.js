// One score of a word's weights for the classes: what a word's axis shows, and how its ends are called.
//
// Classes with an order (ends = [lowest, highest], their places): the weight for the highest minus that for the lowest.
// Classes without one (ends = null): that for one of them, which the learner chooses, minus the mean of the others.

/** The score as [class, factor], to be summed. */
function wordAxis(nClasses, ends, chosen) {
  if (ends)
    return [
      [ends[1], 1],
      [ends[0], -1],
    ];
  return Array.from({ length: nClasses }, (_, c) => [c, c === chosen ? 1 : -1 / (nClasses - 1)]);
}
/** The names of such an axis, from left to right, each at most so wide. */
function axisNames(classes, ends, chosen, width) {
  const rest = ruler("other classes") > width ? "others" : "other classes",
    names = ends ? ends.map((c) => classes[c]) : [rest, classes[chosen]];
  return clipAll(names, width).map(isolate);
}
/** The axis as it is written below a picture. */
const axisTitle = (classes, ends, chosen, width, what = "weight") =>
  axisNames(classes, ends, chosen, width).join(what ? `  ←  ${what}  →  ` : " ← → ");

/** Which class the words are scored for, in one row: { show(classes, ends) }; where classes have an order there is no choice. */
function classChoice(ui, into) {
  const row = h("div", { hidden: true });
  into.append(row);
  let shown = null,
    select = null;
  const make = () => {
    select = ui.choice({ name: "for_class", label: "Weight for the class", options: [], into: row });
    const control = select.parentElement;
    control.classList.add("field");
    control.firstChild.style.whiteSpace = "nowrap";
    control.style.cssText = "flex-direction:row;align-items:center;gap:8px";
    select.style.cssText = "flex:0 1 auto;min-width:0;min-height:26px;padding:1px 8px";
  };
  return {
    show(classes, ends) {
      row.hidden = Boolean(ends);
      const names = classes.join("\n");
      if (ends || names === shown) return;
      if (!select) make();
      shown = names;
      select.replaceChildren(...classes.map((name, c) => h("option", { value: c }, name)));
      select.value = ui.state.for_class ?? 0;
    },
  };
}
