// Pictures: drawn when they come into view, with their tables; let go of when they are replaced.
const pictures = { all: [], engine: null, seen: null };

function startPictures() {
  const data = readJson("pictures-data") ?? [];
  pictures.seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const picture = pictures.all.find((one) => one.figure === entry.target);
      picture.visible = entry.isIntersecting;
      if (picture.visible && picture.stale) drawPicture(picture);
    }
  }, { rootMargin: "300px" });
  for (const one of data) {
    const figure = byId(`picture-${one.name}`);
    const picture = { ...one, figure, stale: true, visible: false, view: null, serial: 0 };
    buildPicture(picture);
    pictures.all.push(picture);
    pictures.seen.observe(figure);
  }
  const redraw = debounced(150, () => pictures.all.forEach(staled));
  onFilter(redraw);
  themeListeners.push(redraw);
  onState((changed) => pictures.all.forEach((one) => {
    if (changed(`pic_${one.name}`)) { syncSlice(one); staled(one); }
  }));
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
  picture.figure.append(tools, picture.drawing, picture.table);
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
  const table = el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `Data of ${picture.title}` },
    el("table", { class: "data" },
      el("thead", {}, el("tr", {}, columns.map(([, , head]) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, rows.slice(0, SHOWN_DATA).map((row) => el("tr", {}, columns.map(([at]) =>
        el("td", { class: typeof row[at] === "number" ? "n" : null }, row[at] ?? "")))))),
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
    // The bundle's `vega` and `vegaLite` are null.
    return typeof window.vegaEmbed === "function" ? window.vegaEmbed : null;
  });
  return pictures.engine;
}

async function drawPicture(picture) {
  picture.stale = false;
  const serial = (picture.serial += 1);
  const embed = await engine();
  if (serial !== picture.serial) return;
  if (!embed) { undrawn(picture, "the library did not start"); return; }
  const place = el("div");
  try {
    const made = await embed(place, themed(sliceOf(picture), picture), {
      mode: "vega-lite", renderer: "svg", actions: false, defaultStyle: false, hover: false, logLevel: 1,
    });
    if (serial !== picture.serial) { made.finalize(); return; }
    picture.made?.finalize();
    picture.made = made;
    picture.view = made.view;
    picture.drawing.replaceChildren(place);
    nameDrawing(picture);
  } catch (error) {
    undrawn(picture, error.message);
  }
}

function undrawn(picture, why) {
  picture.drawing.replaceChildren(el("p", { class: "note" }, `This picture could not be drawn: ${why}. Its data are below.`));
}

function nameDrawing(picture) {
  const svg = picture.drawing.querySelector("svg");
  if (!svg) return;
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", cleanText(`${picture.title}: ${picture.sentence}`));
}
