// The panel of one test's details.
const CHUNK = 64;
const details = { names: null, byName: null, open: -1, serial: 0 };

// A test as links name it: its key, its repeat, and a number where several tests have both.
function testNames() {
  if (details.names) return details.names;
  details.names = new Array(keys.testStates.length).fill("");
  details.byName = new Map();
  const repeat = keys.byName.get("repeat");
  for (let row = 0; row < keys.rows; row += 1) {
    const test = keys.tests[row];
    const which = repeat ? plainCell(repeat, row) : "";
    if (which === "all" || details.names[test]) continue;
    const plain = keyText(row) + (which && which !== "1" ? `@${which}` : "");
    let name = plain;
    for (let number = 2; details.byName.has(name); number += 1) name = `${plain}@n${number}`;
    details.names[test] = name;
    details.byName.set(name, test);
  }
  return details.names;
}

const testName = (test) => testNames()[test];

function openKey(test) {
  changeState({ key: testName(test) });
}

function closeKey() {
  changeState({ key: "" });
}

function startDetails() {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && stateOf("key")) closeKey();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-open]");
    if (!link) return;
    event.preventDefault();
    openKey(Number(link.dataset.open));
  });
}

async function drawDetails() {
  const panel = byId("details");
  const name = stateOf("key");
  if (name) testNames();
  const test = name ? details.byName.get(name) : undefined;
  details.open = test ?? -1;
  markOpen();
  const serial = (details.serial += 1);
  if (!name) { emptyPanel(panel); return; }
  if (test === undefined) {
    panel.replaceChildren(panelHead(name, null), el("p", {}, "This page has no such key."));
    panel.hidden = false;
    return;
  }
  const found = detailsAt(await chunk(Math.floor(test / CHUNK)), test % CHUNK);
  if (serial !== details.serial) return; // another one was opened meanwhile
  panel.replaceChildren(panelHead(name, test), ...(found ? detailParts(test, found) : [el("p", {}, "No details are kept of it.")]));
  panel.hidden = false;
  panel.scrollTop = 0;
  panel.querySelector("h2").focus({ preventScroll: true });
}

// Who was in it goes on at the row that they came from.
function emptyPanel(panel) {
  const within = panel.contains(document.activeElement);
  panel.hidden = true;
  panel.replaceChildren();
  if (within) (grid.drawn.get(grid.active) ?? grid.box).focus({ preventScroll: true });
}

function panelHead(name, test) {
  const place = test === null ? -1 : filter.rows.findIndex((row) => keys.tests[row] === test);
  const near = (step) => {
    for (let at = place + step; at >= 0 && at < filter.rows.length; at += step) {
      if (keys.tests[filter.rows[at]] !== test) return at;
    }
    return -1;
  };
  const go = (step, text) => {
    const at = place < 0 ? -1 : near(step);
    return el("button", { type: "button", disabled: at < 0, onclick: () => { setActive(at, false); openKey(keys.tests[filter.rows[at]]); } }, text);
  };
  return el("div", { class: "panel-head" },
    el("h2", { tabindex: "-1" }, name),
    el("div", { class: "tools" }, go(-1, "Previous"), go(1, "Next"),
      el("button", { type: "button", onclick: (event) => copyText(location.href, event.currentTarget) }, "Copy link"),
      el("button", { type: "button", "aria-label": "Close the details", onclick: closeKey }, "Close (Esc)")));
}
