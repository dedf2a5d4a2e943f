"""Nano's vocabulary: the ids are sentencepiece's, no script is lost, text cannot spell a special token."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import sentencepiece
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from clamr_select.cli.train_nano import MAX_PIECE_CHARACTERS
from clamr_select.errors import InputError
from clamr_select.eval.needle.vocabulary import load_words
from clamr_select.training.nano import nano_config, nano_processor
from clamr_select.training.tokenizer import (
    DEFAULT_MAX_PIECE_CHARACTERS,
    SPECIAL_TOKENS,
    as_fast_tokenizer,
    text_normalizer,
    train_sentencepiece,
    train_tokenizer,
)

VOCAB_SIZE = 3000
# code, emoji, odd spaces, characters that fold into several or into none, and what looks like a piece of ours
ODD = (
    *(
        "a",
        "aa",
        "b",
        "ba",
        "ss",
        "The ",
        "walrus",
        "12",
        "3",
        ".",
        ",",
        "'s",
        "’s",
        "“",
        "def f(x):\n    return x[0]\n",
    ),
    *(" ", "  ", "\t", "\r\n", "\u00a0", "\u3000", "\u2028", "\u200b", "\u00ad", "\ufeff", "\x00", "▁"),
    *(
        "é",
        "E\u0301",
        "ﬁ",
        "ẞ",
        "İ",
        "Å",
        "Ω",
        "ς",
        "𝔘",
        "①",
        "ｆｕｌｌ",
        "日本語",
        "한국",
        "नमस्ते",
        "مرحبا",
        "שלום",
        "Привет",
    ),
    *("👩\u200d🔬", "🇩🇪", "😀", "<0x41>", "<unk>", *SPECIAL_TOKENS),
)
RANGES = ((32, 127), (0xA0, 0x2000), (0x2000, 0x3100), (0x3100, 0xD800), (0xE000, 0x10000), (0x10000, 0x1FA00))


@pytest.fixture(scope="module", params=[DEFAULT_MAX_PIECE_CHARACTERS, MAX_PIECE_CHARACTERS])
def pieces(request: pytest.FixtureRequest) -> sentencepiece.SentencePieceProcessor:
    lines = [*load_words(), "The walrus’s cello: what is said at 12:30, and where?"]
    return train_sentencepiece(lines, vocab_size=VOCAB_SIZE - len(SPECIAL_TOKENS), max_piece_characters=request.param)


@pytest.fixture(scope="module")
def tokenizer(pieces: sentencepiece.SentencePieceProcessor) -> PreTrainedTokenizerFast:
    return as_fast_tokenizer(pieces)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Ten thousand: words, sentences of words, odd characters side by side, any characters at all."""
    rng, words = random.Random(0), load_words()

    def any_character() -> str:
        return chr(rng.randrange(*rng.choice(RANGES)))

    def strings(draw: Callable[[], str], joint: str, most: int) -> list[str]:
        return [joint.join(draw() for _ in range(rng.randrange(most))) for _ in range(2500)]

    return [
        *rng.sample(words, 2500),
        *strings(lambda: rng.choice(words).title(), " ", 12),
        *strings(lambda: rng.choice(ODD), "", 16),
        *strings(any_character, "", 20),
    ]


def encode(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> list[list[int]]:
    return tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]


def test_ids_are_sentencepieces_and_decode_to_the_text(
    tokenizer: PreTrainedTokenizerFast, pieces: sentencepiece.SentencePieceProcessor, texts: list[str]
) -> None:
    assert len(texts) == 10_000
    normalized = [text_normalizer().normalize_str(text) for text in texts]

    ids = encode(tokenizer, texts)

    assert ids == pieces.encode(normalized)
    assert [tokenizer.decode(one) for one in ids] == normalized


def test_no_piece_is_longer_than_asked_for() -> None:
    lines = load_words()[:2000]
    longest = {
        most: max(
            len(piece)
            for piece in train_tokenizer(lines, vocab_size=600, max_piece_characters=most).get_vocab()
            if piece[0] != "<"
        )
        for most in (2, 3, 16)
    }
    assert (longest[2], longest[3]) == (2, 3)
    assert longest[16] > 3


def test_a_saved_tokenizer_is_the_same(tokenizer: PreTrainedTokenizerFast, texts: list[str], tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path)

    loaded = AutoTokenizer.from_pretrained(tmp_path)

    assert len(loaded) == len(tokenizer) == VOCAB_SIZE
    assert encode(loaded, texts[::5]) == encode(tokenizer, texts[::5])


def test_a_word_is_the_same_word_however_it_is_written(tokenizer: PreTrainedTokenizerFast) -> None:
    plain, *others = encode(
        tokenizer,
        [
            "fish's 'café'",
            "FISH’S ‘CAFÉ’",
            " ﬁsh's\n'cafe\u0301' ",
            "ｆｉｓｈ's\u00a0'café'",
            "fi\u00adsh's 'café'\u200b",
        ],
    )

    assert others == [plain] * 4


def test_text_cannot_spell_a_special_token(tokenizer: PreTrainedTokenizerFast) -> None:
    special = set(tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS)))

    assert special == set(range(VOCAB_SIZE - len(SPECIAL_TOKENS), VOCAB_SIZE))
    assert tokenizer(SPECIAL_TOKENS[1], add_special_tokens=False)["input_ids"] == [min(special) + 1]
    assert not special.intersection(*encode(tokenizer, ["".join(SPECIAL_TOKENS)]))


def test_words_of_a_question_find_their_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    processor = nano_processor(tokenizer)
    question = "Where’s  the WALRUS, 日本?"

    words = processor.question_words(question)

    ids = encode(tokenizer, [processor.query_prefix + question])[0]
    read = [(word, tokenizer.decode([ids[position] for position in positions])) for word, positions in words]
    assert read == [("Where’s", "where's"), ("the", "the"), ("WALRUS,", "walrus,"), ("日本?", "日本?")]


def test_the_same_lines_give_the_same_vocabulary() -> None:
    lines = ["harbor lantern glacier walrus cello"] * 3

    first, second = (train_tokenizer(iter(lines), vocab_size=300) for _ in range(2))

    assert first.get_vocab() == second.get_vocab()
    assert nano_config(first).vlm_config.text_config.vocab_size == len(first) == 300


@pytest.mark.parametrize(
    ("lines", "vocab_size", "says"),
    [(["harbor lantern"], 5000, "too high"), (["harbor lantern"], 100, "smaller"), ([], 300, "no vocabulary")],
)
def test_no_vocabulary_of_another_size(lines: list[str], vocab_size: int, says: str) -> None:
    with pytest.raises(InputError, match=says):
        train_tokenizer(lines, vocab_size=vocab_size)


def test_pieces_without_bytes_or_without_anything_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="byte_fallback"):
        as_fast_tokenizer(sentencepiece.SentencePieceProcessor())
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["harbor lantern glacier"]),
        model_prefix=str(tmp_path / "plain"),
        model_type="bpe",
        vocab_size=20,
        minloglevel=2,
    )
    with pytest.raises(InputError, match="0 byte pieces"):
        as_fast_tokenizer(sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "plain.model")))
