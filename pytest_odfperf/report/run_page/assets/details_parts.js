// What the panel shows of a test. Tables are made of what the page was given: heads and rows.
function detailParts(test, found) {
  const [state, word] = keys.words[keys.testStates[test]];
  const parts = [el("p", {}, stateWord(state, word), found.head ? ` ${found.head}` : "")];
  for (const part of found.parts) parts.push(el("h3", {}, part.title), ...partBody(part));
  return parts;
}

function partBody(part) {
  const body = [];
  if (part.text) body.push(el("p", { class: "cut" }, part.text));
  if (part.code) body.push(el("pre", { tabindex: "0" }, part.code));
  if (part.lines) body.push(el("ul", { class: "lines" }, part.lines.map((line) => el("li", {}, line))));
  if (part.heads) body.push(detailTable(part));
  if (part.links) body.push(el("ul", { class: "lines" }, part.links.map(([href, text]) => el("li", {}, linkTo(href, text)))));
  if (part.note) body.push(el("p", { class: "note" }, part.note));
  return body;
}

function detailTable(part) {
  const number = part.heads.map((_, at) => part.rows.every((row) => row[at] === null || row[at] === undefined || typeof row[at] === "number" || row[at] === "n/a"));
  return el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": part.title }, el("table", { class: "data" },
    el("thead", {}, el("tr", {}, part.heads.map((head, at) => el("th", { scope: "col", class: number[at] ? "n" : null }, head)))),
    el("tbody", {}, part.rows.map((row) => el("tr", {}, part.heads.map((_, at) =>
      el(at ? "td" : "th", { class: number[at] ? "n" : null, scope: at ? null : "row" }, row[at] ?? "")))))));
}

// Links of a run lead to files below its folder; anything else stays text.
function linkTo(href, text) {
  return /^[a-z][a-z0-9+.-]*:/i.test(href) || href.startsWith("//") ? text : el("a", { href }, text);
}
