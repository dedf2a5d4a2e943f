// Shared by all parts: this text comes before each part's own script, inside one function.
const root = element.querySelector("section");
const MODALITY = { video: "Seen", ocr: "Written", asr: "Said", audio: "Heard", description: "Described", none: "Nothing" };

/** An element with attributes and children; strings become text, never HTML. */
function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function clock(seconds, decimals = 0) {
  const scale = 10 ** decimals;
  const ticks = Math.round(Math.abs(seconds) * scale);
  const whole = Math.floor(ticks / scale);
  const two = (n) => String(n).padStart(2, "0");
  const tail = decimals ? "." + String(ticks % scale).padStart(decimals, "0") : "";
  const hours = Math.floor(whole / 3600);
  const rest = two(Math.floor(whole / 60) % 60) + ":" + two(whole % 60) + tail;
  return (seconds < 0 && ticks ? "-" : "") + (hours ? hours + ":" + rest : rest);
}

const player = () => document.querySelector("#cs-player video");

/** Moves the player; times are the container's clock, which the browser counts from the first frame. */
function seek(seconds, start = 0) {
  const video = player();
  if (!video) return;
  video.currentTime = Math.max(0, seconds - start);
  const box = video.getBoundingClientRect();
  if (box.bottom < 40 || box.top > window.innerHeight - 40) {
    video.scrollIntoView({ block: "center", behavior: "smooth" });
  }
  document.dispatchEvent(new CustomEvent("cs-seek", { detail: seconds }));
}

function badge(modality) {
  return el("span", { class: "cs-badge", "data-modality": modality }, MODALITY[modality] || modality);
}

/** Draws now, and again whenever the server sends another value; of versions that overtook each other, the highest. */
function show(draw) {
  let newest = 0;
  const redraw = () => {
    const value = typeof props.value === "string" && props.value ? JSON.parse(props.value) : props.value;
    if (!value || value.version === undefined) return draw(value);
    if (value.version < newest) return;
    newest = value.version;
    draw(value.view);
  };
  redraw();
  watch("value", redraw);
}
