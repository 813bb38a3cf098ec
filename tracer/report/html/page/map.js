// Who calls whom. Places come with the data; a click leads to the findings of a component or of one edge.

function startMap() {
  const place = document.getElementById("view-map");
  const map = DATA.map;
  if (!map.nodes.length) {
    place.append(make("p", { class: "dim" }, "No calls between components were recorded."));
    return;
  }
  const label = map.edges.length <= 24;
  const picture = draw(
    "svg",
    { viewBox: `0 0 ${map.width} ${map.height}`, width: map.width, height: map.height, role: "img", "aria-label": "Components and the calls between them" },
    draw("defs", {}, ...["still", "grown", ...SEVERITIES].map(arrowhead)),
    ...map.edges.map((edge) => drawEdge(edge, label)),
    ...map.nodes.map(drawNode),
    ...map.edges.map((edge) => drawLabel(edge, label)),
  );
  const more = map.left ? make("span", { class: "dim" }, `${counted(map.left, "component")} with fewer calls not drawn`) : null;
  place.append(
    make("div", { class: "legend" }, key("still", "as before"), key("grown", "other number of calls"), ...SEVERITIES.filter((name) => map.edges.some((edge) => edge.worst === name)).map((name) => key(name, `${name} findings`)), more),
    make("div", { class: "scroll" }, picture),
  );
}

function arrowhead(name) {
  return draw("marker", { id: `head-${name}`, class: `head ${name}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 10, markerHeight: 10, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" }, draw("path", { d: "M0 0.6 L8 4 L0 7.4 Z" }));
}

const key = (name, text) => make("span", { class: "key" }, draw("svg", { width: 26, height: 8, "aria-hidden": "true" }, draw("path", { class: `edge ${name}`, d: "M1 4 H25" })), text);
const manner = (edge) => edge.worst || (edge.old === edge.new ? "still" : "grown");
const told = (edge) => (edge.old === edge.new ? grouped(edge.new) : `${grouped(edge.old)} → ${grouped(edge.new)}`);

function drawEdge(edge) {
  const [from, to] = [DATA.map.nodes[edge.from], DATA.map.nodes[edge.to]];
  const path = draw(
    "path",
    { class: `edge ${manner(edge)}`, d: edge.path, "marker-end": `url(#head-${manner(edge)})`, onclick: () => showFindings(to.name, from.name) },
    draw("title", {}, `${from.name} → ${to.name}: ${told(edge)} calls${edge.findings ? `, ${counted(edge.findings, "finding")}` : ""}`),
  );
  path.style.strokeWidth = `${1.2 + Math.min(Math.log10(Math.max(edge.old, edge.new, 1)), 5) * 0.7}px`;
  return path;
}

function drawLabel(edge, all) {
  if (!all && manner(edge) === "still") return null;
  return draw("text", { class: `edge-label ${manner(edge)}`, x: edge.at[0], y: edge.at[1], "text-anchor": "middle" }, told(edge));
}

function drawNode(node) {
  const findings = node.findings ? draw("text", { class: `node-count ${node.worst}`, x: node.x + node.width - 10, y: node.y + 19, "text-anchor": "end" }, grouped(node.findings)) : null;
  return draw(
    "g",
    { class: `node ${node.worst || ""}`, tabindex: 0, role: "link", onclick: () => showFindings(node.name, ""), onkeydown: (event) => event.key === "Enter" && showFindings(node.name, "") },
    draw("title", {}, `${node.name}: called ${told(node)} times${node.findings ? `, ${counted(node.findings, "finding")}` : ""}`),
    draw("rect", { x: node.x, y: node.y, width: node.width, height: node.height, rx: 9 }),
    draw("text", { class: "node-name", x: node.x + 13, y: node.y + 20 }, node.label),
    draw("text", { class: "node-calls", x: node.x + 13, y: node.y + 36 }, node.old || node.new ? `called ${told(node)}` : "calls only"),
    findings,
  );
}

function showFindings(component, caller) {
  clearFilters();
  if ([...componentSelect.options].some((option) => option.value === component)) componentSelect.value = component;
  else search.value = component;
  state.caller = caller;
  applyFilters();
  view("findings");
}
