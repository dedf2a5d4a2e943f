"""Sentences for speech, screen and metadata."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from clamr_select.eval.needle.synonyms import MEANINGS, any_name
from clamr_select.eval.needle.templates import CANONICAL_NAMES
from clamr_select.eval.needle.vocabulary import Split, content_word, inflect, pick

_SPEECH = (
    "and then the {} was seen with the {}",
    "we should look at the {} before the {}",
    "this is why the {} is so near to {}",
    "nobody knows how the {} got to the {}",
    "in the end there was only {} and a {}",
    "they told us that {} is better than {}",
    "I think the {} of the {} is still there",
    "a {} like that needs more {} than we have",
    "after the {} came the {} and the {}",
    "you can see {} in every {} of the {}",
    "it was a {} with a very old {}",
    "from the {} to the {} it is not far",
    "let us go back to the {} for now",
    "what about the {} we had here last week",
    "without {} there would be no {} at all",
    "once the {} has gone we need a new {}",
    "some of the {} went under the {}",
    "so {} is what makes the {} work",
    "my {} used to be full of {} and {}",
    "every day the {} moves a little to the {}",
    "by then our {} had become a {}",
    "well the {} is on its way",
    "there are many kinds of {} and most have {}",
    "if you take the {} out the {} will be {}",
)
_SCREEN = (
    "{} {}",
    "{} and {}",
    "{}: {} {}",
    "the {} of {}",
    "{} {} {}",
    "how {} meets {}",
    "{} - {}",
    "{} for {}",
    "{} with {} {}",
    "new {}: {}",
    "{}",
    "from {} to {}",
    "{} {} {} {}",
    "{} at the {}",
)
_METADATA = (
    "{} and {}",
    "the {} of {}: {}",
    "how to {} a {}",
    "{} {} with {}",
    "a short film about {} and {}",
    "{}, {} and {} explained",
    "all about {} {}",
    "{} tour: from {} to {}",
    "{} lesson: the {}",
    "my day with {} and {}",
    "{} news: {} near {}",
    "in this film we go from {} to {} by {}",
    "{} for beginners. we talk of {} and {}",
)
_FORMS = {"asr": _SPEECH, "ocr": _SCREEN, "description": _METADATA}


def sentence(
    rng: np.random.Generator,
    *,
    modality: str,
    split: Split,
    words: Sequence[str] = (),
    inflected_share: float = 0.15,
) -> tuple[str, frozenset[str]]:
    """A line in the manner of ``asr``, ``ocr`` or ``description`` and its content words in base form.

    It holds all ``words`` (or phrases), each by one of its names, in order; the other places are filled from the
    split's vocabulary.
    """
    forms = _FORMS[modality]
    form = pick(rng, forms)
    while form.count("{}") < min(len(words), 3):
        form = pick(rng, forms)
    fillers = [content_word(rng, split=split) for _ in range(form.count("{}") - len(words))]
    at = int(rng.random() * (len(fillers) + 1))
    content = [*fillers[:at], *(any_name(w, rng) for w in words), *fillers[at:]]
    surfaces = [inflect(w, rng) if rng.random() < inflected_share else w for w in content]
    slots = form.count("{}")
    if len(surfaces) > slots:  # more words than places: the rest follow
        form += " " + " ".join(["{}"] * (len(surfaces) - slots))
    return form.format(*surfaces), base_words(content)


def base_words(entries: Iterable[str]) -> frozenset[str]:
    """The words of words and phrases, each by the one name that stands for its synonyms."""
    return frozenset(
        CANONICAL_NAMES.get(word) or MEANINGS.get(word, word) for entry in entries for word in entry.split()
    )


def speech_style(text: str, rng: np.random.Generator) -> str:
    """As a subtitle (capital and full stop) or as a bare transcript."""
    return text[0].upper() + text[1:] + pick(rng, (".", ".", ",", "!", "?")) if rng.random() < 0.5 else text


def screen_style(text: str, rng: np.random.Generator) -> str:
    """Capitals as on slides and signs."""
    draw = float(rng.random())
    if draw < 0.3:
        return text.title()
    if draw < 0.45:
        return text.upper()
    return text[0].upper() + text[1:] if draw < 0.75 else text
