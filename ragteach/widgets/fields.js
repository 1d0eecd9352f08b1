// A sentence to pick from a list, or to write: the two controls, and the strongest of many parts.

/** The two controls in a row; change({ [name]: i, typed }) hears of either. Without `placeholder` nothing can be written. */
function sentenceFields(ui, { into, name, label, options, placeholder, written, change }) {
  const pick = ui.choice({ name, label, into, options, change: (i) => change({ [name]: i, typed: "" }) });
  pick.parentElement.style.flex = "1 1 320px";
  pick.parentElement.classList.add("field");
  if (!placeholder) return;
  const field = h("input", {
    type: "text",
    dir: "auto",
    placeholder: `Or write your own, ${placeholder}`,
    maxLength: 2000,
    oninput: () => ui.update({ typed: field.value }),
  });
  field.setAttribute("aria-label", written);
  into.append(h("div", { className: "control", style: "flex:1 1 260px" }, field));
  ui.syncs.push((state) => field.value !== state.typed && (field.value = state.typed));
}

/** The strongest parts in their order, the others as one: of at most `most` parts all stay. */
function strongest(parts, most, weight, together) {
  if (parts.length <= most) return parts;
  const strong = new Set([...parts].sort((a, b) => weight(b) - weight(a)).slice(0, most - 1));
  const rest = parts.filter((part) => !strong.has(part));
  return [...parts.filter((part) => strong.has(part)), { word: `${rest.length} more words`, ...together(rest) }];
}
