// Pictures: drawn when they come into view, with their tables; let go of when they are replaced.
const pictures = { all: [], engine: null, seen: null, themes: {} };

async function startPictures() {
  const data = await readPictures();
  pictures.seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const picture = pictures.all.find((one) => one.figure === entry.target);
      picture.visible = entry.isIntersecting;
      if (picture.visible && picture.stale) drawPicture(picture);
    }
  }, { rootMargin: "300px" });
  for (const one of data) {
    const figure = byId(`picture-${one.name}`);
    const picture = { ...one, figure, stale: true, visible: false, made: null, serial: 0 };
    buildPicture(picture);
    pictures.all.push(picture);
    pictures.seen.observe(figure);
  }
  const redraw = debounced(150, () => pictures.all.forEach(staled));
  afterFilter(redraw);
  themeListeners.push(redraw);
  // Who prints sees all of them, also those that never came into view: the library has to be there by then.
  (window.requestIdleCallback ?? setTimeout)(() => engine());
  window.addEventListener("beforeprint", () => pictures.all.forEach((one) => { if (one.stale) drawPicture(one); }));
  onState((changed) => pictures.all.forEach((one) => {
    if (changed(`pic_${one.name}`)) { syncSlice(one); staled(one); }
  }));
}

// Slices that have the same specification or the same rows share them.
async function readPictures() {
  const data = await readData("pictures-data");
  if (!data) return [];
  pictures.themes = data.themes;
  for (const picture of data.pictures) {
    picture.slices = picture.slices.map(([label, spec, columns, rows]) =>
      ({ label, spec: data.specs[spec], columns: data.columns[columns], rows: data.rows[rows] }));
  }
  return data.pictures;
}

function staled(picture) {
  picture.stale = true;
  fillTable(picture);
  if (picture.visible) drawPicture(picture);
}

const sliceOf = (picture) => picture.slices[Math.min(Number(stateOf(`pic_${picture.name}`)) || 0, picture.slices.length - 1)];

function buildPicture(picture) {
  const tools = el("div", { class: "tools" });
  if (picture.slices.length > 1) {
    picture.select = el("select", { "aria-label": `What is shown of ${picture.title}` },
      picture.slices.map((slice, at) => el("option", { value: String(at) }, slice.label)));
    picture.select.addEventListener("change", () =>
      changeState({ [`pic_${picture.name}`]: picture.select.value === "0" ? "" : picture.select.value }));
    tools.append(picture.select);
  }
  picture.drawing = el("div", { class: "drawing" });
  if (byId("drawing")) {
    tools.append(
      el("button", { type: "button", onclick: () => savePicture(picture, "svg") }, "Save SVG"),
      el("button", { type: "button", onclick: () => savePicture(picture, "png") }, "Save PNG"));
  }
  tools.append(el("button", { type: "button", onclick: (event) => copyText(pictureText(picture), event.currentTarget) }, "Copy data"));
  picture.table = el("details", {}, el("summary", {}, "Data"));
  picture.table.addEventListener("toggle", () => fillTable(picture));
  if (!byId("drawing")) picture.table.open = true;
  picture.figure.append(tools, ...(byId("drawing") ? [picture.drawing] : []), picture.table);
  syncSlice(picture);
}

function syncSlice(picture) {
  if (picture.select) picture.select.value = String(picture.slices.indexOf(sliceOf(picture)));
}

function shownRows(slice) {
  const at = slice.columns.findIndex(([field]) => field === "test");
  if (at < 0 || filter.whole || !filter.tests) return slice.rows;
  return slice.rows.filter((row) => row[at] === null || filter.tests[row[at]]);
}

const tableColumns = (slice) => slice.columns.map(([field, head], at) => [at, field, head]).filter(([, field]) => field !== "test");
const SHOWN_DATA = 1000;

function fillTable(picture) {
  if (!picture.table.open) { picture.table.querySelector(".scroll")?.remove(); return; }
  const slice = sliceOf(picture), rows = shownRows(slice), columns = tableColumns(slice);
  const number = new Set(columns.map(([at]) => at).filter((at) => rows.every((row) => row[at] === null || typeof row[at] === "number")));
  const cell = (tag, at, text) => el(tag, { class: number.has(at) ? "n" : null, scope: tag === "th" ? "col" : null }, text);
  const inside = el("table", { class: "data" },
    el("thead", {}, el("tr", {}, columns.map(([at, , head]) => cell("th", at, head)))),
    el("tbody", {}, rows.slice(0, SHOWN_DATA).map((row) => el("tr", {}, columns.map(([at]) => cell("td", at, row[at] ?? ""))))));
  if (rows.length > 1) sortable(inside);
  const table = el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `Data of ${picture.title}` }, inside,
    rows.length > SHOWN_DATA ? el("p", { class: "note" }, `and ${rows.length - SHOWN_DATA} more; Copy data has them`) : null);
  picture.table.querySelector(".scroll")?.remove();
  picture.table.append(table);
}

function pictureText(picture) {
  const slice = sliceOf(picture), columns = tableColumns(slice);
  return [tsvLine(columns.map(([, , head]) => head)),
    ...shownRows(slice).map((row) => tsvLine(columns.map(([at]) => row[at])))].join("\n");
}

// The library is unpacked and run once, when the first picture is to be drawn.
function engine() {
  if (!byId("drawing")) return Promise.resolve(null);
  pictures.engine ??= unpacked(byId("drawing").textContent.trim()).then((code) => {
    const script = document.createElement("script");
    script.textContent = `(() => {${code}\n})();`;
    document.head.append(script);
    script.remove();
    return window.vegaEmbed ?? null;
  });
  return pictures.engine;
}

// Nothing is loaded and no link is followed, whatever a specification or its data say.
const noLoader = {
  load: () => Promise.reject(new Error("this page loads nothing")),
  sanitize: () => Promise.reject(new Error("this page has no links in pictures")),
};

async function embedded(place, slice, theme) {
  const embed = await engine();
  if (!embed) return null;
  return embed(place, withRows(slice), {
    mode: "vega-lite", renderer: "svg", actions: false, defaultStyle: false, logLevel: 1, config: pictures.themes[theme],
    loader: noLoader, tooltip: { theme: theme === "dark" ? "dark" : "light" },
  });
}

async function drawPicture(picture) {
  picture.stale = false;
  const serial = (picture.serial += 1);
  const place = el("div", { class: "place" });
  // It measures its width, so it has to be in the page; what was drawn before stays until then.
  const before = [...picture.drawing.children];
  picture.drawing.append(place);
  try {
    const made = await embedded(place, sliceOf(picture), themeName());
    if (serial !== picture.serial) { made?.finalize(); place.remove(); return; }
    picture.made?.finalize();
    picture.made = made;
    before.forEach((node) => node.remove());
    nameDrawing(picture);
  } catch (error) {
    if (serial !== picture.serial) { place.remove(); return; }
    picture.drawing.replaceChildren(el("p", { class: "note" }, `This picture could not be drawn: ${error.message}. Its data are below.`));
  }
}

function nameDrawing(picture) {
  const drawn = picture.drawing.querySelector("svg");
  if (!drawn) return;
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", cleanText(`${picture.title}: ${picture.sentence}`));
  // One picture with one name: what is in it is read in its table.
  for (const part of drawn.children) part.setAttribute("aria-hidden", "true");
}
