// The table of keys: only the rows that can be seen are in the document.
const ROW = 30;
const BEYOND = 8;
const PRINTED = 2000;
const grid = { box: null, body: null, head: null, columns: [], drawn: new Map(), active: 0, printing: false };

function shownColumns() {
  const wanted = stateOf("cols");
  if (!wanted) return keys.columns.filter((column) => !column.more);
  const names = wanted.split(",");
  return keys.columns.filter((column) => names.includes(column.name));
}

function startGrid() {
  grid.box = byId("keys-grid");
  grid.box.addEventListener("scroll", () => requestAnimationFrame(drawRows), { passive: true });
  grid.box.addEventListener("keydown", gridKey);
  grid.box.addEventListener("copy", copyPlain);
  new ResizeObserver(() => drawRows()).observe(grid.box);
  window.addEventListener("beforeprint", () => { grid.printing = true; drawRows(true); });
  window.addEventListener("afterprint", () => { grid.printing = false; drawRows(true); });
  drawHead();
  onFilter(() => { grid.active = 0; grid.box.scrollTop = 0; drawSort(); drawRows(true); });
}

// Figures are copied without what keeps their thousands apart.
function copyPlain(event) {
  event.clipboardData.setData("text/plain", String(getSelection()).replace(/(\d),(?=\d{3}(\D|$))/g, "$1"));
  event.preventDefault();
}

function drawHead() {
  grid.columns = shownColumns();
  grid.head = el("tr", { "aria-rowindex": "1" }, grid.columns.map((column, at) => el("th", {
    scope: "col", class: [column.sort === "number" ? "n" : "", at ? "" : "first"].join(" ").trim() || null,
    "data-column": column.name,
  }, el("button", { type: "button", title: column.meaning, onclick: () => sortBy(column.name) }, column.heading))));
  grid.body = el("tbody");
  const widthOf = (column) => column.width + (column.around ? 44 : column.name === "state" && keys.byName.has("repeat") ? 66 : 0);
  const width = grid.columns.reduce((sum, column) => sum + widthOf(column), 0);
  const table = el("table", { role: "grid", "aria-label": "All keys", style: `width:max(100%, ${width}px)` },
    el("colgroup", {}, grid.columns.map((column) => el("col", { style: `width:${widthOf(column)}px` }))),
    el("thead", {}, grid.head), grid.body);
  table.addEventListener("click", gridClick);
  grid.table = table;
  grid.box.replaceChildren(table);
  grid.drawn.clear();
}

function sortBy(name) {
  const now = stateOf("sort");
  const column = keys.byName.get(name);
  // Numbers first the way that most want them: the largest on top.
  const steps = column.sort === "number" ? [`-${name}`, name, ""] : [name, `-${name}`, ""];
  changeState({ sort: steps[(steps.indexOf(now) + 1) % 3] });
}

function drawSort() {
  const given = stateOf("sort");
  for (const head of grid.head.cells) {
    const name = head.dataset.column;
    if (given === name) head.setAttribute("aria-sort", "ascending");
    else if (given === `-${name}`) head.setAttribute("aria-sort", "descending");
    else head.removeAttribute("aria-sort");
  }
}

function drawRows(anew = false) {
  const count = filter.rows.length;
  // What was sorted is to be seen at once: what is beyond follows after it.
  const beyond = anew ? 0 : BEYOND;
  const first = grid.printing ? 0 : Math.max(0, Math.floor(grid.box.scrollTop / ROW) - beyond);
  const seen = Math.ceil(grid.box.clientHeight / ROW) + 2 * beyond;
  const end = Math.min(count, grid.printing ? PRINTED : first + seen);
  if (!anew && grid.first === first && grid.end === end) return;
  const focused = grid.body.contains(document.activeElement);
  if (anew) grid.drawn.clear();
  const rows = new Map();
  for (let place = first; place < end; place += 1) rows.set(place, grid.drawn.get(place) ?? drawRow(place));
  grid.drawn = rows;
  grid.first = first;
  grid.end = end;
  grid.table.setAttribute("aria-rowcount", String(count + 1));
  grid.body.replaceChildren(space(first), ...rows.values(), space(grid.printing ? 0 : count - end));
  if (focused) grid.drawn.get(grid.active)?.focus({ preventScroll: true });
  if (anew) requestAnimationFrame(() => setTimeout(drawRows, 0));
}

const space = (rows) => el("tr", { class: "space", "aria-hidden": "true" },
  el("td", { colspan: grid.columns.length, style: `height:${Math.max(0, rows) * ROW}px` }));

function drawRow(place) {
  const row = filter.rows[place];
  const cells = grid.columns.map((column, at) => {
    const text = shownCell(column, row);
    const node = el("td", {
      class: [column.sort === "number" ? "n" : "", at ? "" : "first", text === "n/a" ? "away" : ""].filter(Boolean).join(" ") || null,
    });
    if (column.name === "state") {
      const state = keys.words.find(([, word]) => word === text || text.endsWith(` ${word}`));
      node.append(state ? stateWord(state[0], text) : el("span", { class: "state" }, text));
    } else if (column.around) append(node, [text, " ", el("span", { class: "spread" }, spreadOf(column, row))]);
    else append(node, [text]);
    if (text.length > 18 && column.sort !== "number") node.title = cleanText(text);
    return node;
  });
  return el("tr", {
    tabindex: place === grid.active ? "0" : "-1", "aria-rowindex": String(place + 2), "data-place": String(place),
    "aria-selected": String(keys.tests[row] === details.open),
  }, cells);
}

function gridClick(event) {
  const row = event.target.closest("tr[data-place]");
  // Who selects text to copy it does not want to open anything.
  if (!row || !getSelection().isCollapsed) return;
  setActive(Number(row.dataset.place), false);
  openKey(keys.tests[filter.rows[grid.active]]);
}

function gridKey(event) {
  if (!event.target.closest("tr[data-place]")) return;
  const page = Math.max(1, Math.floor(grid.box.clientHeight / ROW) - 2);
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
  if (event.key in steps) {
    event.preventDefault();
    setActive(Math.min(filter.rows.length - 1, Math.max(0, grid.active + steps[event.key])), true);
  } else if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    openKey(keys.tests[filter.rows[grid.active]]);
  }
}

function setActive(place, focus) {
  grid.drawn.get(grid.active)?.setAttribute("tabindex", "-1");
  grid.active = place;
  const top = place * ROW, bottom = top + ROW, room = grid.box.clientHeight - 41;
  if (top < grid.box.scrollTop) grid.box.scrollTop = top;
  else if (bottom > grid.box.scrollTop + room) grid.box.scrollTop = bottom - room;
  drawRows();
  const row = grid.drawn.get(place);
  row?.setAttribute("tabindex", "0");
  if (focus) row?.focus({ preventScroll: true });
}

// The open key's row is marked.
function markOpen() {
  for (const [place, row] of grid.drawn) {
    row.setAttribute("aria-selected", String(keys.tests[filter.rows[place]] === details.open));
  }
}
