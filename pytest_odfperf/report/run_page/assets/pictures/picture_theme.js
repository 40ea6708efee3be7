// A picture's specification with its rows, and pictures as files.
// XML has no place for these, and an SVG with one of them is none.
const noText = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g;
const drawable = (value) => (typeof value === "string" ? value.replace(noText, "\ufffd") : value);

function withRows(slice) {
  const names = slice.columns.map(([field]) => field);
  const values = shownRows(slice).map((row) => Object.fromEntries(names.map((name, at) => [name, drawable(row[at])])));
  return { ...slice.spec, data: { values } };
}

// Saved as on white paper, whatever the page looks like.
async function savePicture(picture, kind) {
  const place = el("div", { style: `position:absolute;left:-99999px;width:${picture.drawing.clientWidth}px` });
  document.body.append(place);
  try {
    const made = await embedded(place, sliceOf(picture), "light");
    if (!made) return;
    const name = `${picture.name}.${kind}`;
    if (kind === "svg") saveFile(name, new Blob([await made.view.toSVG()], { type: "image/svg+xml" }));
    else {
      const drawn = await made.view.toCanvas(2);
      await new Promise((done) => drawn.toBlob((blob) => { saveFile(name, blob); done(); }, "image/png"));
    }
    made.finalize();
  } finally {
    place.remove();
  }
}
