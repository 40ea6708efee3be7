// The page's state is its URL's fragment, so that a link shows what its sender saw.
const pageState = { values: new URLSearchParams(location.hash.slice(1)), listeners: [] };

const stateOf = (name) => pageState.values.get(name) ?? "";

// `changes`: name to text; empty removes it. `push`: back leads to what was before.
function changeState(changes, push = true) {
  const next = new URLSearchParams(pageState.values);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "" || value === null || value === undefined) next.delete(name);
    else next.set(name, value);
  }
  next.sort();
  if (next.toString() === pageState.values.toString()) return;
  const before = pageState.values;
  pageState.values = next;
  const hash = `#${shortened(next)}`;
  try {
    history[push ? "pushState" : "replaceState"](null, "", hash);
  } catch {
    location.hash = hash; // where a file has no history of its own
  }
  tellState(before);
}

// As URLSearchParams, but with signs that need no escape in a fragment left readable.
const shortened = (values) => values.toString().replace(/%3A/gi, ":").replace(/%2C/gi, ",").replace(/%40/gi, "@");

function onState(listener) { pageState.listeners.push(listener); }

// Listeners get a function that tells whether one of the names changed.
function tellState(before) {
  const changed = (...names) => names.some((name) => (before?.get(name) ?? "") !== stateOf(name));
  for (const listener of pageState.listeners) listener(changed);
}

function readFragment() {
  const text = location.hash.slice(1);
  if (text && !text.includes("=")) { jumpTo(text); return; }
  const before = pageState.values;
  const next = new URLSearchParams(text);
  next.sort();
  if (next.toString() === before.toString()) return;
  pageState.values = next;
  tellState(before);
}

function jumpTo(id) {
  const place = byId(id);
  if (!place) return;
  place.scrollIntoView({ block: "start" });
  if (!place.hasAttribute("tabindex")) place.setAttribute("tabindex", "-1");
  place.focus({ preventScroll: true });
}

function startState() {
  window.addEventListener("popstate", readFragment);
  window.addEventListener("hashchange", readFragment);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-jump]");
    if (!link) return;
    event.preventDefault(); // the fragment is the state
    jumpTo(link.dataset.jump);
  });
}
