const HEIGHT = 132;
const TOP = 26; // room for the marks of the selected frames
const BOTTOM = 22; // and for the clock
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
let view = null;
let region = null; // [start, end] in seconds, being chosen or chosen
let width = 0;

const x = (seconds) => ((seconds - view.start) / Math.max(view.end - view.start, 1e-6)) * width;
const secondsAt = (pixels) => view.start + (Math.min(Math.max(pixels, 0), width) / width) * (view.end - view.start);

/** At most one bar for every three pixels: the best candidate of each. */
function bars() {
  const columns = new Map();
  view.times.forEach((seconds, index) => {
    const column = Math.floor(x(seconds) / 3);
    if (!columns.has(column) || view.scores[index] > view.scores[columns.get(column)]) columns.set(column, index);
  });
  return [...columns.values()];
}

function drawBars() {
  const low = Math.min(...view.scores);
  const high = Math.max(...view.scores);
  const room = HEIGHT - TOP - BOTTOM;
  const spacing = width / Math.max(1, view.times.length);
  const bar = Math.max(1.5, Math.min(10, spacing * 0.8));
  return bars().map((index) => {
    const level = high > low ? (view.scores[index] - low) / (high - low) : 0.5;
    const height = 3 + level ** 1.6 * (room - 3);
    return svg("rect", {
      x: x(view.times[index]) - bar / 2,
      y: HEIGHT - BOTTOM - height,
      width: bar,
      height,
      rx: Math.min(2, bar / 2),
      class: "cs-bar",
      "data-modality": view.modalities[index],
    });
  });
}

function drawClock() {
  const span = view.end - view.start;
  const step = STEPS.find((s) => (span / s) * 62 < width) || 14400;
  const ticks = [];
  for (let at = Math.ceil(view.start / step) * step; at <= view.end; at += step) {
    const left = x(at);
    if (left > width - 14) break;
    const text = svg("text", { x: left, y: HEIGHT - 6, class: "cs-tick", "text-anchor": left < 14 ? "start" : "middle" });
    text.textContent = clock(at);
    ticks.push(svg("line", { x1: left, x2: left, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM + 4, class: "cs-axis" }), text);
  }
  return [svg("line", { x1: 0, x2: width, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM, class: "cs-axis" }), ...ticks];
}

function drawSelected() {
  let last = -Infinity;
  return view.selected.flatMap((seconds, index) => {
    const left = x(seconds);
    const line = svg("line", { x1: left, x2: left, y1: TOP - 6, y2: HEIGHT - BOTTOM, class: "cs-selected" });
    const mark = svg("circle", { cx: left, cy: 12, r: 8, class: "cs-mark" });
    const number = svg("text", { x: left, y: 15.5, class: "cs-number", "text-anchor": "middle" });
    number.textContent = String(index + 1);
    const crowded = left - last < 17;
    if (!crowded) last = left;
    return crowded ? [line, svg("circle", { cx: left, cy: 12, r: 3, class: "cs-mark" })] : [line, mark, number];
  });
}

function drawTruth() {
  return view.truth.map(([start, end]) =>
    svg("rect", { x: x(start), y: TOP - 4, width: Math.max(2, x(end) - x(start)), height: HEIGHT - TOP - BOTTOM + 4, class: "cs-truth" }),
  );
}

function drawRegion() {
  if (!region) return [];
  const [left, right] = region.map(x);
  const shade = svg("rect", { x: left, y: TOP - 6, width: Math.max(1, right - left), height: HEIGHT - TOP - BOTTOM + 6, class: "cs-region" });
  return [shade, handle(0, left), handle(1, right)];
}

function handle(edge, left) {
  const made = svg("rect", {
    x: left - 4,
    y: TOP - 6,
    width: 8,
    height: HEIGHT - TOP - BOTTOM + 6,
    rx: 4,
    class: "cs-handle",
    tabindex: 0,
    role: "slider",
    "aria-label": edge ? "End of the span" : "Start of the span",
    "aria-valuemin": view.start,
    "aria-valuemax": view.end,
    "aria-valuenow": region[edge],
    "aria-valuetext": clock(region[edge], 1),
    "data-edge": edge,
  });
  made.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
    if (event.key === "Enter") return search();
    if (event.key === "Escape") return clear();
    if (step === undefined) return;
    event.preventDefault();
    region[edge] = Math.min(Math.max(region[edge] + step, view.start), view.end);
    region.sort((a, b) => a - b);
    draw();
    root.querySelector(`[data-edge="${edge}"]`).focus();
  });
  return made;
}

function search() {
  trigger("span", { start: region[0], end: region[1] });
}

function clear() {
  const searched = view.span !== null;
  region = null;
  if (searched) trigger("span", { start: null, end: null });
  draw();
}

function legend() {
  const shown = [...new Set(view.modalities)].filter((m) => m !== "none");
  const order = Object.keys(MODALITY).filter((m) => shown.includes(m));
  const items = order.map((m) => el("span", { class: "cs-key" }, el("i", { "data-modality": m }), MODALITY[m]));
  if (view.truth.length) items.push(el("span", { class: "cs-key" }, el("i", { class: "cs-truth-key" }), "the answer"));
  return el("div", { class: "cs-legend" }, items);
}

function toolbar() {
  const say = (text) => el("span", { class: "cs-hint" }, text);
  const button = (text, action, kind = "") => el("button", { type: "button", class: `cs-tool ${kind}`, onclick: action }, text);
  if (!region) {
    const middle = (view.end - view.start) / 3;
    const begin = () => {
      region = [view.start + middle, view.end - middle];
      draw();
      root.querySelector("[data-edge='0']").focus();
    };
    return [say("Drag to search a part; click to go there."), button("Choose a part", begin)];
  }
  const text = `${clock(region[0])} to ${clock(region[1])}`;
  const same = view.span && Math.abs(view.span[0] - region[0]) < 0.05 && Math.abs(view.span[1] - region[1]) < 0.05;
  if (same) return [say(`Searched ${text}.`), button("Search the whole video", clear)];
  return [button(`Search ${text}`, search, "cs-primary"), button("Cancel", clear)];
}

const drawing = svg("svg", { class: "cs-plot", height: HEIGHT, role: "group", "aria-label": "Score of every frame over time" });
const cursor = svg("line", { class: "cs-playhead", y1: TOP - 6, y2: HEIGHT - BOTTOM });
const tip = el("div", { class: "cs-tip", role: "status", hidden: true });

function draw() {
  if (!view) return;
  width = Math.max(120, drawing.parentElement ? drawing.parentElement.clientWidth : 0);
  drawing.setAttribute("width", width);
  drawing.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  drawing.replaceChildren(...drawTruth(), ...drawBars(), ...drawClock(), ...drawSelected(), ...drawRegion(), cursor);
  const head = root.querySelector(".cs-timeline-head");
  head.replaceChildren(el("h2", {}, "Where in the video"), legend());
  root.querySelector(".cs-toolbar").replaceChildren(...toolbar());
  follow();
}

function follow() {
  const video = player();
  if (!view || !video) return;
  const left = x(video.currentTime + view.start);
  cursor.setAttribute("x1", left);
  cursor.setAttribute("x2", left);
}

// pointer: a drag chooses a span, a click goes there
let pressed = null;
const at = (event) => event.clientX - drawing.getBoundingClientRect().left;
drawing.addEventListener("pointerdown", (event) => {
  const edge = event.target.getAttribute("data-edge");
  pressed = { from: at(event), edge: edge === null ? null : Number(edge), moved: false };
  drawing.setPointerCapture(event.pointerId);
});
drawing.addEventListener("pointermove", (event) => {
  if (!view) return;
  hover(at(event));
  if (!pressed) return;
  if (Math.abs(at(event) - pressed.from) > 5) pressed.moved = true;
  if (!pressed.moved) return;
  const here = secondsAt(at(event));
  const other = pressed.edge === null ? secondsAt(pressed.from) : region[1 - pressed.edge];
  region = [Math.min(here, other), Math.max(here, other)];
  if (pressed.edge !== null) pressed.edge = here > other ? 1 : 0;
  draw();
});
drawing.addEventListener("pointerup", (event) => {
  if (pressed && !pressed.moved && view) seek(secondsAt(at(event)), view.start);
  pressed = null;
});
drawing.addEventListener("pointercancel", () => (pressed = null));
drawing.addEventListener("pointerleave", () => (tip.hidden = true));

function hover(pixels) {
  const seconds = secondsAt(pixels);
  let nearest = 0;
  view.times.forEach((time, index) => {
    if (Math.abs(time - seconds) < Math.abs(view.times[nearest] - seconds)) nearest = index;
  });
  tip.replaceChildren(
    el("b", {}, clock(view.times[nearest], 1)),
    ` ${view.scores[nearest].toFixed(2)} `,
    badge(view.modalities[nearest]),
  );
  tip.hidden = false;
  tip.style.left = `${Math.min(Math.max(pixels, 60), width - 60)}px`;
}

document.addEventListener("timeupdate", follow, true);
document.addEventListener("seeking", follow, true);
new ResizeObserver(() => draw()).observe(root);

show((value) => {
  view = value;
  root.hidden = !value;
  if (!value) return root.replaceChildren();
  region = value.span ? [...value.span] : null;
  const plot = el("div", { class: "cs-plot-box" });
  plot.append(drawing, tip);
  root.replaceChildren(el("div", { class: "cs-timeline-head" }), plot, el("div", { class: "cs-toolbar" }));
  draw();
});
