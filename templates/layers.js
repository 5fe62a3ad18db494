/* Filters for the documents. Without it every document can still be chosen. */
for (const reader of document.querySelectorAll(".reader")) {
  const documents = [...reader.querySelectorAll(".document")];
  const radios = [...reader.querySelectorAll(".pick input")];
  const sorts = documents.map(one => JSON.parse(one.dataset.sorts));
  const controls = document.createElement("div");
  controls.className = "controls";
  const made = (tag, text) => {
    const element = document.createElement(tag);
    element.textContent = text;
    return element;
  };
  const wanted = new Map();
  const fits = i => [...wanted].every(([key, value]) => value === "" || sorts[i][key] === value);
  const open = () => radios.map((_, i) => i).filter(fits);
  const show = i => { radios[i].checked = true; };
  const count = made("span", "");
  count.setAttribute("role", "status");
  const filter = () => {
    radios.forEach((radio, i) => { radio.parentElement.hidden = !fits(i); });
    const left = open();
    count.textContent = `${left.length} of ${radios.length} documents`;
    if (left.length && !left.some(i => radios[i].checked)) show(left[0]);
  };
  const step = by => {
    const left = open();
    const at = left.findIndex(i => radios[i].checked);
    if (left.length) show(left[(at + by + left.length) % left.length]);
  };
  if (radios.length) {
    for (const [text, by] of [["Previous", -1], ["Next", 1]]) {
      const button = made("button", text);
      button.type = "button";
      button.addEventListener("click", () => step(by));
      controls.append(button);
    }
    for (const key of [...new Set(sorts.flatMap(Object.keys))].sort()) {
      const values = [...new Set(sorts.map(one => one[key]).filter(value => value !== undefined))];
      if (values.length < 2) continue;
      const label = made("label", `${key} `), select = document.createElement("select");
      for (const value of ["", ...values.sort()]) {
        const option = made("option", value || "all");
        option.value = value;
        select.append(option);
      }
      select.addEventListener("change", () => { wanted.set(key, select.value); filter(); });
      label.append(select);
      controls.append(label);
    }
  }
  for (const [name, text, there] of [
    ["kinds", "colour kinds of words", ".ke, .kn, .kv, .ka, .ks"],
    ["weights", "underline by attribution", ".a1, .a2, .a3, .a4"],
  ]) {
    if (!reader.querySelector(there)) continue;
    const label = made("label", ""), box = document.createElement("input");
    box.type = "checkbox";
    box.addEventListener("change", () => reader.classList.toggle(name, box.checked));
    label.append(box, ` ${text}`);
    controls.append(label);
  }
  controls.append(count);
  reader.prepend(controls);
  filter();
}
/* A table that does not scroll needs no stop of its own. */
const stops = () => {
  for (const box of document.querySelectorAll(".scroll")) {
    box.tabIndex = box.scrollWidth > box.clientWidth ? 0 : -1;
  }
};
addEventListener("resize", stops);
document.addEventListener("toggle", stops, true);
stops();
