// Views, keys, colours, printing.

const THEMES = ["auto", "light", "dark"];
const VIEWS = ["findings", "map", "about"];
const PRINTED = 200;
const help = document.getElementById("help");

function view(name) {
  for (const each of VIEWS) {
    document.getElementById(`view-${each}`).hidden = each !== name;
    document.getElementById(`tab-${each}`).setAttribute("aria-selected", each === name);
  }
  if (name === "findings") drawRows();
}

function go(name) {
  view(name);
  if (name === "findings") list.focus({ preventScroll: true });
  else document.getElementById(`tab-${name}`).focus();
}

const stored = (action) => { try { return action(window.localStorage); } catch { return null; } };

function theme(name) {
  document.documentElement.dataset.theme = name;
  const button = document.getElementById("theme");
  button.textContent = { auto: "◐", light: "○", dark: "●" }[name];
  button.setAttribute("aria-label", `Colours: ${{ auto: "automatic", light: "light", dark: "dark" }[name]}`);
}

function nextTheme() {
  const name = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
  theme(name);
  stored((storage) => storage.setItem("tracer-theme", name));
}

const KEYS = {
  j: () => select(state.at + 1),
  ArrowDown: () => select(state.at + 1),
  k: () => select(state.at - 1),
  ArrowUp: () => select(state.at - 1),
  g: () => select(0),
  G: () => select(state.shown.length - 1),
  PageDown: () => select(state.at + 8),
  PageUp: () => select(state.at - 8),
  Enter: openDetail,
  Escape: closeDetail,
  "/": () => { view("findings"); search.focus(); search.select(); },
  o: () => { state.role = state.role === "origins" ? "" : "origins"; applyFilters(); },
  x: clearFilters,
  m: () => go("map"),
  f: () => go("findings"),
  t: nextTheme,
  "?": () => help.showModal(),
};
const INSIDE_DETAIL = new Set(["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Enter"]);

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (event.target === search) {
    if (event.key === "Escape") { if (search.value) { search.value = ""; applyFilters(); } else list.focus(); }
    else if (event.key === "Enter" || event.key === "ArrowDown") list.focus();
    else return;
    event.preventDefault();
    return;
  }
  if (event.target.closest("select, button, .node") && ["Enter", " ", "ArrowDown", "ArrowUp"].includes(event.key)) return;
  if (event.target.closest("#detail") && INSIDE_DETAIL.has(event.key)) return;
  const action = KEYS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function preparePrint() {
  const shown = state.shown.slice(0, PRINTED);
  const more = state.shown.length - shown.length;
  document.getElementById("print").replaceChildren(
    ...shown.map((finding) => make("article", {}, ...describe(finding))),
    ...(more ? [make("p", {}, `… and ${counted(more, "finding")} more.`)] : []),
  );
}

function start() {
  theme(THEMES.includes(stored((storage) => storage.getItem("tracer-theme"))) ? stored((storage) => storage.getItem("tracer-theme")) : "auto");
  startList();
  startMap();
  applyFilters();
  if (BY_KEY.has(location.hash.slice(1))) goTo(location.hash.slice(1));
  for (const name of VIEWS) document.getElementById(`tab-${name}`).addEventListener("click", () => view(name));
  document.getElementById("theme").addEventListener("click", nextTheme);
  document.getElementById("help-button").addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", pressed);
  window.addEventListener("hashchange", () => goTo(location.hash.slice(1)));
  window.addEventListener("beforeprint", preparePrint);
  window.addEventListener("afterprint", () => document.getElementById("print").replaceChildren());
  started = true;
  list.focus({ preventScroll: true });
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

start();
