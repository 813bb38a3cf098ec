// One finding in full: values side by side, the call, what is around it.

function showDetail(finding) {
  detail.replaceChildren();
  if (!finding) return;
  detail.append(...describe(finding));
  detail.scrollTop = 0;
  if (location.hash.slice(1) !== finding.key && started) history.replaceState(null, "", `#${finding.key}`);
}

let started = false;
let changedOnly = false;

function describe(finding) {
  const [module, name] = splitName(finding.callable);
  return [
    make("button", { class: "quiet back", onclick: closeDetail }, "← all findings"),
    make("p", { class: "badges" }, badge(finding.severity), make("span", { class: "badge" }, finding.kind.name), make("span", { class: "badge" }, finding.origin ? "origin" : "effect"), finding.sure ? null : make("span", { class: "badge doubt" }, "low confidence")),
    make("h2", { class: "callable" }, make("span", { class: "dim" }, module), name),
    make("p", { class: "told" }, `${finding.kind.told}${finding.path && !finding.kind.whole.includes(finding.path) ? ` at ${finding.path}` : ""}`, finding.where ? make("span", { class: "where" }, finding.where) : null),
    finding.before || finding.after ? sideBySide(finding) : null,
    facts(finding),
    ...linked(finding),
    ...neighbourhood(finding),
  ].filter(Boolean);
}

const badge = (severity) => make("span", { class: `badge ${severity}` }, severity);

function sideBySide(finding) {
  const [before, after] = contrasted(finding.before, finding.after);
  const parted = finding.before === finding.after ? make("p", { class: "dim" }, "They part beyond what is shown.") : null;
  return make("div", { class: "sides-by-side" }, side("before", "old", finding.before, before), side("after", "new", finding.after, after), parted);
}

function side(label, name, text, parts) {
  return make("figure", { class: name }, make("figcaption", {}, label), make("pre", {}, ...(text && text !== ABSENT ? parts : [make("span", { class: "dim" }, text || "nothing")])));
}

function facts(finding) {
  const parts = [];
  const add = (label, ...children) => parts.push(make("dt", {}, label), make("dd", {}, ...children));
  if (finding.calls) add("calls", `${grouped(finding.count)} of ${grouped(finding.calls)}`, share(finding));
  if (finding.callers.length) add("called by", ...finding.callers.map((caller) => make("button", { class: "link", onclick: () => { state.caller = caller; applyFilters(); } }, caller)));
  if (finding.maker) add("made by", make("code", {}, finding.maker));
  if (finding.lane) add("example in", make("code", {}, finding.lane));
  if (finding.example && !DATA.trees[finding.key]) add("given", make("code", {}, finding.example));
  if (finding.inner.length) add("changed inside", ...finding.inner.map((name) => make("code", {}, name)));
  if (finding.unseen.length) add("could not look at", ...finding.unseen.map((name) => make("code", {}, name)));
  return make("dl", { class: "facts" }, ...parts);
}

function share(finding) {
  const full = 120;
  const part = Math.max(3, Math.round((full * finding.count) / finding.calls));
  return draw("svg", { class: "share", width: full, height: 6, "aria-hidden": "true" }, draw("rect", { class: "rest", width: full, height: 6, rx: 3 }), draw("rect", { class: finding.severity, width: Math.min(part, full), height: 6, rx: 3 }));
}

function linked(finding) {
  const cause = BY_KEY.get(finding.cause);
  const effects = EFFECTS.get(finding.key) || [];
  const parts = [];
  if (cause) parts.push(make("p", { class: "links" }, "Explained by ", jump(cause)));
  if (effects.length) {
    const more = effects.length > 8 ? [` and ${grouped(effects.length - 8)} more`] : [];
    parts.push(make("div", { class: "links" }, `Explains ${counted(effects.length, "effect")}: `, make("ul", {}, ...effects.slice(0, 8).map((effect) => make("li", {}, jump(effect), ` ${effect.kind.told}`)), ...more)));
  }
  return parts;
}

function jump(finding) {
  return make("button", { class: "link", onclick: () => goTo(finding.key) }, finding.callable);
}

function goTo(key) {
  const finding = BY_KEY.get(key);
  if (!finding) return;
  if (!state.shown.includes(finding)) clearFilters();
  if (!state.shown.includes(finding)) state.severities.add(finding.severity), applyFilters();
  select(state.shown.indexOf(finding));
}

// The tree: [depth, callable, caller, flags, old, new]; a moment: [arguments, outcome, raised, passed].
const SAME = 1;
const HERE = 2;

function neighbourhood(finding) {
  const tree = DATA.trees[finding.key];
  if (!tree) return [];
  const here = tree.find((call) => call[3] & HERE);
  const parts = here ? [make("h3", {}, "The call"), table(here)] : [];
  if (tree.length > 1) {
    const box = make("div", { class: "tree", role: "list" });
    const toggle = make("input", { type: "checkbox", id: "changed-only", onchange: () => { changedOnly = toggle.checked; redraw(); } });
    const redraw = () => box.replaceChildren(...tree.filter((call) => !changedOnly || !(call[3] & SAME) || call[3] & HERE).map(branch));
    toggle.checked = changedOnly;
    redraw();
    parts.push(make("h3", {}, "Around it", make("label", { class: "toggle" }, toggle, " only what differs")), box);
  }
  return parts;
}

function table(call) {
  const [, , , , old, now] = call;
  const names = [...new Set([...(old ? old[0] : []), ...(now ? now[0] : [])].map((pair) => pair[0]))];
  const valueOf = (moment, name) => (moment && (moment[0].find((pair) => pair[0] === name) || [])[1]) ?? null;
  const body = names.map((name) => valueRow(STRINGS[name], valueOf(old, name), valueOf(now, name)));
  const passed = Math.max(old ? old[3].length : 0, now ? now[3].length : 0);
  for (let at = 0; at < passed; at += 1) {
    const [left, right] = [old && old[3][at], now && now[3][at]];
    body.push(valueRow(STRINGS[(right || left)[0]], left ? left[1] : null, right ? right[1] : null));
  }
  const outcome = (moment) => moment && (moment[2] ? `raises ${moment[1]}` : moment[1]);
  body.push(valueRow("outcome", outcome(old), outcome(now), "outcome"));
  const head = make("tr", {}, make("th", {}), make("th", {}, old ? "before" : "before: not called"), make("th", {}, now ? "after" : "after: not called"));
  return make("div", { class: "scroll" }, make("table", { class: "call" }, make("thead", {}, head), make("tbody", {}, ...body)));
}

function valueRow(label, before, after, extra = "") {
  const name = make("th", { scope: "row" }, label);
  if (before === after) return make("tr", { class: `same ${extra}` }, name, make("td", { colspan: 2 }, make("code", {}, before)));
  if (before === null || after === null) {
    return make("tr", { class: `one ${extra}` }, name, make("td", { class: before === null ? "none" : "" }, before === null ? "" : make("code", {}, before)), make("td", { class: after === null ? "none" : "" }, after === null ? "" : make("code", {}, after)));
  }
  const [left, right] = contrasted(before, after);
  return make("tr", { class: `differs ${extra}` }, name, make("td", { class: "old" }, make("code", {}, ...left)), make("td", { class: "new" }, make("code", {}, ...right)));
}

function branch(call) {
  const [depth, callable, caller, flags, old, now] = call;
  const moment = now || old;
  const kind = flags & SAME ? "same" : old && now ? "differs" : old ? "gone" : "come";
  const sign = { same: " ", differs: "~", gone: "−", come: "+" }[kind];
  const [module, name] = splitName(STRINGS[callable]);
  const given = moment[0].map(([label, text]) => `${STRINGS[label]}=${text}`).join(", ");
  const line = make(
    "div",
    { class: `branch ${kind}${flags & HERE ? " here" : ""}`, role: "listitem", title: `called by ${STRINGS[caller]}` },
    make("span", { class: "sign", "aria-label": { same: "equal", differs: "differs", gone: "only before", come: "only after" }[kind] }, sign),
    make("span", { class: "body" }, make("span", { class: "dim" }, module), make("b", {}, name), make("span", { class: "given" }, `(${given})`), make("span", { class: "arrow" }, " → "), ...outcomes(old, now)),
  );
  line.style.setProperty("--depth", depth);
  return line;
}

const SHOWN = 84;

function outcomes(old, now) {
  const spelled = (moment) => (moment[2] ? `raises ${moment[1]}` : moment[1]);
  if (old && now && spelled(old) !== spelled(now)) {
    const [before, after] = windows(spelled(old), spelled(now), SHOWN);
    return [make("del", {}, before), " ", make("ins", {}, after)];
  }
  const text = spelled(now || old);
  return [make("span", { class: "came" }, windows(text, "", SHOWN)[0])];
}
