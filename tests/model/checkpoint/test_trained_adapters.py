"""What training saves is what loading reads; and what had to be assumed reaches the selection."""

import peft
import pytest
import torch
from safetensors.torch import load_file

from clamr_select import FrameSelector
from clamr_select.model import ClamrForRetrieval
from clamr_select.training.adapters import add_lora, save_adapter


@pytest.fixture
def saved(encoder, tmp_path):
    encoder.model.save_pretrained(tmp_path / "base")
    encoder.processor.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def trained(saved, **options):
    """A loaded model with LoRA whose B is no longer zero."""
    model = ClamrForRetrieval.from_pretrained(saved, dtype=torch.float32)
    modules = add_lora(model, base=str(saved), **options)
    generator = torch.Generator().manual_seed(5)
    for name, parameter in model.named_parameters():
        if ".lora_B." in name:
            parameter.data = 0.05 * torch.randn(parameter.shape, generator=generator)
    return model.eval(), modules


def embed(model, encoder):
    inputs, _ = encoder.processor.process_queries(["the harbor lantern swings"])
    with torch.inference_mode():
        return model(input_ids=inputs["input_ids"], position_ids=inputs["position_ids"]).embeddings


def test_an_adapter_of_our_training_is_read_back(saved, encoder, tmp_path):
    model, modules = trained(saved, rank=4, alpha=8)
    save_adapter(model, directory=tmp_path / "adapter")
    again = ClamrForRetrieval.from_pretrained(tmp_path / "adapter", dtype=torch.float32)
    torch.testing.assert_close(embed(again, encoder), embed(model, encoder), atol=1e-5, rtol=0)
    assert (embed(again, encoder) - embed(encoder.model, encoder)).abs().max() > 0.05
    report = again.load_report
    assert (report.base, report.num_lora_pairs, report.projection) == (str(saved), len(modules), "adapter")
    assert report.warnings == ()


# peft asks transformers by an older name
@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_an_adapter_of_peft_itself_is_read_back(saved, encoder, tmp_path):
    """``PeftModel.save_pretrained``, without the projection's own weight: it is the base's."""
    model = ClamrForRetrieval.from_pretrained(saved, dtype=torch.float32)
    targets = ["q_proj", "down_proj", "embedding_proj_layer"]
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=4, target_modules=targets, use_rslora=True))
    for name, parameter in adapted.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter, std=0.05)
    adapted.save_pretrained(tmp_path / "adapter")
    assert not any("base_layer" in name for name in load_file(tmp_path / "adapter" / "adapter_model.safetensors"))
    again = ClamrForRetrieval.from_pretrained(tmp_path / "adapter", base=saved, dtype=torch.float32)
    torch.testing.assert_close(embed(again, encoder), embed(adapted.eval(), encoder), atol=1e-5, rtol=0)
    assert again.load_report.projection == "base"


def test_an_adapter_on_the_embedded_model(tmp_path):
    """``clamr-nano`` is a base like any other."""
    model = ClamrForRetrieval.from_pretrained("clamr-nano", dtype=torch.float32)
    add_lora(model, rank=2, alpha=2, base="clamr-nano")
    save_adapter(model, directory=tmp_path)
    selector = FrameSelector.from_pretrained(str(tmp_path), device="cpu")
    assert selector.encoder.load_report.base == "clamr-nano"
    vectors, _ = selector.encoder.encode_query(["a red circle"])
    expected, _ = FrameSelector.from_pretrained("clamr-nano", device="cpu").encoder.encode_query(["a red circle"])
    torch.testing.assert_close(vectors[0], expected[0], atol=1e-5, rtol=0)


@pytest.mark.filterwarnings("ignore::clamr_select.model.checkpoint.report.CheckpointWarning")
def test_a_published_style_adapter_selects_and_says_what_was_assumed(copied, color_video):
    folder = copied("vl_4_51")
    selector = FrameSelector.from_pretrained(folder / "adapter", base=folder / "base", device="cpu")
    selection = selector.select(color_video, "which colour?", num_frames=3, ocr="off", candidate_fps=0.5)
    assert len(selection) == 3
    said = {warning.code: warning.message for warning in selection.warnings}
    assert "seed 42" in said["projection_assumed"]
