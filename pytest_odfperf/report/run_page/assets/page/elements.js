// Elements. Data becomes text nodes only: nothing of a run is ever read as HTML.
const byId = (id) => document.getElementById(id);

// What a browser would draw as nothing, or take for an end: shown as a missing character.
const cleanText = (text) => String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else node.setAttribute(name, value === true ? "" : cleanText(value));
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(node, child);
    else node.append(child instanceof Node ? child : document.createTextNode(cleanText(child)));
  }
}

function readJson(id) {
  const node = byId(id);
  if (!node) return null;
  const found = JSON.parse(node.textContent);
  node.remove(); // its text is not needed twice
  return found;
}

function debounced(wait, call) {
  let timer = 0;
  return (...given) => { clearTimeout(timer); timer = setTimeout(() => call(...given), wait); };
}

// Three significant digits without an exponent; whole numbers keep all their digits.
function digits(value, count = 3) {
  if (value === 0) return "0";
  const rounded = Number(value.toPrecision(count));
  const decimals = Math.max(0, count - 1 - Math.floor(Math.log10(Math.abs(rounded))));
  return rounded.toFixed(Math.min(decimals, 20));
}

// As `digits`, with its thousands apart.
const grouped = (text) => text.replace(/^(≥?\d{1,3})((?:\d{3})+)(?=\.|$)/, (_, first, rest) => first + rest.replace(/\d{3}/g, ",$&"));

const stateWord = (state, word) => el("span", { class: `state state-${state}` }, word);

async function copyText(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea", { style: "position:fixed;left:-9999px", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  flash(button, "Copied");
}

function flash(button, text) {
  if (!button) return;
  if (!button.dataset.usual) button.dataset.usual = button.textContent;
  button.textContent = text;
  setTimeout(() => { button.textContent = button.dataset.usual; }, 1500);
}

function saveFile(name, blob) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// A cell of a spreadsheet: what begins as a formula would, does not.
const harmless = (text) => (/^[=+\-@\t\r]/.test(text) && !/^-?[\d.]+$/.test(text) ? `'${text}` : text);
const tsvLine = (cells) => cells.map((cell) => harmless(String(cell ?? "").replace(/[\t\r\n]+/g, " "))).join("\t");
const csvLine = (cells) => cells.map((cell) => {
  const text = harmless(String(cell ?? "").replace(/[\r\n]+/g, " "));
  return /[",;]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}).join(",");
