root.setAttribute("aria-live", "polite");

function picture(moment, name) {
  if (!moment || !moment.image) return el("div", { class: "cs-no-picture", "aria-hidden": "true" });
  return el("img", { src: moment.image, alt: `${name} at ${moment.label}`, loading: "lazy" });
}

function scores(row) {
  const other = ({ modality, score }) => `${MODALITY[modality] || modality} ${score.toFixed(2)}`;
  return el(
    "div",
    { class: "cs-facts" },
    badge(row.modality),
    el("b", { title: "mean cosine of the question's tokens with their best match" }, row.score.toFixed(3)),
    row.others.length ? el("span", { class: "cs-hint cs-others" }, row.others.map(other).join(" · ")) : null,
  );
}

function moments(row) {
  const card = (moment) =>
    el(
      "li",
      { class: "cs-moment" },
      picture(moment, row.name),
      el(
        "div",
        { class: "cs-facts" },
        el("b", {}, moment.label),
        badge(moment.modality),
        el("span", { class: "cs-score" }, moment.score.toFixed(2)),
      ),
      moment.words ? el("p", { class: "cs-line" }, moment.words) : null,
    );
  return el("ol", { class: "cs-moments", "aria-label": `Moments of ${row.name}` }, row.moments.map(card));
}

function actions(row, place, isChosen) {
  const open = () => trigger("choose", { place });
  const buttons = [];
  if (row.moments.length) {
    const text = isChosen ? "Hide the moments" : `Best ${row.moments.length} moments`;
    buttons.push(el("button", { type: "button", class: "cs-tool cs-open", "aria-expanded": String(isChosen), onclick: open }, text));
  }
  if (row.canAsk) {
    const ask = () => trigger("ask_on", { place });
    buttons.push(el("button", { type: "button", class: "cs-tool cs-ask-on", onclick: ask }, "Ask this video"));
  }
  return el("div", { class: "cs-actions" }, buttons);
}

function video(row, place, isChosen) {
  const best = row.best === null ? null : row.moments[row.best];
  return el(
    "li",
    { class: "cs-video", "data-name": row.name },
    el(
      "div",
      { class: "cs-video-row" },
      picture(best, row.name),
      el(
        "div",
        { class: "cs-video-facts" },
        el("h3", {}, row.name, row.duration ? el("span", { class: "cs-in" }, row.duration) : null),
        scores(row),
        best ? el("p", { class: "cs-line cs-best" }, el("b", {}, best.label), " ", best.words) : null,
        row.told.map((text) => el("p", { class: "cs-hint cs-told" }, text)),
        actions(row, place, isChosen),
      ),
    ),
    isChosen ? moments(row) : null,
  );
}

function steps() {
  return el("p", { class: "cs-hint" }, "Which video answers, and where in it? Ask: all videos of the library are compared.");
}

show((view) => {
  if (!view || (!view.question && !view.error)) return root.replaceChildren(steps());
  const parts = [];
  if (view.isSearching) parts.push(el("p", { class: "cs-status" }, el("span", { class: "cs-pulse" }), "Searching…"));
  if (view.error) parts.push(el("p", { class: "cs-error", role: "alert" }, view.error));
  if (view.note) parts.push(el("p", { class: "cs-note" }, view.note));
  parts.push(...view.warnings.map((text) => el("p", { class: "cs-note" }, text)));
  parts.push(el("ol", { class: "cs-videos" }, view.rows.map((row, place) => video(row, place, place === view.chosen))));
  root.replaceChildren(...parts);
});
