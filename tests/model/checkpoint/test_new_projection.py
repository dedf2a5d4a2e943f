"""A retriever from a bare backbone: asked for, seeded, and refused where there is a projection."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from clamr_select.errors import InputError
from clamr_select.model import ClamrForRetrieval
from clamr_select.model.checkpoint.projection import drawn_weight

GOLDEN = Path(__file__).parents[2] / "golden"
BASE = GOLDEN / "vl_4_51" / "base"


def test_a_bare_backbone_gets_the_projection_of_the_seed():
    state = torch.get_rng_state()
    model = ClamrForRetrieval.from_pretrained(BASE, new_projection_seed=7, dtype=torch.float32)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(model.embedding_proj_layer.weight, drawn_weight(32, seed=7))
    assert not torch.equal(model.embedding_proj_layer.weight, drawn_weight(32))
    assert not model.embedding_proj_layer.bias.any()
    assert model.load_report.projection == "new"
    assert [code for code, _ in model.load_report.warnings] == ["projection_new"]
    assert not model.config.assumptions  # what is saved after training has been trained


def test_what_has_a_projection_gets_no_new_one():
    for name in ("clamr-nano", GOLDEN / "colpali" / "base"):
        with pytest.raises(InputError, match="has a projection already"):
            ClamrForRetrieval.from_pretrained(name, new_projection_seed=7)
    with pytest.raises(InputError, match="has a projection already"):
        ClamrForRetrieval.from_pretrained(GOLDEN / "vl_4_51" / "adapter", base=BASE, new_projection_seed=7)
