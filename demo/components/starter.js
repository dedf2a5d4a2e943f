show((view) => {
  root.replaceChildren();
  if (!view || !view.examples.length) return;
  const examples = view.examples.map((example) =>
    el(
      "button",
      {
        type: "button",
        class: "cs-example",
        "aria-pressed": String(example.name === view.current),
        "data-example": example.name,
        onclick: () => trigger("take", { name: example.name }),
      },
      el("strong", {}, example.title),
      el("span", {}, example.about),
    ),
  );
  root.append(el("h2", { class: "cs-small-heading" }, view.current ? "Examples" : "No video at hand? Take an example"));
  root.append(el("div", { class: "cs-examples" }, examples));
  if (!view.questions.length) return;
  root.append(el("h2", { class: "cs-small-heading" }, "Ask, for instance"));
  root.append(
    el(
      "div",
      { class: "cs-questions" },
      view.questions.map((question) =>
        el(
          "button",
          { type: "button", class: "cs-question", onclick: () => trigger("ask", { question: question.text }) },
          el(
            "span",
            { class: "cs-dots", "aria-label": question.modality.split("+").map((m) => MODALITY[m]).join(" and ") },
            question.modality.split("+").map((m) => el("i", { "data-modality": m })),
          ),
          question.text,
        ),
      ),
    ),
  );
});
