"""Words of time in questions, and operators on scores, against naive loops."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from clamr_select.errors import InputError
from clamr_select.policies.operators import both, either, in_order, right_after, truth
from clamr_select.policies.questions import QuestionPlan, plan_question

DOOR = "What does she say after he opens the red door?"
GOAL = "Right after the goal is scored, who celebrates?"
CAR = "What colour is the car before it is painted?"
FOLLOWING = "What does she do following the second phone call?"
STATEMENTS = "Which of the following statements about the chef is true?"
DESCRIBES = "Which of the following best describes the mood of the crowd?"
LAST_PART = "In the last part of the video, which of the following animals appears?"
RULES = [
    ("Where does the walrus sleep?", ("Where does the walrus sleep?", "moment", None, None, "")),
    (DOOR, ("What does she say?", "moment", None, "after", "he opens the red door")),
    (GOAL, ("who celebrates?", "moment", None, "right_after", "the goal is scored")),
    (CAR, ("What colour is the car?", "moment", None, "before", "it is painted")),
    (FOLLOWING, ("What does she do?", "moment", None, "after", "the second phone call")),
    (STATEMENTS, (STATEMENTS, "moment", None, None, "")),
    (DESCRIBES, (DESCRIBES, "moment", None, None, "")),
    (LAST_PART, ("which of the following animals appears?", "moment", "end", None, "")),
    ("What is said before noon?", ("What is said before noon?", "moment", None, None, "")),
    ("What is shown at the end of the video?", ("What is shown?", "moment", "end", None, "")),
    ("In the last scene, who is standing?", ("who is standing?", "moment", "end", None, "")),
    ("Who speaks at the beginning?", ("Who speaks?", "moment", "start", None, "")),
    ("How many times does the bell ring?", ("How many times does the bell ring?", "count", None, None, "")),
    ("What is the video mainly about?", ("What is the video mainly about?", "whole", None, None, "")),
    ("In what order are the cities visited?", ("In what order are the cities visited?", "whole", None, None, "")),
]


@pytest.mark.parametrize(("question", "expected"), RULES, ids=[question for question, _ in RULES])
def test_rules_read_words_of_time(question, expected):
    plan = plan_question(question)
    assert (plan.text, plan.scope, plan.place, plan.order, plan.event) == expected
    assert plan.by == "rules"


def test_a_language_model_may_read_them_instead():
    asked = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        data = {"text": "who sings", "scope": "moment", "place": None, "order": "after", "event": "the storm"}
        return f"Here it is:\n```json\n{json.dumps(data)}\n```"

    plan = plan_question("Who sings once the storm is over?", ask=ask)
    assert plan == QuestionPlan("who sings", "moment", None, "after", "the storm", by="model")
    assert asked[0].endswith("Question: Who sings once the storm is over?")


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ("I cannot", "cannot be read"),
        ('{"scope": "moment"}', "cannot be read"),
        ('{"text": "a b", "scope": "all"}', "scope 'all'; allowed: moment, count, whole"),
        ('{"text": "a b", "order": "after"}', "cannot be read"),
    ],
)
def test_a_reply_that_cannot_be_read_is_an_error(reply, message):
    with pytest.raises(InputError, match=message):
        plan_question("who?", ask=lambda prompt: reply)


def test_an_empty_question_is_an_error():
    with pytest.raises(InputError, match="the question is empty"):
        plan_question("  ")


# --- operators ---


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [2, 3])
def test_in_order_equals_a_naive_loop(seed, count):
    signals = list(np.random.default_rng(seed).random((count, 30)))
    expected = []
    for t in range(30):
        values = []
        for place, signal in enumerate(signals):
            value = signal[t]
            for other in signals[:place]:
                value *= max(other[:t], default=0.0)
            for other in signals[place + 1 :]:
                value *= max(other[t + 1 :], default=0.0)
            values.append(value)
        expected.append(max(values))
    np.testing.assert_allclose(in_order(signals), expected)


@pytest.mark.parametrize("seed", range(5))
def test_right_after_equals_a_naive_loop(seed):
    rng = np.random.default_rng(seed)
    cause, effect, times = rng.random(25), rng.random(25), np.cumsum(rng.random(25) + 0.1)
    expected = [
        max(
            effect[t] * sum(cause[s] * math.exp(-2 * (times[t] - times[s])) for s in range(t)),
            cause[t] * sum(effect[s] * math.exp(-2 * (times[s] - times[t])) for s in range(t + 1, 25)),
        )
        for t in range(25)
    ]
    np.testing.assert_allclose(right_after(cause, effect, timestamps_seconds=times), expected)


def test_and_or_and_truth():
    one, other = np.array([0.0, 0.5, 1.0]), np.array([0.5, 0.5, 0.5])
    assert both(one, other).tolist() == [0.0, 0.25, 0.5]
    assert either(one, other).tolist() == [0.5, 0.75, 1.0]
    curve = truth(np.array([0.1, 0.2, 0.3, 0.9]))
    assert (np.diff(curve) > 0).all()
    assert ((curve >= 0) & (curve <= 1)).all()
    assert np.isfinite(truth(np.full(5, 0.3))).all()


def test_wrong_signals_fail():
    with pytest.raises(InputError, match="two or more signals of one length"):
        in_order([np.zeros(3)])
    with pytest.raises(InputError, match="two or more signals of one length"):
        in_order([np.zeros(3), np.zeros(4)])
    with pytest.raises(InputError, match="decay"):
        right_after(np.zeros(2), np.zeros(2), timestamps_seconds=np.arange(2.0), decay=0)
