"""Which replies count as a choice, and which do not: both as a table, since every form is a promise."""

from __future__ import annotations

import pytest

from clamr_select.answer.choices import ChoiceTally, format_options, option_letters, parse_choice, tally_choices
from clamr_select.errors import InputError

OPTIONS = ["A red boat", "Two geese", "The harbour master", "None of the above"]

ACCEPTED = [
    ("B", "B"),
    ("B.", "B"),
    ("B)", "B"),
    ("B:", "B"),
    ("(B)", "B"),
    ("( B )", "B"),
    ("(B).", "B"),
    ("[B]", "B"),
    ("  B \n", "B"),
    ("**B**", "B"),
    ("**B.** Two geese", "B"),
    ("`C`", "C"),
    (r"$\boxed{D}$", "D"),
    (r"\boxed{\text{D}}", "D"),
    ("Option B", "B"),
    ("option B.", "B"),
    ("Answer: B", "B"),
    ("answer: (B)", "B"),
    ("ANSWER: B", "B"),
    ("Final answer: B.", "B"),
    ("**Answer:** B", "B"),
    ("The answer is B", "B"),
    ("The answer is B.", "B"),
    ("The answer is: B", "B"),
    ("The answer is (B) Two geese.", "B"),
    ("The correct answer is option B", "B"),
    ("The correct option is C.", "C"),
    ("So the answer is D", "D"),
    ("Therefore, the final answer is: (A)", "A"),
    ("My answer: C", "C"),
    ("B. Two geese", "B"),
    ("B) two  geese.", "B"),
    ("(C) The harbour master", "C"),
    ("C: The harbour master", "C"),
    ("Two geese", "B"),
    ("two geese.", "B"),
    ('"Two geese"', "B"),
    ("“Two geese.”", "B"),
    ("Answer: Two geese", "B"),
    ("The answer is the harbour master.", "C"),
    ("A red boat", "A"),
    ("A A red boat", "A"),
    ("None of the above", "D"),
    ("The sign is at 12.3 s, and it shows geese.\n\nAnswer: B", "B"),
    ("The frames show two birds.\nB", "B"),
    ("B\n\nTwo birds stand beside the sign.", "B"),
    ("A. A red boat\nB. Two geese\nThe answer is B.", "B"),
    ("Answer: B\nB. Two geese", "B"),
]

REFUSED = [
    "",
    "   \n",
    "b",
    "E",
    "(E)",
    "Answer: E",
    "BC",
    "B and C",
    "B or C",
    "A, B",
    "The answer is B or C",
    "The answer is not B",
    "Not B",
    "Because of the boat",
    "A man opens the door",
    "A boat, I think; it could be B",
    "Definitely the second one",
    "The second option",
    "I think it is B",
    "B, because two birds stand there",
    "B. A red boat",
    "The answer is B. A red boat",
    "Answer: B\nAnswer: C",
    "B\nC",
    "B\nTwo geese stand there.\nC",
    "A. A red boat\nB. Two geese",
    "geese",
    "Two geese and a boat",
    "Vitamin B",
    "Answer:",
    "Option",
    "The answer is in the subtitles.",
    "**",
    "Let me think about option B\nand about option C",
]


@pytest.mark.parametrize(("reply", "letter"), ACCEPTED)
def test_accepted(reply: str, letter: str) -> None:
    assert parse_choice(reply, OPTIONS) == letter


@pytest.mark.parametrize("reply", REFUSED)
def test_refused(reply: str) -> None:
    assert parse_choice(reply, OPTIONS) is None


def test_an_option_that_is_the_letter_of_another_is_ambiguous() -> None:
    """'Which letter is on the sign?'"""
    assert parse_choice("B", ["B", "A"]) is None
    assert parse_choice("A. B", ["B", "A"]) == "A"
    assert parse_choice("A", ["A", "B"]) == "A"


def test_letters_follow_the_number_of_options() -> None:
    options = [f"thing {number}" for number in range(26)]

    assert option_letters(options)[-1] == "Z"
    assert parse_choice("Z", options) == "Z"
    assert parse_choice("Z", options[:25]) is None


def test_options_are_one_a_line() -> None:
    assert format_options(["red\nboat", " two  geese"]) == "A. red boat\nB. two geese"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "2 to 26"),
        (["one"], "2 to 26"),
        ("AB", "2 to 26"),
        ([f"{number}" for number in range(27)], "2 to 26"),
        (["one", " "], "empty"),
        (["Two geese", "two  geese."], "read the same"),
    ],
)
def test_bad_options_fail(options: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_choice("A", options)


def test_unparsed_is_counted_apart() -> None:
    tally = tally_choices(["A", "B", None, "C"], right=["A", "C", "A", "C"])

    assert tally == ChoiceTally(num_right=2, num_wrong=1, num_unparsed=1)
    assert tally.accuracy == 0.5


@pytest.mark.parametrize(("choices", "right"), [([], []), (["A"], ["A", "B"])])
def test_tally_fails_without_pairs(choices: list[str | None], right: list[str]) -> None:
    with pytest.raises(InputError, match="one length"):
        tally_choices(choices, right)
