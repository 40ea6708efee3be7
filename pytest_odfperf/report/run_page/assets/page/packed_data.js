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
