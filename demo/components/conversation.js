root.setAttribute("aria-live", "polite");

function empty() {
  const step = (number, title, text) =>
    el("li", {}, el("b", {}, number), el("div", {}, el("strong", {}, title), el("span", {}, text)));
  return el(
    "ol",
    { class: "cs-empty" },
    step("1", "Bring a video", "Drop a file on the left, or take an example. It stays on this machine."),
    step("2", "Ask", "The first question indexes the video. Every later one is instant."),
    step("3", "See why", "The moments that answer, on a timeline, with the words and patches that matched."),
  );
}

const counted = ({ done, total, unit }) =>
  unit === "seconds" ? `${clock(done)} / ${clock(total)}` : `${done} / ${total}`;

function stages(turn) {
  if (turn.state === "waiting") {
    return el("p", { class: "cs-status" }, el("span", { class: "cs-pulse" }), "Looking…");
  }
  if (turn.state !== "indexing") return null;
  const listens = turn.stages.some((stage) => stage.unit === "seconds");
  const indexing = listens ? "Listening to the video and indexing it, once" : "Indexing the video, once";
  return el(
    "div",
    { class: "cs-stages" },
    el("p", { class: "cs-status" }, el("span", { class: "cs-pulse" }), indexing),
    turn.stages.map((stage) =>
      el(
        "div",
        { class: "cs-stage" },
        el("span", {}, stage.name),
        // nothing done yet: the bar moves without saying how far
        el("progress", { max: stage.total, value: stage.done || null, "aria-label": stage.name }),
        el("span", { class: "cs-count" }, counted(stage)),
      ),
    ),
  );
}

function timeButton(label, seconds, start) {
  return el("button", { type: "button", class: "cs-time", "data-seconds": seconds, onclick: () => seek(seconds, start) }, label);
}

/** A piece of the model's words: **bold** is the one mark that is understood. */
function prose(text) {
  return text.split(/\*\*(.+?)\*\*/s).map((part, index) => (index % 2 ? el("strong", {}, part) : part));
}

function answer(turn) {
  if (!turn.answer.length && turn.state !== "answering") return null;
  const pieces = turn.answer.map((piece) =>
    piece.seconds === undefined ? prose(piece.text) : timeButton(piece.text, piece.seconds, turn.start),
  );
  if (turn.state === "answering") pieces.push(el("span", { class: "cs-caret", "aria-hidden": "true" }));
  return el("p", { class: "cs-answer" }, pieces.flat());
}

function evidence(turn) {
  if (!turn.evidence.length) return null;
  return el(
    "div",
    { class: "cs-evidence" },
    el("p", { class: "cs-lead" }, turn.lead),
    el(
      "ul",
      {},
      turn.evidence.map((item) =>
        el("li", {}, timeButton(item.label, item.time, turn.start), badge(item.modality), el("span", {}, item.words)),
      ),
    ),
  );
}

/** What is known of the spoken words; where they can be heard, the last turn offers it. */
function speech(turn, isLast) {
  if (!turn.speech) return null;
  const offer = turn.speech.offer && isLast && turn.state === "done";
  return el(
    "p",
    { class: "cs-speech" },
    el("span", {}, turn.speech.text),
    offer ? el("button", { type: "button", class: "cs-tool", onclick: () => trigger("listen", {}) }, "Listen to the sound") : null,
  );
}

function notes(turn) {
  const parts = [];
  if (turn.note) parts.push(el("p", { class: "cs-note" }, turn.note));
  if (turn.warnings.length) {
    parts.push(
      el(
        "details",
        { class: "cs-warnings" },
        el("summary", {}, turn.warnings.length === 1 ? "1 remark" : `${turn.warnings.length} remarks`),
        el("ul", {}, turn.warnings.map((warning) => el("li", {}, warning))),
      ),
    );
  }
  return parts;
}

function draw(turn, isLast) {
  return el(
    "article",
    { class: "cs-turn", "data-state": turn.state },
    el("h3", {}, turn.question || "(no question)", turn.span ? el("span", { class: "cs-in" }, `in ${turn.span}`) : null),
    stages(turn),
    answer(turn),
    turn.error ? el("p", { class: "cs-error", role: "alert" }, turn.error) : null,
    evidence(turn),
    speech(turn, isLast),
    notes(turn),
  );
}

let shown = 0;

show((turns) => {
  const asked = (turns || []).length;
  const isNew = asked > shown;
  shown = asked;
  if (!asked) return root.replaceChildren(empty());
  const open = new Set([...root.querySelectorAll("details[open]")].map((d) => [...root.querySelectorAll("details")].indexOf(d)));
  root.replaceChildren(...turns.map((turn, index) => draw(turn, index === asked - 1)));
  [...root.querySelectorAll("details")].forEach((d, index) => (d.open = open.has(index)));
  root.scrollTop = root.scrollHeight;
  // on a phone the answer comes below what was tapped
  if (isNew && window.innerWidth < 900) root.lastElementChild.scrollIntoView({ block: "start", behavior: "smooth" });
});
