// Light or dark: as the reader's system is, unless it is chosen here.
const THEMES = ["auto", "light", "dark"];
const themeListeners = [];

function themeName() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen) return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function setTheme(name) {
  if (name === "light" || name === "dark") document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
  byId("theme").textContent = `Theme: ${THEMES.includes(name) ? name : "auto"}`;
  for (const listener of themeListeners) listener();
}

function startTheme() {
  const kept = stateOf("theme");
  let name = THEMES.includes(kept) ? kept : "auto";
  setTheme(name);
  byId("theme").addEventListener("click", () => {
    name = THEMES[(THEMES.indexOf(name) + 1) % THEMES.length];
    changeState({ theme: name === "auto" ? "" : name }, false);
    setTheme(name);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTheme(name));
}
