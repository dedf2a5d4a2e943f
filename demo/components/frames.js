let view = null;
let word = null; // position in the question of the word whose patches are shown

const levels = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** The patches of one word over a picture, from clear to warm. */
function paint(canvas, heat) {
  const context = canvas.getContext("2d");
  canvas.width = heat.columns;
  canvas.height = heat.rows;
  const picture = context.createImageData(heat.columns, heat.rows);
  levels(heat.levels[word]).forEach((level, patch) => {
    const warmth = level / 255;
    picture.data.set([255, Math.round(190 - 150 * warmth), 20, Math.round(215 * warmth ** 1.3)], 4 * patch);
  });
  context.putImageData(picture, 0, 0);
}

function drawHeat() {
  root.querySelectorAll(".cs-frame").forEach((card, place) => {
    const heat = view.frames[place].heat;
    const canvas = card.querySelector("canvas");
    canvas.hidden = word === null || !heat;
    if (!canvas.hidden) paint(canvas, heat);
  });
  root.querySelectorAll("mark").forEach((mark) => {
    const score = word === null ? undefined : JSON.parse(mark.dataset.words)[word];
    // as good as the word's best match anywhere is 1; half as good and less is not shown
    const share = score === undefined ? 0 : Math.max(0, (score / Math.max(view.best[word], 0.01) - 0.5) * 2);
    mark.classList.toggle("cs-off", word !== null);
    mark.classList.toggle("cs-on", share > 0.5);
    mark.style.setProperty("--share", share.toFixed(2));
  });
  root.querySelectorAll(".cs-word").forEach((chip) => chip.setAttribute("aria-pressed", String(Number(chip.dataset.word) === word)));
}

function words() {
  if (!view.words.length || !view.frames.some((frame) => frame.heat)) return null;
  const chip = (text, position) =>
    el(
      "button",
      {
        type: "button",
        class: "cs-word",
        "data-word": position,
        "aria-pressed": "false",
        title: `Which patches and words answer “${text}”`,
        onclick: () => {
          word = word === position ? null : position;
          drawHeat();
        },
      },
      text,
    );
  return el(
    "div",
    { class: "cs-words", role: "group", "aria-label": "Words of the question" },
    el("span", { class: "cs-hint" }, "What answers each word?"),
    view.words.map(chip),
  );
}

function line(item) {
  const pieces = item.pieces.map((piece) => {
    if (!piece.words) return piece.text;
    const asked = Object.keys(piece.words).map((position) => view.words[position]);
    const strength = piece.strength < 0.3 ? 0 : piece.strength;
    return el(
      "mark",
      { "data-words": JSON.stringify(piece.words), style: `--strength:${strength}`, title: `answers “${asked.join(", ")}”` },
      piece.text,
    );
  });
  return el("p", { class: "cs-line" }, badge(item.modality), " ", pieces);
}

function card(frame, place) {
  const told = `Frame ${place + 1} at ${frame.label}, ${MODALITY[frame.modality] || frame.modality}, score ${frame.score}`;
  return el(
    "article",
    { class: `cs-frame ${frame.inside ? "cs-holds" : ""}`, "data-time": frame.time },
    el(
      "button",
      { type: "button", class: "cs-picture", "aria-label": `${told}. Go there`, onclick: () => seek(frame.time, view.start) },
      el("img", { src: frame.image, alt: "", loading: "lazy" }),
      el("canvas", { hidden: true, "aria-hidden": "true" }),
    ),
    el(
      "div",
      { class: "cs-facts" },
      el("span", { class: "cs-ordinal", title: "its number on the timeline" }, place + 1),
      el("b", {}, frame.label),
      badge(frame.modality),
      el("span", { class: "cs-score", title: "mean cosine of the question's tokens with their best match" }, frame.score.toFixed(2)),
    ),
    frame.inside ? el("p", { class: "cs-hit" }, "✓ holds the answer") : null,
    el("div", { class: "cs-lines" }, frame.text.map(line)),
  );
}

function strip() {
  const thumb = (frame) =>
    el(
      "button",
      {
        type: "button",
        class: `cs-thumb ${frame.inside ? "cs-inside" : ""}`,
        "aria-label": `Uniform frame at ${frame.label}. Go there`,
        onclick: () => seek(frame.time, view.start),
      },
      el("img", { src: frame.image, alt: "", loading: "lazy" }),
      el("span", {}, (frame.inside ? "✓ " : "") + frame.label),
    );
  const verdict = view.hits
    ? `The answer is in ${view.hits.uniform || "none"} of these ${view.uniform.length} frames, and in ${view.hits.ours || "none"} of ours.`
    : "The same number of frames, evenly spaced.";
  return el(
    "div",
    { class: "cs-uniform" },
    el("h2", {}, "Uniform sampling would show"),
    el("p", { class: "cs-hint" }, verdict),
    el("div", { class: "cs-strip" }, view.uniform.map(thumb)),
  );
}

show((value) => {
  view = value;
  word = null;
  root.hidden = !value;
  if (!value) return root.replaceChildren();
  root.replaceChildren(
    el("div", { class: "cs-frames-head" }, el("h2", {}, "Selected frames"), words()),
    el("div", { class: "cs-grid" }, value.frames.map(card)),
    strip(),
  );
});
