// The course of a figure over runs, drawn as the pictures of the page are. What all courses share is told once.
let coursesData = null;

function startCourses() { coursesData = readJson("courses-data"); }

function coursePart(course) {
  const { runs, marks, columns, specs } = coursesData;
  const rows = [...course.rows, ...marks].map(([at, ...rest]) => [runs[at - 1][0], at, runs[at - 1][1], ...rest]);
  const figure = el("figure", { class: "picture", "aria-label": course.name });
  const picture = {
    name: "course", title: course.name, sentence: `${course.name} over ${runs.length} runs`, figure,
    slices: [{ label: course.name, spec: specs[course.spec], columns, rows }],
    stale: true, visible: true, made: null, view: null, serial: 0,
  };
  buildPicture(picture);
  themeListeners.push(() => { if (figure.isConnected) drawPicture(picture); });
  if (byId("drawing")) drawPicture(picture);
  return figure;
}

// The runs that have this figure, each with the way to the key in its report.
function courseRuns(key, course) {
  const places = [...new Set(course.rows.map(([at]) => at))].sort((a, b) => b - a);
  return el("ul", { class: "lines" }, places.map((at) => {
    const [id, day, href] = coursesData.runs[at - 1];
    return el("li", {}, linkTo(`${href}report.html#key=${key}`, id), ` ${day}`);
  }));
}
