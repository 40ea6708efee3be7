// Compressed data of the page, unpacked when it is needed.
async function unpacked(base64) {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

// JSON of the page, compressed or not; null where there is none.
async function readData(id) {
  const node = byId(id);
  if (!node) return null;
  if (!node.type.includes("gzip")) return readJson(id);
  const text = node.textContent.trim();
  node.remove(); // its text is not needed twice
  return JSON.parse(await unpacked(text));
}

// What a chunk has of one of its tests: parts that are alike are told once for all of them.
function detailsAt(found, test) {
  if (!found || test >= found.heads.length) return null;
  const parts = [];
  for (const { title, heads, of, rows, own } of found.parts) {
    const at = of.indexOf(test);
    if (at < 0) continue;
    const part = { title, heads };
    for (const [name, values] of Object.entries(own ?? {})) part[name] = values[at] ?? undefined;
    if (rows) part.rows = rowsAt(rows, at);
    parts.push(part);
  }
  return { head: found.heads[test], job: found.jobs[test], parts };
}

function rowsAt([lengths, columns], at) {
  const start = lengths.slice(0, at).reduce((sum, length) => sum + length, 0);
  return Array.from({ length: lengths[at] }, (_, row) => columns.map((column) => column[start + row]));
}

// Chunks of details: the last few that were opened stay unpacked.
const chunkCache = new Map();
const CHUNKS_KEPT = 4;

async function chunk(number) {
  if (!chunkCache.has(number)) {
    const node = document.querySelectorAll("script.chunk")[number];
    if (!node) return null;
    chunkCache.set(number, unpacked(node.textContent.trim()).then(JSON.parse));
    if (chunkCache.size > CHUNKS_KEPT) chunkCache.delete(chunkCache.keys().next().value);
  }
  return chunkCache.get(number);
}
