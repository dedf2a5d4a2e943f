"""A model that knows its words by other pieces: what both have is kept, what is new begins as its parts."""

from __future__ import annotations

import pytest
import torch

from clamr_select.errors import InputError
from clamr_select.model import ClamrForRetrieval
from clamr_select.training.nano import nano_config, nano_model
from clamr_select.training.new_vocabulary import with_vocabulary
from clamr_select.training.tokenizer import SPECIAL_TOKENS, train_tokenizer

WORDS = "harbor lantern glacier walrus cello orchard violin granite meadow"
TABLE = "vlm.language_model.embed_tokens.weight"


@pytest.fixture(scope="module")
def tokenizers():
    longer = train_tokenizer([WORDS] * 4, vocab_size=310)
    shorter = train_tokenizer([WORDS] * 4, vocab_size=300, max_piece_characters=2)
    return longer, shorter


def test_pieces_and_special_tokens_that_both_have_keep_their_rows_and_all_else_stays(tokenizers):
    old, new = tokenizers
    model = nano_model(old)
    moved = with_vocabulary(model, old=old, new=new)
    before, after = model.state_dict(), moved.state_dict()
    assert all(before[name].equal(after[name]) for name in before if name != TABLE)
    known, ours = old.get_vocab(), new.get_vocab()
    shared = known.keys() & ours.keys()
    assert {*SPECIAL_TOKENS, "<0x41>", "h"} <= shared
    for piece in shared:
        torch.testing.assert_close(after[TABLE][ours[piece]], before[TABLE][known[piece]])
    assert moved.config.vlm_config.text_config.vocab_size == len(new) == 300
    assert moved.config.vlm_config.image_token_id == new.convert_tokens_to_ids("<|video_pad|>")


def test_a_new_piece_begins_as_the_sum_of_the_longest_old_ones_at_the_scale_of_one(tokenizers):
    new, old = tokenizers  # from short pieces to long ones
    model = nano_model(old)
    known, ours = old.get_vocab(), new.get_vocab()
    rows, table = with_vocabulary(model, old=old, new=new).state_dict()[TABLE], model.state_dict()[TABLE]
    piece = next(piece for piece in ours if piece not in known and {piece[:2], piece[2:]} <= known.keys())
    expected = (table[known[piece[:2]]] + table[known[piece[2:]]]) / 2**0.5
    torch.testing.assert_close(rows[ours[piece]], expected)
    assert 0.5 < rows.std() / table.std() < 1.5


def test_a_character_that_the_model_does_not_know_is_named(tokenizers):
    old, _ = tokenizers
    new = train_tokenizer([WORDS + " zucchini"] * 4, vocab_size=300)
    with pytest.raises(InputError, match="holds 'z'"):
        with_vocabulary(nano_model(old), old=old, new=new)


def test_a_model_of_another_shape_is_refused(tokenizers):
    old, new = tokenizers
    with pytest.raises(InputError, match="nano's shape"):
        with_vocabulary(ClamrForRetrieval(nano_config(old, hidden_size=64)), old=old, new=new)
