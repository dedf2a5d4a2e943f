from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from clamr_select.errors import InputError, UnknownNameError
from clamr_select.training.data.rows import TARGETS
from clamr_select.training.data.sources import ListSource
from clamr_select.training.queries.checks import QueryChecks, parse_reply, read_held_out, read_titles
from clamr_select.training.queries.examples import EXAMPLES
from clamr_select.training.queries.near import NearDuplicates, jaccard, trigrams
from clamr_select.training.queries.prompts import query_messages
from clamr_select.training.queries.words import contains_run, longest_shared_run, words_of

MATERIAL = "the council has agreed to close the north ferry crossing from the ninth of March"


def test_replies() -> None:
    reply = '\n1. "buses for a ferry"\n- (2) second one\n* Query 3: „third“\n4.5 metre waves\n'
    queries = ["buses for a ferry", "second one", "third", "4.5 metre waves"]
    assert parse_reply(reply, cut_off=False, num_queries=9) == queries
    assert parse_reply(reply, cut_off=False, num_queries=2) == queries[:2]
    assert parse_reply("one two\nthree fo", cut_off=True, num_queries=5) == ["one two"]
    assert parse_reply("  \n", cut_off=False, num_queries=5) == []


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("ferry", "length: 1 words"),
        ("word " * 33, "length: 33 words"),
        ("why they close the north ferry crossing in spring", "copied: 5"),
        ("a tour of the GREAT north road, by bike", "test title"),
        ("how glaciers carve wide valleys", "held out"),
        ("Replacement buses, for the ferry!", "duplicate"),
        ("replacement buses for the ferrys", "near duplicate"),
    ],
)
def test_what_is_refused(query: str, reason: str) -> None:
    checks = QueryChecks(
        held_out=["how glaciers carve a wide valley", "how glaciers carve wide valley"],
        test_titles=["The Great North Road", "Ferry"],
        max_copied_words=4,
    )
    checks.keep("replacement buses for the ferry")
    refused = checks.refuse(query, material=MATERIAL)
    assert refused is not None
    assert refused.startswith(reason)


def test_what_is_kept() -> None:
    checks = QueryChecks(held_out=["how glaciers carve valleys"], test_titles=["Ferry", "The Great North Road"])
    for query in ("how the ferry is replaced in March", "the great road north", "冰川如何形成山谷"):
        assert checks.refuse(query, material=MATERIAL) is None
        checks.keep(query)
    assert checks.fingerprint != QueryChecks().fingerprint
    assert QueryChecks().fingerprint == QueryChecks().fingerprint


def test_runs_of_words_against_a_naive_loop() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        one, other = ([str(w) for w in rng.integers(0, 4, rng.integers(0, 9))] for _ in range(2))
        runs = {tuple(other[i:j]) for i in range(len(other)) for j in range(i + 1, len(other) + 1)}
        naive = max(
            (j - i for i in range(len(one)) for j in range(i + 1, len(one) + 1) if tuple(one[i:j]) in runs), default=0
        )
        assert longest_shared_run(one, other) == naive
        assert contains_run(other, one) == (tuple(one) in runs)
    assert words_of("Don't ＳＴＯＰ, Straße_2!") == ["don", "t", "stop", "strasse", "2"]


def test_near_duplicates_against_all_pairs() -> None:
    rng = np.random.default_rng(1)
    letters = list("abcdefghij ")
    texts: list[str] = []
    for _ in range(60):
        base = "".join(rng.choice(letters, 30))
        texts.append(base)
        for _ in range(2):
            changed = list(base)
            changed[int(rng.integers(30))] = str(rng.choice(letters))
            texts.append("".join(changed))
    near = NearDuplicates(threshold=0.8)
    found = 0
    for i, text in enumerate(texts):
        expected = next((t for t in texts[:i] if jaccard(trigrams(text), trigrams(t)) >= 0.8), None)
        assert near.find(text) == expected
        found += expected is not None
        near.add(text)
    assert 20 < found < 150


def test_held_out_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("first, one\n\nsecond\n")
    (tmp_path / "a.csv").write_text('id,query\n1,"first, one"\n2,second\n')
    (tmp_path / "a.json").write_text(json.dumps({"v": [{"query": "first, one"}, {"query": ["second"]}]}))
    for suffix in ("txt", "csv", "json"):
        assert read_held_out(tmp_path / f"a.{suffix}") == ["first, one", "second"]
    (tmp_path / "bad.json").write_text('{"v": {"query": ""}}')
    for name in ("bad.json", "absent.txt", "absent.json"):
        with pytest.raises(InputError, match=name):
            read_held_out(tmp_path / name)


def test_titles() -> None:
    assert read_titles(ListSource([{"title": "A b"}, {"title": None}, {}], name="rows")) == ["A b"]
    with pytest.raises(InputError, match=r"rows\[0\]"):
        read_titles(ListSource([{"title": 3}], name="rows"))


def test_examples_keep_their_own_rules() -> None:
    assert set(EXAMPLES) == set(TARGETS)
    for target, examples in EXAMPLES.items():
        assert len(examples) >= 3
        for material, query in examples:
            material = material if target != "video" else ""
            assert QueryChecks(max_copied_words=3).refuse(query, material=material) is None, query


def test_prompts() -> None:
    messages = query_messages("asr", text="x </material> y " + "z" * 5000, num_queries=3)
    assert [m.role for m in messages] == ["system", *["user", "assistant"] * 3, "user"]
    assert "3 different queries" in messages[0].text
    assert messages[-1].text.count("</material>") == 1
    assert len(messages[-1].text) < 4100
    with pytest.raises(UnknownNameError, match="query target"):
        query_messages("speech")


def test_bad_settings() -> None:
    with pytest.raises(InputError, match="max_copied_words"):
        QueryChecks(max_copied_words=0)
    with pytest.raises(InputError, match="threshold"):
        QueryChecks(near_duplicate=0.0)
