// The list: filters, and only those rows that are in sight.

const ROW = 66;
const SPARE = 8;
const MOST_CHOICES = 200; // those with most findings: the search finds the others
const ABSENT = "(absent)";
const list = document.getElementById("list");
const rows = document.getElementById("rows");
const detail = document.getElementById("detail");
const search = document.getElementById("search");
const kindSelect = document.getElementById("kind");
const componentSelect = document.getElementById("component");
const state = { severities: new Set(), role: "", caller: "", shown: FINDINGS, at: 0, open: false };

function matches(finding, terms, kind, component) {
  if (state.severities.size && !state.severities.has(finding.severity)) return false;
  if (!state.severities.size && finding.severity === "internal" && !terms.length) return false;
  if (state.role && finding.origin !== (state.role === "origins")) return false;
  if (kind && finding.kind.name !== kind) return false;
  if (component && finding.component !== component) return false;
  if (state.caller && !finding.callers.includes(state.caller)) return false;
  return terms.every((term) => haystack(finding).includes(term));
}

function applyFilters() {
  const selected = state.shown[state.at];
  const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const [kind, component] = [kindSelect.value, componentSelect.value];
  state.shown = FINDINGS.filter((finding) => matches(finding, terms, kind, component));
  state.at = Math.max(state.shown.indexOf(selected), 0);
  const filtered = terms.length || state.severities.size || state.role || kind || component || state.caller;
  document.getElementById("clear").hidden = !filtered;
  document.getElementById("count").textContent = `${grouped(state.shown.length)} of ${grouped(FINDINGS.length)}`;
  const caller = document.getElementById("caller");
  caller.hidden = !state.caller;
  caller.textContent = `called by ${state.caller} ×`;
  for (const button of document.querySelectorAll("#severities button")) {
    button.setAttribute("aria-pressed", state.severities.has(button.dataset.name));
  }
  for (const button of document.querySelectorAll("#roles button")) {
    button.setAttribute("aria-pressed", state.role === button.dataset.name);
  }
  select(state.at);
}

function clearFilters() {
  search.value = kindSelect.value = componentSelect.value = state.role = state.caller = "";
  state.severities.clear();
  applyFilters();
}

function select(at, { reveal = true } = {}) {
  state.at = Math.max(0, Math.min(at, state.shown.length - 1));
  if (reveal) {
    const top = state.at * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
  }
  drawRows();
  showDetail(state.shown[state.at]);
}

function drawRows() {
  rows.style.height = `${state.shown.length * ROW}px`;
  const first = Math.max(Math.floor(list.scrollTop / ROW) - SPARE, 0);
  const last = Math.min(Math.ceil((list.scrollTop + list.clientHeight) / ROW) + SPARE, state.shown.length);
  const drawn = [];
  for (let at = first; at < last; at += 1) drawn.push(drawRow(state.shown[at], at));
  rows.replaceChildren(...drawn);
  if (!state.shown.length) rows.append(make("p", { class: "empty" }, FINDINGS.length ? "Nothing matches these filters." : "No findings."));
  list.setAttribute("aria-activedescendant", state.shown.length ? `row-${state.at}` : "");
}

function drawRow(finding, at) {
  const [module, name] = splitName(finding.callable);
  const row = make(
    "div",
    {
      class: `row ${finding.severity}`,
      id: `row-${at}`,
      role: "option",
      "aria-selected": String(at === state.at),
      "aria-posinset": at + 1,
      "aria-setsize": state.shown.length,
      onclick: () => { select(at, { reveal: false }); openDetail(); },
    },
    make("div", { class: "line" }, make("span", { class: "name" }, make("span", { class: "dim" }, module), name), make("span", { class: "role" }, finding.origin ? "origin" : "")),
    make("div", { class: "line second" }, make("span", { class: "kind" }, finding.kind.name), make("span", { class: "values" }, ...brief(finding))),
  );
  row.style.transform = `translateY(${at * ROW}px)`;
  return row;
}

function brief(finding) {
  const { before, after } = finding;
  if (before && after && before !== ABSENT && after !== ABSENT) return [make("del", {}, before), " → ", make("ins", {}, after)];
  if (after && after !== ABSENT) return [make("ins", {}, after)];
  return before ? [make("del", {}, before)] : [finding.path];
}

function openDetail() {
  if (!state.shown.length) return;
  state.open = true;
  document.body.classList.add("open");
  detail.focus({ preventScroll: true });
}

function closeDetail() {
  state.open = false;
  document.body.classList.remove("open");
  list.focus({ preventScroll: true });
}

function countBy(key) {
  const counts = new Map();
  for (const finding of FINDINGS) counts.set(key(finding), (counts.get(key(finding)) || 0) + 1);
  return counts;
}

function chip(group, name, count, pressed) {
  const button = make("button", { class: `chip ${name}`, "data-name": name, "aria-pressed": "false" }, name, count === undefined ? null : make("b", {}, grouped(count)));
  button.addEventListener("click", () => { pressed(); applyFilters(); });
  document.getElementById(group).append(button);
}

function choices(element, all, counts) {
  const names = [...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one)).slice(0, MOST_CHOICES).sort();
  element.append(make("option", { value: "" }, all), ...names.map((name) => make("option", { value: name }, `${name} (${grouped(counts.get(name))})`)));
  element.addEventListener("change", applyFilters);
}

function startList() {
  const bySeverity = countBy((finding) => finding.severity);
  for (const name of SEVERITIES.filter((name) => bySeverity.has(name))) {
    chip("severities", name, bySeverity.get(name), () => state.severities.delete(name) || state.severities.add(name));
  }
  for (const name of ["origins", "effects"]) chip("roles", name, undefined, () => { state.role = state.role === name ? "" : name; });
  choices(kindSelect, "all kinds", countBy((finding) => finding.kind.name));
  choices(componentSelect, "all components", countBy((finding) => finding.component));
  search.addEventListener("input", applyFilters);
  document.getElementById("clear").addEventListener("click", clearFilters);
  document.getElementById("caller").addEventListener("click", () => { state.caller = ""; applyFilters(); });
  if (DATA.left) document.getElementById("left").textContent = `${counted(DATA.left, "finding")} more in --format json`;
  list.addEventListener("scroll", () => requestAnimationFrame(drawRows), { passive: true });
  new ResizeObserver(() => drawRows()).observe(list);
}
