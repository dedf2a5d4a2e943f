"""What a question asks of time: the end, after something, how often, the whole. By a few rules, or a language model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from clamr_select.errors import InputError

Scope = Literal["moment", "count", "whole"]
Place = Literal["start", "end"]
Order = Literal["after", "right_after", "before"]


@dataclass(frozen=True)
class QuestionPlan:
    """How the frames of a question are to be looked for."""

    text: str
    """What is scored."""
    scope: Scope = "moment"
    """``moment``: by relevance. ``count``: every occurrence, by relevance with distance. ``whole``: the video as a
    whole, by coverage."""
    place: Place | None = None
    """Only there: at the start or the end of the video."""
    order: Order | None = None
    event: str = ""
    """Of ``order``: what ``text`` comes after or before."""
    by: Literal["rules", "model"] = "rules"

    def __post_init__(self) -> None:
        if not self.text.strip() or (self.order is None) != (not self.event.strip()):
            raise InputError(f"a question plan needs a text, and an event where it has an order; got {self}")


PROMPT = """You plan the search for video frames that answer a question. Reply with one JSON object:
"text": the part of the question to look for, without words of time or counting;
"scope": "moment" if some moments answer it, "count" if all occurrences must be found, "whole" if only the video as a
whole answers it (summary, topic, mood, order of chapters);
"place": "start", "end" or null, only if the question names the beginning or end of the video;
"order": "after", "right_after", "before" or null: how "text" lies to "event";
"event": the other event of "order", else "".
Question: """

_THE_VIDEO = r"(the|this) (whole |entire )?(video|film|clip)"
_WHOLE = re.compile(
    r"\b((main|mainly) (idea|topic|theme|point|subject|purpose|about)|overall|summar\w+"
    r"|the (whole|entire) (video|film|clip)"
    rf"|{_THE_VIDEO} (is )?(mainly )?about|genre|(theme|topic|mood|tone|purpose|title|summary) (of|for) {_THE_VIDEO}"
    rf"|in what order|correct order|sequence of events|throughout {_THE_VIDEO})\b",
    re.IGNORECASE,
)
_COUNT = re.compile(
    r"\b(how many times|how often|number of times|how many \w+ (are|were|appear|did|does|do)|count the)\b",
    re.IGNORECASE,
)
_UNIT = r"(scene|shot|frame|part|minute)s?"
_IN = r"((in|at|during|of) )?(the )?"
_OF = r"( of (the|this) \w+)?"
_END = re.compile(
    rf"\b((at|near|towards?|in) the (very )?(end|ending)|{_IN}(last|final) {_UNIT}|finally)\b{_OF}", re.IGNORECASE
)
_START = re.compile(
    rf"\b((at|near|in) the (very )?(start|beginning|opening)|{_IN}(first|opening) {_UNIT})\b{_OF}", re.IGNORECASE
)
_RIGHT = r"(right|immediately|directly|just|shortly|soon) after"
# "which of the following …" introduces options
_ORDER = re.compile(
    rf"\b(?P<order>{_RIGHT}|after|(?<!the )following|before|prior to|until)\b\s+(?P<event>[^,?;]+)", re.IGNORECASE
)
_ORDERS: dict[str, Order] = {
    "after": "after",
    "following": "after",
    "before": "before",
    "prior to": "before",
    "until": "before",
}
_LEAD = re.compile(r"^(and|then|,|\s)+", re.I)


def plan_question(text: str, *, ask: Callable[[str], str] | None = None) -> QuestionPlan:
    """What a question asks of time.

    Args:
        text: the question, without its options.
        ask: a language model: takes a prompt, returns its reply. None takes the rules, which read English alone and
            leave whatever they do not know as one ``moment``.

    Raises:
        InputError: the question is empty, or the model's reply is not the JSON asked for.
    """
    if not text.strip():
        raise InputError("the question is empty; ask something, e.g. 'when does the bridge open?'")
    return _by_model(text, ask) if ask is not None else _by_rules(text)


def _by_rules(text: str) -> QuestionPlan:
    place, rest = _place(text)
    scope: Scope = "whole" if _WHOLE.search(text) else "count" if _COUNT.search(text) else "moment"
    found = _ORDER.search(rest) if scope == "moment" else None
    if found is None:
        return QuestionPlan(rest, scope, place)
    order = _ORDERS.get(found["order"].lower(), "right_after")
    main = _tidy(rest[: found.start()] + " " + rest[found.end() :])
    if len(main.split()) < 2 or len(found["event"].split()) < 2:  # nothing is left to look for
        return QuestionPlan(rest, scope, place)
    return QuestionPlan(main, scope, place, order, found["event"].strip())


def _place(text: str) -> tuple[Place | None, str]:
    """Where, and the question without these words; with both or none of them, nowhere."""
    at_end, at_start = _END.search(text), _START.search(text)
    if (at_end is None) == (at_start is None):
        return None, text
    found = at_end or at_start
    rest = _tidy(text[: found.start()] + " " + text[found.end() :])  # type: ignore[union-attr]
    return ("end" if at_end else "start"), rest if len(rest.split()) >= 2 else text


def _tidy(text: str) -> str:
    return re.sub(r"\s+([,?.])", r"\1", re.sub(r"\s+", " ", _LEAD.sub("", text))).strip(" ,;")


def _by_model(text: str, ask: Callable[[str], str]) -> QuestionPlan:
    reply = ask(PROMPT + text)
    found = re.search(r"\{.*\}", reply, re.DOTALL)
    try:
        data = json.loads(found[0] if found else reply)
        plan = QuestionPlan(
            text=str(data["text"]),
            scope=data.get("scope", "moment"),
            place=data.get("place") or None,
            order=data.get("order") or None,
            event=str(data.get("event") or ""),
            by="model",
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"the model's plan of the question cannot be read ({error}); it replied {reply[:200]!r}"
        ) from error
    for kind, value, allowed in (
        ("scope", plan.scope, get_args(Scope)),
        ("place", plan.place, (None, *get_args(Place))),
        ("order", plan.order, (None, *get_args(Order))),
    ):
        if value not in allowed:
            raise InputError(f"the model's plan has {kind} {value!r}; allowed: {', '.join(map(str, allowed))}")
    return plan
