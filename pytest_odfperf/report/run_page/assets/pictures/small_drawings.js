// The two drawings of the panel: latencies and the course in time, each with its table.
const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, cleanText(value));
  append(node, children);
  return node;
}

const WIDE = 700, HIGH = 150, LEFT = 8, LOW = 22;

function canvas(label, ...children) {
  return svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH + LOW}`, class: "drawn", role: "img", "aria-label": label }, ...children);
}

const axis = () => svg("line", { x1: LEFT, x2: WIDE - LEFT, y1: HIGH, y2: HIGH, class: "axis" });
const tick = (x, text, anchor = "middle") => svg("text", { x, y: HIGH + 15, "text-anchor": anchor, class: "tick" }, text);

// Columns of equal width are equal factors of latency.
function histogramOf({ name, first, counts }) {
  const edges = keys.edges.slice(first, first + counts.length + 1);
  const most = Math.max(...counts), every = counts.reduce((sum, count) => sum + count, 0);
  const step = (WIDE - 2 * LEFT) / counts.length;
  const bars = counts.map((count, at) => {
    const high = (count / most) * (HIGH - 18);
    return svg("rect", { x: LEFT + at * step + 0.5, width: Math.max(1, step - 1), y: HIGH - high, height: high, class: "bar" });
  });
  const each = Math.ceil(counts.length / 8);
  const ticks = edges.filter((_, at) => at % each === 0).map((edge, at) => tick(LEFT + at * each * step, digits(edge, 2), at ? "middle" : "start"));
  let before = 0;
  const rows = counts.map((count, at) => {
    before += count;
    return [edges[at], edges[at + 1] ?? "", count, Number(((100 * before) / every).toPrecision(5))];
  });
  return [
    el("h4", {}, `${name}: I/Os by latency (ms)`),
    canvas(`Histogram of the latencies of ${name}, from ${digits(edges[0], 2)} ms on`, bars, axis(), ticks),
    folded(`Latencies of ${name}`, ["from ms", "below ms", "I/Os", "up to here %"], rows),
  ];
}

function seriesOf({ name, end_s: ends, iops, least, most }) {
  const top = Math.max(...(most ?? iops), 1), last = ends[ends.length - 1];
  const x = (second) => LEFT + (second / last) * (WIDE - 2 * LEFT);
  const y = (rate) => HIGH - (rate / top) * (HIGH - 18);
  const points = (rates) => rates.map((rate, at) => `${x(ends[at]).toFixed(1)} ${y(rate).toFixed(1)}`);
  const band = most ? svg("path", { d: `M${[...points(most), ...points(least).reverse()].join("L")}Z`, class: "band" }) : null;
  const heads = ["until s", "IOPS", ...(most ? ["least", "most"] : [])];
  return [
    el("h4", {}, `${name}: IOPS of all VMs in time (s), at most ${grouped(digits(top))}`),
    canvas(`IOPS of ${name} over ${digits(last)} s, at most ${digits(top)}`, band,
      svg("path", { d: `M${points(iops).join("L")}`, class: "course" }), axis(),
      tick(LEFT, "0", "start"), tick(x(last / 2), digits(last / 2, 2)), tick(WIDE - LEFT, digits(last, 3), "end")),
    folded(`Course of ${name}`, heads, ends.map((end, at) => [end, iops[at], ...(most ? [least[at], most[at]] : [])])),
  ];
}

function folded(title, heads, rows) {
  const box = el("details", {}, el("summary", {}, "Data"));
  box.addEventListener("toggle", () => { if (box.open && box.children.length < 2) box.append(detailTable(title, heads, rows)); });
  return box;
}
