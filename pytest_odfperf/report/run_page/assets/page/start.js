// The page begins.
async function start() {
  document.documentElement.classList.add("scripted");
  startState();
  startTheme();
  startTables();
  startCourses();
  const withKeys = await readKeys();
  if (withKeys) {
    startCounts();
    startFilterLinks();
    startGrid();
    startTools();
    startDetails();
    afterFilter(() => filterTables((test) => filter.tests[test] === 1, filter.whole));
    onState((changed) => {
      if (changed("cols")) { drawHead(); syncColumns(); drawSort(); drawRows(true); }
      if (changed(...filterNames())) applyFilter();
      else if (changed("sort")) applySort();
      if (changed("key")) drawDetails();
    });
    applyFilter();
    if (stateOf("key")) drawDetails();
  }
  startPictures();
  const at = location.hash.slice(1);
  if (at && !at.includes("=")) jumpTo(at);
}
