// Which rows are shown, in which order; all that follows the counts goes by it.
const filter = { found: [], rows: new Int32Array(0), tests: null, whole: true, listeners: [], later: [], serial: 0 };

// The table of keys follows at once, what is not in view of it after the next frame.
const onFilter = (listener) => filter.listeners.push(listener);
const afterFilter = (listener) => filter.later.push(listener);
const choosable = () => keys.columns.filter((column) => column.choose);
const filterNames = () => ["state", "q", ...choosable().map((column) => `f_${column.name}`)];

// Of a run with repeats a row for each key over all of them comes first; the repeats are a choice.
const repeatChoice = () => stateOf("f_repeat") || (keys.byName.get("repeat")?.texts.includes("all") ? "all" : "");

function chosenMask() {
  const names = stateOf("state").split(",").filter(Boolean);
  if (!names.length) return 0;
  return keys.words.reduce((mask, [name], at) => mask | (names.includes(name) ? 1 << at : 0), 0);
}

function applyFilter() {
  const mask = chosenMask();
  const words = stateOf("q").toLowerCase().split(/\s+/).filter(Boolean);
  const searched = words.length ? searchTexts() : null;
  const chosen = [];
  for (const column of choosable()) {
    const text = column.name === "repeat" ? repeatChoice() : stateOf(`f_${column.name}`);
    if (!text || text === "*") continue;
    if (column.name === "repeat" && text === "all") chosen.push(rowsTogether());
    else if (column.sort === "number") chosen.push((row) => column.numbers[row] === Number(text));
    else {
      const value = column.texts.indexOf(text);
      chosen.push((row) => column.values[row] === value);
    }
  }
  const fits = (row) => !(mask && !(keys.states[row] & mask))
    && (!searched || words.every((word) => searched[row].includes(word))) && chosen.every((one) => one(row));
  const found = [];
  filter.tests = new Uint8Array(keys.testStates.length);
  for (let row = 0; row < keys.rows; row += 1) if (fits(row)) found.push(row);
  markTests(found, mask);
  filter.whole = !mask && !words.length && choosable().every((column) => !stateOf(`f_${column.name}`));
  filter.found = found;
  applySort();
  const serial = (filter.serial += 1);
  requestAnimationFrame(() => setTimeout(() => {
    if (serial === filter.serial) for (const listener of filter.later) listener();
  }, 0));
}

// Another order alone changes nothing but the table of keys.
function applySort() {
  filter.rows = sortedRows(filter.found);
  for (const listener of filter.listeners) listener();
}

// Rows over the repeats of a key, and rows of keys that have none.
function rowsTogether() {
  if (!filter.together) {
    const repeat = keys.byName.get("repeat"), all = repeat.texts.indexOf("all");
    filter.together = new Uint8Array(keys.rows);
    let key = "";
    for (let row = 0; row < keys.rows; row += 1) {
      if (repeat.values[row] === all) { filter.together[row] = 1; key = keyText(row); }
      else if (keyText(row) !== key) filter.together[row] = 1;
    }
  }
  return (row) => filter.together[row];
}

// The tests that the rows are about. A row over the repeats of a key stands for all that fit the states.
function markTests(rows, mask) {
  const repeat = keys.byName.get("repeat");
  const all = repeat?.texts.indexOf("all") ?? -1;
  for (const row of rows) {
    if (all < 0 || repeat.values[row] !== all) { filter.tests[keys.tests[row]] = 1; continue; }
    let other = row;
    while (other < keys.rows && repeat.values[other] === all) other += 1; // its own sections
    for (; other < keys.rows && repeat.values[other] !== all && keyText(other) === keyText(row); other += 1) {
      if (!mask || (1 << keys.testStates[keys.tests[other]]) & mask) filter.tests[keys.tests[other]] = 1;
    }
  }
}

function sortedRows(found) {
  const rows = Int32Array.from(found);
  const given = stateOf("sort");
  const column = keys.byName.get(given.replace(/^-/, ""));
  if (!column) return rows;
  const sign = given.startsWith("-") ? -1 : 1;
  if (column.sort !== "number") {
    const { rank, values, texts } = column;
    const empty = texts.indexOf("");
    return rows.sort((a, b) => (values[a] === empty) - (values[b] === empty)
      || sign * (rank[values[a]] - rank[values[b]]) || a - b);
  }
  const { numbers } = column;
  return rows.sort((a, b) => {
    const one = numbers[a], other = numbers[b];
    if (one !== one || other !== other) return (one !== one) - (other !== other) || a - b; // NaN: not there
    return sign * (one - other) || a - b;
  });
}

function startFilterLinks() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-filter]");
    if (!link) return;
    event.preventDefault();
    changeState(Object.fromEntries(new URLSearchParams(link.dataset.filter)));
    jumpTo("keys");
  });
}

function startCounts() {
  const buttons = [...document.querySelectorAll(".counts button")];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const names = new Set(stateOf("state").split(",").filter(Boolean));
      names.has(button.dataset.state) ? names.delete(button.dataset.state) : names.add(button.dataset.state);
      changeState({ state: [...names].join(",") });
    });
  }
  onFilter(() => {
    const names = stateOf("state").split(",");
    for (const button of buttons) button.setAttribute("aria-pressed", String(names.includes(button.dataset.state)));
    const shown = filter.tests.reduce((sum, one) => sum + one, 0), every = filter.tests.length;
    byId("filter-said").textContent = filter.whole ? `All ${every} ${keys.noun} are shown.`
      : `${shown} of ${every} ${keys.noun} are shown below.`;
  });
}
