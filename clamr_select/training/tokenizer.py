"""Nano's vocabulary: trained with sentencepiece, kept as a ``tokenizers`` tokenizer with the same ids."""

from __future__ import annotations

import io
from collections.abc import Iterable

import sentencepiece
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from clamr_select.errors import InputError

END_OF_TEXT, VIDEO_PAD = "<|endoftext|>", "<|video_pad|>"
VISION_START, VISION_END = "<|vision_start|>", "<|vision_end|>"
SPECIAL_TOKENS = (END_OF_TEXT, VIDEO_PAD, VISION_START, VISION_END)
SPACE = "▁"
"""What sentencepiece writes for a space; every word begins with one."""
DEFAULT_MAX_PIECE_CHARACTERS = 16
"""Sentencepiece's own."""
_UNKNOWN = "<unk>"


def train_tokenizer(
    lines: Iterable[str], *, vocab_size: int, max_piece_characters: int = DEFAULT_MAX_PIECE_CHARACTERS
) -> PreTrainedTokenizerFast:
    """Sentencepiece BPE with byte fallback over :func:`text_normalizer`'s text, as a fast tokenizer.

    Args:
        lines: training text, one line each; the same lines give the same vocabulary.
        vocab_size: with the special tokens, which take the last ids.
        max_piece_characters: of the longest piece, the space before a word included.

    Raises:
        InputError: the text gives no vocabulary of this size.
    """
    pieces = train_sentencepiece(
        lines, vocab_size=vocab_size - len(SPECIAL_TOKENS), max_piece_characters=max_piece_characters
    )
    return as_fast_tokenizer(pieces)


def train_sentencepiece(
    lines: Iterable[str], *, vocab_size: int, max_piece_characters: int = DEFAULT_MAX_PIECE_CHARACTERS
) -> sentencepiece.SentencePieceProcessor:
    """BPE over normalised lines: digits stand alone, every character of the lines and every byte is a piece.

    Args:
        lines: raw text; :func:`text_normalizer` is applied here, sentencepiece's own rules are off.
        vocab_size: of the pieces, the 256 bytes and ``<unk>`` included, without special tokens.
        max_piece_characters: of the longest piece, at least 1.

    Raises:
        InputError: there is no text, or it gives more single characters or fewer pieces than ``vocab_size``.
    """
    normalizer, model = text_normalizer(), io.BytesIO()
    normalized = (normalizer.normalize_str(line) for line in lines)
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=normalized,
            model_writer=model,
            model_type="bpe",
            vocab_size=vocab_size,
            max_sentencepiece_length=max_piece_characters,
            byte_fallback=True,
            normalization_rule_name="identity",
            split_digits=True,
            character_coverage=1.0,
            unk_id=0,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            num_threads=1,
            minloglevel=2,
        )
    except (RuntimeError, OSError) as error:
        raise InputError(f"no vocabulary of {vocab_size} pieces from these lines: {error}") from error
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    if pieces.get_piece_size() != vocab_size:
        raise InputError(
            f"the lines give {pieces.get_piece_size()} pieces, not {vocab_size}; train on more text or ask for fewer"
        )
    return pieces


def text_normalizer() -> normalizers.Normalizer:
    """NFKC, lower case, straight quotes, one space for any run of white space, none at either end.

    A word is the same word on a slide in capitals, in full-width letters or in a subtitle with curly quotes.
    """
    return normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex("[‘’]"), "'"),
            normalizers.Replace(Regex("[“”]"), '"'),
            normalizers.Replace(Regex("[\u00ad\u200b\u2060\ufeff]"), ""),  # soft hyphens and spaces of no width
            normalizers.Replace(Regex(rf"[\s\x00-\x1f{SPACE}]+"), " "),
            normalizers.Strip(),
        ]
    )


def as_fast_tokenizer(pieces: sentencepiece.SentencePieceProcessor) -> PreTrainedTokenizerFast:
    """Sentencepiece's pieces under their own ids, then the special tokens.

    For any text, ``tokenizer(text, add_special_tokens=False, split_special_tokens=True)`` gives
    ``pieces.encode(text_normalizer().normalize_str(text))``. Special tokens are no pieces: text cannot spell one.

    Args:
        pieces: a BPE model with byte fallback whose own normalisation is ``identity``.

    Raises:
        InputError: it has no pieces, or not all 256 bytes, or a piece named as a special token.
    """
    _check(pieces)
    names = [pieces.id_to_piece(index) for index in range(pieces.get_piece_size())]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={name: index for index, name in enumerate(names)},
            merges=_merges(pieces, names),
            unk_token=_UNKNOWN,
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    tokenizer.normalizer = text_normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always", split=True)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token=_UNKNOWN,
        pad_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        extra_special_tokens=list(SPECIAL_TOKENS[1:]),
        clean_up_tokenization_spaces=False,
    )
    if len(fast) != len(names) + len(SPECIAL_TOKENS):
        raise InputError(
            f"the tokenizer has {len(fast)} tokens, not {len(names)} pieces and {len(SPECIAL_TOKENS)} special tokens; "
            f"no piece may be named as one of {list(SPECIAL_TOKENS)}"
        )
    return fast


def _check(pieces: sentencepiece.SentencePieceProcessor) -> None:
    num_bytes = sum(pieces.is_byte(index) for index in range(pieces.get_piece_size()))
    if pieces.get_piece_size() == 0 or num_bytes != 256:
        raise InputError(
            f"{pieces.get_piece_size()} pieces with {num_bytes} byte pieces; all 256 are needed: byte_fallback=True"
        )


def _merges(pieces: sentencepiece.SentencePieceProcessor, names: list[str]) -> list[tuple[str, str]]:
    """Every split of a piece into two pieces, best piece first.

    Sentencepiece keeps no list of merges: it joins whichever neighbours make the best piece there is. Scores fall
    with the id, so the order of ids is the order of merges; single characters take the last ids and split no further.
    """
    normal = {
        name
        for index, name in enumerate(names)
        if not (pieces.is_byte(index) or pieces.is_control(index) or pieces.is_unknown(index))
    }
    ranked = sorted((name for name in normal if len(name) > 1), key=lambda name: -pieces.get_score(pieces[name]))
    return [
        (name[:cut], name[cut:])
        for name in ranked
        for cut in range(1, len(name))
        if name[:cut] in normal and name[cut:] in normal
    ]
