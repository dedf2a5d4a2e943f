"""Checkpoints of the released code, of today's transformers and of colpali-engine, loaded by ours, give what their own
code computed: token ids, positions, pixels and sound in (tests/golden/README.md)."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from clamr_select.errors import MissingDependencyError
from clamr_select.model import ClamrForRetrieval
from clamr_select.model.checkpoint.report import CheckpointWarning

GOLDEN = Path(__file__).parents[1] / "golden"
BASES = {"vl_5": "vl_4_51", "omni_5": "omni_4_52"}
"""Fixtures that stand on another's base."""
INPUTS_OF = {"vl_4_52": "vl_4_51", "vl_5": "vl_4_51", "colpali": "vl_4_51", "omni_5": "omni_4_52"}
"""Fixtures whose inputs are another's."""
DRAWN = ("vl_4_51", "vl_4_52", "omni_4_52", "omni_5")
"""Those whose projection is in no file."""
NAMES = ("vl_4_51", "vl_4_52", "vl_5", "colpali", "omni_4_52", "omni_5")


def load(name: str, **options: object) -> ClamrForRetrieval:
    base = GOLDEN / BASES.get(name, name) / "base"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)
        return ClamrForRetrieval.from_pretrained(GOLDEN / name / "adapter", base=base, dtype=torch.float32, **options)


@pytest.fixture(scope="module", params=NAMES)
def golden(request):
    try:
        return request.param, load(request.param)
    except MissingDependencyError as error:  # this transformers does not know the backbone, and the error says so
        assert "omni" in request.param
        pytest.skip(str(error))


def inputs_of(name: str, item: str) -> dict[str, torch.Tensor]:
    """The stored inputs of one item, as the model takes them."""
    stored = load_file(GOLDEN / INPUTS_OF.get(name, name) / "expected.safetensors")
    inputs = {"input_ids": stored[f"{item}.input_ids"][None], "position_ids": stored[f"{item}.position_ids"][:, None]}
    if f"{item}.video_grid_thw" in stored:
        # all items with pixels show the same frames, which one fixture keeps
        pixels = load_file(GOLDEN / "vl_4_51" / "expected.safetensors")["document.pixel_values_videos"]
        inputs |= {"video_grid_thw": stored[f"{item}.video_grid_thw"], "pixel_values_videos": pixels}
    if f"{item}.input_features" in stored:
        mel = stored[f"{item}.input_features"]
        inputs |= {"input_features": mel, "feature_attention_mask": torch.ones(1, mel.shape[2], dtype=torch.long)}
    return inputs


@pytest.mark.parametrize("item", ["query", "document", "audio_document"])
def test_embeddings_are_those_of_the_code_that_saved_it(golden, item):
    name, model = golden
    expected = load_file(GOLDEN / name / "expected.safetensors").get(f"{item}.embeddings")
    if expected is None:
        assert item == ("document" if name == "omni_5" else "audio_document")
        return
    with torch.inference_mode():
        ours = model(**inputs_of(name, item)).embeddings[0]
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)


def test_what_was_read_is_reported(golden):
    name, model = golden
    report = model.load_report
    drawn, whole, in_base = (name in names for names in (DRAWN, ("vl_5",), ("colpali",)))
    assert report.projection == ("drawn" if drawn else "adapter" if whole else "base" if in_base else None)
    assert [code for code, _ in report.warnings] == ["projection_assumed"] * drawn
    assert report.num_tensors == len(model.state_dict())
    if name == "omni_4_52":
        assert report.dropped == {"talker": 31, "token2wav": 97, "lm_head": 1}


def test_a_warning_says_what_was_assumed():
    folder = GOLDEN / "vl_4_51"
    with pytest.warns(CheckpointWarning, match="draw of seed 42"):
        ClamrForRetrieval.from_pretrained(folder / "adapter", base=folder / "base")


def test_another_draw_gives_other_embeddings():
    """What a silent redraw would do, so that the agreement above is known to mean something."""
    model, item = load("vl_4_51"), inputs_of("vl_4_51", "query")
    expected = load_file(GOLDEN / "vl_4_51" / "expected.safetensors")["query.embeddings"]
    with torch.inference_mode():
        model.embedding_proj_layer.weight += 0.02 * torch.randn(128, 32, generator=torch.Generator().manual_seed(1))
        off = (model(**item).embeddings[0] - expected).abs().max()
    assert off > 0.05
