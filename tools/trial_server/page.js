"use strict";
const MOST = Number(document.querySelector("main").dataset.most);
const SERIES = ["blue", "orange", "green", "purple", "red", "teal", "pink", "brown"];
const SVG = "http://www.w3.org/2000/svg";
const get = id => document.getElementById(id);
const make = (tag, text, attributes = {}) => {
  const found = document.createElement(tag);
  if (text !== undefined) found.textContent = text;
  for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
  return found;
};
let parts = [], current = 0;
window.addEventListener("resize", () => parts.length && draw());

get("file").addEventListener("change", event => {
  if (event.target.files.length) ask(event.target.files[0]);
});
for (const kind of ["dragenter", "dragover", "dragleave", "drop"])
  window.addEventListener(kind, event => {
    event.preventDefault();
    get("drop").classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length && !get("file").disabled)
      ask(event.dataTransfer.files[0]);
  });

async function ask(file) {
  const mine = ++current;
  parts = [];
  get("result").hidden = false;
  get("name").textContent = file.name;
  get("answer").textContent = "";
  state("sending the video ...");
  draw();
  try {
    const response = await fetch("/try", {
      method: "POST", body: file, headers: {"Content-Type": "application/octet-stream"}});
    if (!response.ok) throw new Error((await response.json()).error);
    state("reading the video ...");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "", ended = false;
    for (;;) {
      const {value, done} = await reader.read();
      if (mine !== current) return reader.cancel();
      if (done) break;
      const lines = (text + value).split("\n");
      text = lines.pop();
      for (const line of lines) ended = take(JSON.parse(line)) || ended;
      draw();
    }
    if (!ended) state("the server ended the answer early", true);
  } catch (error) {
    if (mine === current) state(error.message, true);
  }
}

function take(line) {
  if (line.again) parts = [];
  if (line.classes) {
    parts.push(line);
    state(parts.length + (parts.length === 1 ? " window" : " windows") + " so far ...");
  }
  if (line.error) state(line.error, true);
  if (line.done !== undefined)
    state(line.done + (line.done === 1 ? " window" : " windows") +
      (line.more ? "; the rest of the video was not read (at most " + MOST + " windows are)" : ""));
  return line.error !== undefined || line.done !== undefined;
}

function state(text, wrong) {
  get("state").textContent = text;
  get("state").className = wrong ? "wrong" : "note";
}

function means() {
  const sums = new Map();
  for (const part of parts)
    part.classes.forEach((name, i) => sums.set(name, (sums.get(name) || 0) + part.scores[i]));
  return [...sums].map(([name, sum]) => [name, sum / parts.length])
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

function draw() {
  const shown = means().slice(0, 8).map(([name]) => name);
  const colour = name => shown.includes(name) ? "var(--" + SERIES[shown.indexOf(name)] + ")" : "var(--line)";
  get("chart").replaceChildren(parts.length ? chart(shown, colour) : "");
  get("legend").replaceChildren(...shown.map(name => {
    const item = make("li", undefined);
    item.append(make("span", undefined, {style: "background:" + colour(name)}), name);
    return item;
  }));
  get("strip").replaceChildren(...parts.map(part => {
    const figure = make("figure");
    const picture = make("img", undefined, {
      src: "data:image/jpeg;base64," + part.picture, style: "border-color:" + colour(part.classes[0]),
      alt: "Frame at " + seconds((part.start + part.end) / 2)});
    figure.append(picture, make("figcaption", part.classes[0] + " " + part.scores[0].toFixed(2) +
      ", " + part.start.toFixed(1) + "-" + seconds(part.end)));
    return figure;
  }));
  get("rows").replaceChildren(...parts.map(part => {
    const row = make("tr");
    row.append(make("td", part.start.toFixed(2) + "-" + part.end.toFixed(2), {class: "number"}),
      make("td", part.classes.map((name, i) => name + " " + part.scores[i].toFixed(3)).join(", ")));
    return row;
  }));
  if (parts.length) {
    const [name, score] = means()[0];
    get("answer").textContent = name + ", " + score.toFixed(3) + " in the mean over all windows";
  }
}

const seconds = value => value.toFixed(1) + " s";

function chart(shown, colour) {
  const width = Math.max(320, get("chart").clientWidth), height = 240, left = 36, right = 12, top = 12, bottom = 28;
  const begin = Math.min(...parts.map(part => part.start));
  const end = Math.max(...parts.map(part => part.end));
  const x = value => left + (value - begin) / (end - begin || 1) * (width - left - right);
  const y = value => height - bottom - value * (height - top - bottom);
  const svg = document.createElementNS(SVG, "svg");
  const add = (tag, attributes, text) => {
    const item = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) item.setAttribute(name, value);
    if (text !== undefined) item.textContent = text;
    svg.append(item);
    return item;
  };
  svg.setAttribute("viewBox", "0 0 " + width + " " + height);
  svg.setAttribute("role", "img");
  add("title", {}, "Score of each class over time");
  add("desc", {}, "A step per window; the table below has the numbers.");
  for (const value of [0, 0.5, 1]) {
    add("line", {x1: left, x2: width - right, y1: y(value), y2: y(value),
      style: "stroke:var(--line)"});
    add("text", {x: left - 6, y: y(value) + 4, "text-anchor": "end"}, value);
  }
  add("text", {x: left, y: height - 8}, seconds(begin));
  add("text", {x: width - right, y: height - 8, "text-anchor": "end"}, seconds(end));
  for (const name of [...shown].reverse()) {
    let path = "", open = false;
    for (const part of parts) {
      const at = part.classes.indexOf(name);
      if (at < 0) { open = false; continue; }
      const level = y(part.scores[at]).toFixed(1);
      path += (open ? "L" : "M") + x(part.start).toFixed(1) + " " + level +
        "L" + x(part.end).toFixed(1) + " " + level;
      open = true;
    }
    const line = add("path", {d: path, style: "fill:none;stroke-width:2.5;stroke:" + colour(name)});
    const title = document.createElementNS(SVG, "title");
    title.textContent = name;
    line.append(title);
  }
  return svg;
}
