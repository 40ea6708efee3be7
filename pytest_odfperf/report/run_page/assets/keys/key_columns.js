// The table of keys as it was sent: column by column.
const keys = { columns: [], byName: new Map(), rows: 0, tests: null, states: null, words: [], search: null };

async function readKeys() {
  const data = await readData("keys-data");
  if (!data) return false;
  keys.words = readJson("states");
  const tests = readJson("tests-data");
  keys.testStates = tests.states;
  keys.noun = tests.noun ?? "tests"; // what a row is one of
  keys.jobs = tests.jobs;
  keys.edges = tests.edges_ms;
  keys.rows = data.tests.length;
  keys.tests = new Int32Array(keys.rows);
  data.tests.reduce((before, step, row) => (keys.tests[row] = before + step), 0);
  keys.states = data.states;
  for (const column of data.columns) {
    if (column.sort === "number") {
      column.numbers = Float64Array.from(column.values, (value) => value ?? NaN);
      column.mark = new Map();
      for (const [mark, rows] of Object.entries(column.marks ?? {})) rows.forEach((row) => column.mark.set(row, mark));
      if (column.spread) {
        const [rows, lows, highs] = column.spread;
        column.around = new Map(rows.map((row, at) => [row, [lows[at], highs[at]]]));
      }
      delete column.values;
    }
    keys.columns.push(column);
    keys.byName.set(column.name, column);
  }
  return true;
}

// The text of a column in a row, as it is copied: figures with all the digits that were sent.
function plainCell(column, row) {
  if (column.sort !== "number") return column.texts[column.values[row]];
  const mark = column.mark.get(row);
  const value = column.numbers[row];
  if (mark === "n/a") return "n/a";
  if (Number.isNaN(value)) return "";
  return `${mark ?? ""}${value}`;
}

function shownCell(column, row) {
  if (column.sort !== "number") return column.texts[column.values[row]];
  const mark = column.mark.get(row);
  const value = column.numbers[row];
  if (mark === "n/a") return "n/a";
  if (Number.isNaN(value)) return "";
  return (mark ?? "") + (column.whole ? String(value) : grouped(digits(value)));
}

function spreadOf(column, row) {
  const found = column.around?.get(row);
  const value = column.numbers[row];
  if (!found || !(value > 0)) return "";
  const most = Math.max(found[1] - value, value - found[0]) / value;
  return `±${digits(most * 100, 2)} %`;
}

const KEY_FIELDS = ["pool", "size", "pvc", "vms", "profile", "bs"];

function keyText(row) {
  return KEY_FIELDS.map((name) => {
    const column = keys.byName.get(name);
    return column ? plainCell(column, row) : "";
  }).join(":");
}

// Small letters of all that is searched, made at the first search.
function searchTexts() {
  if (!keys.search) {
    const searched = keys.columns.filter((column) => column.sort !== "number" && column.name !== "began");
    keys.search = Array.from({ length: keys.rows }, (_, row) =>
      `${keyText(row)} ${searched.map((column) => plainCell(column, row)).join(" ")}`.toLowerCase());
  }
  return keys.search;
}
