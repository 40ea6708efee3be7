// What is above the table of keys: search, choices, columns, copies.
function startTools() {
  const search = byId("keys-search");
  search.value = stateOf("q");
  search.addEventListener("input", debounced(120, () => changeState({ q: search.value.trim() }, false)));
  const places = byId("keys-choices");
  const selects = [];
  for (const column of choosable()) {
    const texts = choices(column);
    if (texts.length < 2) continue;
    const select = el("select", { "data-column": column.name },
      el("option", { value: column.name === "repeat" && texts.includes("all") ? "*" : "" }, "any"),
      texts.map((text) => el("option", { value: text }, shownChoice(column, text))));
    select.addEventListener("change", () => {
      const usual = column.name === "repeat" ? repeatUsual() : "";
      changeState({ [`f_${column.name}`]: select.value === usual ? "" : select.value });
    });
    selects.push([column, select]);
    places.append(el("label", {}, column.heading, select));
  }
  byId("keys-reset").addEventListener("click", () =>
    changeState(Object.fromEntries([...filterNames(), "sort", "cols"].map((name) => [name, ""]))));
  byId("keys-copy").addEventListener("click", (event) => copyText(rowsText(tsvLine), event.currentTarget));
  byId("keys-save").addEventListener("click", () =>
    saveFile("keys.csv", new Blob([rowsText(csvLine), "\n"], { type: "text/csv" })));
  drawColumnChoice();
  const sync = () => {
    if (document.activeElement !== search) search.value = stateOf("q");
    for (const [column, select] of selects) {
      select.value = column.name === "repeat" ? repeatChoice() || select.options[0].value : stateOf(`f_${column.name}`);
    }
    const tests = filter.tests.reduce((sum, one) => sum + one, 0);
    const lines = filter.rows.length === tests ? "" : ` in ${filter.rows.length} lines`;
    const printed = filter.rows.length > PRINTED ? ` The first ${PRINTED} lines are printed.` : "";
    byId("keys-shown").replaceChildren(`${tests} of ${keys.testStates.length} ${keys.noun}${lines}.`,
      el("span", { class: "how" }, " Enter or a click opens one."), el("span", { class: "printed" }, printed));
  };
  onFilter(sync);
}

const repeatUsual = () => (keys.byName.get("repeat")?.texts.includes("all") ? "all" : "");
const shownChoice = (column, text) => (column.name === "repeat" && text === "all" ? "all together" : text || "(none)");

function choices(column) {
  if (column.sort === "number") {
    return [...new Set(column.numbers)].filter((value) => !Number.isNaN(value)).sort((a, b) => a - b).map(String);
  }
  return [...column.texts].filter((text) => text !== "").sort((a, b) =>
    column.rank[column.texts.indexOf(a)] - column.rank[column.texts.indexOf(b)]).slice(0, 400);
}

function rowsText(line) {
  const heads = grid.columns.map((column) => column.heading);
  const rows = Array.from(filter.rows, (row) => line(grid.columns.map((column) => plainCell(column, row))));
  return [line(heads), ...rows].join("\n");
}

function drawColumnChoice() {
  const shown = new Set(shownColumns().map((column) => column.name));
  byId("keys-columns").replaceChildren(...keys.columns.map((column) => {
    const box = el("input", { type: "checkbox", value: column.name });
    box.checked = shown.has(column.name);
    box.addEventListener("change", () => {
      const names = [...byId("keys-columns").querySelectorAll("input:checked")].map((one) => one.value);
      const usual = keys.columns.filter((one) => !one.more).map((one) => one.name);
      changeState({ cols: names.join() === usual.join() || !names.length ? "" : names.join() });
    });
    return el("label", {}, box, " ", column.heading);
  }));
}

function syncColumns() {
  const shown = new Set(shownColumns().map((column) => column.name));
  for (const box of byId("keys-columns").querySelectorAll("input")) box.checked = shown.has(box.value);
}
