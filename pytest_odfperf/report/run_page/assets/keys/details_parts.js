// What the panel shows of a test. Tables are made of what the page was given: heads and rows.
function detailParts(test, found) {
  const [state, word] = keys.words[keys.testStates[test]];
  const parts = [el("p", {}, stateWord(state, word), found.head ? ` ${found.head}` : "")];
  for (const part of found.parts) parts.push(el("h3", {}, part.title), ...partBody(part));
  if (typeof found.job === "number") parts.push(el("h3", {}, "Job file"), el("pre", { tabindex: "0" }, keys.jobs[found.job]));
  return parts;
}

function partBody(part) {
  const body = [];
  if (part.text) body.push(el("p", { class: "cut" }, part.text));
  if (part.lines) body.push(el("ul", { class: "lines" }, part.lines.map((line) => el("li", {}, line))));
  if (part.heads) body.push(detailTable(part.title, part.heads, part.rows));
  for (const one of part.histograms ?? []) body.push(...histogramOf(one));
  for (const one of part.series ?? []) body.push(...seriesOf(one));
  if (part.links) body.push(el("ul", { class: "lines" }, part.links.map(([href, text]) => el("li", {}, linkTo(href, text)))));
  for (const [folder, names] of part.folders ?? []) body.push(folderOf(folder, names));
  if (part.course) body.push(coursePart(part.course), el("h3", {}, "In the runs"), courseRuns(part.key, part.course));
  if (part.note) body.push(el("p", { class: "note" }, part.note));
  return body;
}

const isNumber = (value) => typeof value === "number" || /^(n\/a|≥[\d.e+-]+)$/.test(value);

function detailTable(title, heads, rows) {
  const number = heads.map((_, at) => rows.every((row) => (row[at] ?? "") === "" || isNumber(row[at])));
  const texts = rows.map((row) => heads.map((_, at) => String(row[at] ?? "").replace("{key}", stateOf("key").replace(/@.*/, ""))));
  const table = el("table", { class: "data" },
    el("thead", {}, el("tr", {}, heads.map((head, at) => el("th", { scope: "col", class: number[at] ? "n" : null }, head)))),
    el("tbody", {}, texts.map((row) => el("tr", {}, row.map((text, at) =>
      el(at ? "td" : "th", { class: number[at] ? "n" : null, scope: at ? null : "row" }, text))))));
  if (rows.length > 1) sortable(table);
  return el("div", {}, el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": title }, table),
    el("div", { class: "tools" }, el("button", { type: "button", onclick: (event) => copyText(tableText(table), event.currentTarget) }, "Copy")));
}

// Links of a run lead to files below its folder; anything else stays text.
const leadsAway = (href) => /^[a-z][a-z0-9+.-]*:/i.test(href) || href.startsWith("//");
const linkTo = (href, text) => (leadsAway(href) ? text : el("a", { href }, text));

function folderOf(folder, names) {
  return el("div", {}, el("p", { class: "note" }, linkTo(folder || "./", folder ? decoded(folder) : "the run's folder")),
    el("ul", { class: "lines files" }, names.map((name) => el("li", {}, linkTo(folder + encoded(name), name)))));
}

// A name that is no text in UTF-8 can not be encoded as it is.
const encoded = (name) => encodeURIComponent(name.replace(/[\ud800-\udfff]/gu, "\ufffd"));

function decoded(href) {
  try { return decodeURIComponent(href); } catch { return href; }
}
