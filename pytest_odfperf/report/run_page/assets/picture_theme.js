// A picture's specification with its rows and the page's colours.
const OKABE_ITO = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442"];
const SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right"];

function themed(slice, picture) {
  const values = shownRows(slice).map((row) => Object.fromEntries(slice.columns.map(([field], at) => [field, row[at]])));
  const spec = structuredClone(slice.spec);
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    ...spec,
    data: { ...(spec.data ?? {}), values },
    config: { ...themeConfig(), ...(spec.config ?? {}) },
  };
}

function themeConfig() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const text = { labelColor: colour("--ink"), titleColor: colour("--ink"), labelFontSize: 12, titleFontSize: 12, titleFontWeight: 600 };
  return {
    background: colour("--paper"),
    font: getComputedStyle(document.body).fontFamily,
    axis: { ...text, gridColor: colour("--line"), domainColor: colour("--strong-line"), tickColor: colour("--strong-line") },
    legend: text,
    header: text,
    title: { color: colour("--ink") },
    text: { color: colour("--ink"), fill: colour("--ink") },
    rule: { color: colour("--soft-ink") },
    view: { stroke: colour("--line") },
    range: { category: OKABE_ITO, symbol: SHAPES },
  };
}

// Saved as they would be on white paper.
async function savePicture(picture, kind) {
  const found = await engine();
  if (!found || !picture.view) return;
  const name = `${picture.name}.${kind}`;
  if (kind === "svg") {
    saveFile(name, new Blob([await picture.view.toSVG()], { type: "image/svg+xml" }));
    return;
  }
  const canvas = await picture.view.toCanvas(2);
  canvas.toBlob((blob) => saveFile(name, blob), "image/png");
}
