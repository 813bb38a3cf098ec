"use strict";
// What was recorded reaches the page as data and leaves it as text nodes: nothing of it is ever read as markup.

const DATA = JSON.parse(document.getElementById("data").textContent);
const STRINGS = DATA.strings;
const SEVERITIES = DATA.severities;
const KINDS = DATA.kinds;

const named = (numbers) => numbers.map((number) => STRINGS[number]);

const FINDINGS = DATA.findings.map((row, place) => ({
  place,
  key: row[0],
  callable: STRINGS[row[1]],
  component: STRINGS[row[2]],
  kind: KINDS[row[3]],
  severity: SEVERITIES[row[4]],
  origin: row[5] === 1,
  sure: row[6] === 1,
  count: row[7],
  calls: row[8],
  callers: named(row[9]),
  path: STRINGS[row[10]],
  before: row[11],
  after: row[12],
  lane: STRINGS[row[13]],
  example: row[14],
  unseen: named(row[15]),
  inner: named(row[16]),
  where: STRINGS[row[17]],
  cause: row[18],
  maker: STRINGS[row[19]],
  haystack: null,
}));
const BY_KEY = new Map(FINDINGS.map((finding) => [finding.key, finding]));
const EFFECTS = new Map();
for (const finding of FINDINGS) {
  if (finding.cause) EFFECTS.set(finding.cause, [...(EFFECTS.get(finding.cause) || []), finding]);
}

function haystack(finding) {
  if (finding.haystack === null) {
    const parts = [finding.callable, finding.kind.name, finding.path, finding.before, finding.after, finding.example];
    finding.haystack = [...parts, finding.lane, finding.where, ...finding.callers].join("\n").toLowerCase();
  }
  return finding.haystack;
}

// Elements. A child that is no element becomes a text node.
function make(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const grouped = (number) => number.toLocaleString("en-US");
const counted = (number, noun) => `${grouped(number)} ${noun}${number === 1 ? "" : "s"}`;

// Two texts as nodes, with what differs marked: word by word, or as one stretch where that would take too long.
const TOKEN = /[\w.+-]+|\s+|[^\w\s]/g;
const MOST_CELLS = 250_000;

function contrasted(before, after) {
  const [old, now] = [before.match(TOKEN) || [], after.match(TOKEN) || []];
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < old.length - head && tail < now.length - head && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail += 1;
  const inner = [old.slice(head, old.length - tail), now.slice(head, now.length - tail)];
  const kept = inner[0].length * inner[1].length > MOST_CELLS ? [new Set(), new Set()] : common(...inner);
  return [old, now].map((tokens, side) => marked(tokens, (at) => at < head || at >= tokens.length - tail || kept[side].has(at - head)));
}

// Which tokens belong to a longest common subsequence, on either side.
function common(old, now) {
  const width = now.length + 1;
  const lengths = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      const at = i * width + j;
      lengths[at] = old[i] === now[j] ? lengths[at + width + 1] + 1 : Math.max(lengths[at + width], lengths[at + 1]);
    }
  }
  const kept = [new Set(), new Set()];
  for (let i = 0, j = 0; i < old.length && j < now.length; ) {
    if (old[i] === now[j]) { kept[0].add(i); kept[1].add(j); i += 1; j += 1; }
    else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i += 1;
    else j += 1;
  }
  return kept;
}

function marked(tokens, same) {
  const nodes = [];
  for (let start = 0; start < tokens.length; ) {
    let end = start + 1;
    while (end < tokens.length && same(end) === same(start)) end += 1;
    const text = tokens.slice(start, end).join("");
    nodes.push(same(start) ? text : make("mark", {}, text));
    start = end;
  }
  return nodes;
}

// Both texts in at most so many characters, around the place where they part.
function windows(before, after, width) {
  let head = 0;
  while (head < before.length && before[head] === after[head]) head += 1;
  const start = Math.max(0, Math.min(head - Math.floor(width / 2), Math.max(before.length, after.length) - width));
  const cut = (text) => `${start ? "…" : ""}${text.slice(start, start + width)}${text.length > start + width ? "…" : ""}`;
  return [cut(before), cut(after)];
}

function splitName(callable) {
  const colon = callable.indexOf(":");
  return colon < 0 ? ["", callable] : [callable.slice(0, colon + 1), callable.slice(colon + 1)];
}
