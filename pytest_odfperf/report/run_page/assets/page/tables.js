// Small tables that the page has from the beginning: sorted by their headings, copied, filtered with the keys.
function startTables() {
  for (const table of document.querySelectorAll("table.data")) {
    if (table.tHead && table.tBodies[0]?.rows.length > 1 && !table.hasAttribute("data-plain")) sortable(table);
  }
}

function sortable(table) {
  [...table.tHead.rows[0].cells].forEach((head, at) => {
    const text = head.textContent;
    head.replaceChildren(el("button", { type: "button", class: "sort", onclick: () => sortTable(table, at) }, text));
  });
}

function sortTable(table, at) {
  const heads = [...table.tHead.rows[0].cells];
  const down = heads[at].getAttribute("aria-sort") === "ascending";
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[at].setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows].map((row, place) => [sortValue(row.cells[at]), place, row]);
  rows.sort(([a, p], [b, q]) => compared(a, b, down) || p - q);
  table.tBodies[0].append(...rows.map(([, , row]) => row));
}

function sortValue(cell) {
  if (!cell) return null;
  const text = cell.dataset.value ?? cell.textContent.trim();
  if (text === "" || text === "n/a") return null;
  const number = Number(text.replace(/[≥%]/g, ""));
  return Number.isNaN(number) ? text : number;
}

// What is not there comes last, whichever way the others go.
function compared(a, b, down) {
  if (a === null || b === null) return (a === null) - (b === null);
  const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  return down ? -order : order;
}

const cellsOf = (row) => [...row.cells].map((cell) => cell.textContent.trim());

const tableText = (table) => [...table.rows].filter((row) => !row.classList.contains("left-out"))
  .map((row) => tsvLine(cellsOf(row))).join("\n");

// Rows that belong to a test go with it; a table says how many are left out.
function filterTables(isShown, whole) {
  for (const table of document.querySelectorAll("[data-of-tests]")) {
    let left = 0;
    for (const row of table.querySelectorAll("[data-test]")) {
      const out = !whole && !row.dataset.test.split(" ").some((test) => isShown(Number(test)));
      row.classList.toggle("left-out", out);
      if (out) left += 1;
    }
    let said = table.nextElementSibling?.matches?.(".left-said") ? table.nextElementSibling : null;
    if (!said) { said = el("p", { class: "note left-said" }); table.after(said); }
    said.textContent = left ? `${left} left out by the filter.` : "";
  }
}
