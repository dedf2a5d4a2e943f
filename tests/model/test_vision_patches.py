"""The patch embedding by one product: what torch's convolution computes, under the same names."""

from __future__ import annotations

from copy import deepcopy
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from clamr_select.model.vision_patches import PatchProjection, project_patches


class _Vlm(nn.Module):
    def __init__(self, *, bias: bool, patch_size: int) -> None:
        super().__init__()
        size = (2, patch_size, patch_size)
        self.visual = nn.Module()
        self.visual.patch_embed = nn.Module()
        self.visual.patch_embed.proj = nn.Conv3d(3, 24, kernel_size=size, stride=size, bias=bias)


@pytest.mark.parametrize(("bias", "patch_size"), [(False, 14), (True, 16)])
def test_product_equals_convolution_in_value_and_gradient(bias: bool, patch_size: int):
    torch.manual_seed(0)
    upstream = _Vlm(bias=bias, patch_size=patch_size)
    ours = deepcopy(upstream)
    project_patches(ours)
    assert {n: p.shape for n, p in ours.named_parameters()} == {n: p.shape for n, p in upstream.named_parameters()}
    patches = torch.randn(7, 3, 2, patch_size, patch_size)
    weights = torch.randn(7, 24)
    results = []
    for model in (upstream, ours):
        out = model.visual.patch_embed.proj(patches).view(-1, 24)
        (out * weights).sum().backward()
        results.append((out, [parameter.grad for parameter in model.parameters()]))
    torch.testing.assert_close(results[1][0], results[0][0])
    for mine, theirs in zip(results[1][1], results[0][1], strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)


def test_random_generator_is_left_alone():
    vlm = _Vlm(bias=True, patch_size=14)
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    project_patches(vlm)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("name", ["qwen2_5_vl", "qwen2_5_omni_thinker", "qwen3_vl"])
def test_every_backbone_projects_patches_so(name: str):
    from clamr_select.model.backbones import backbone_for

    size = (2, 14, 14)
    embed = SimpleNamespace(proj=nn.Conv3d(3, 8, kernel_size=size, stride=size, bias=False))
    backbone_for(name).prepare(SimpleNamespace(visual=SimpleNamespace(blocks=[], patch_embed=embed)))  # type: ignore[arg-type]
    assert isinstance(embed.proj, PatchProjection)


def test_a_fresh_model_has_the_weights_that_it_had_without(monkeypatch: pytest.MonkeyPatch):
    from clamr_select.model import ClamrForRetrieval
    from clamr_select.model.encoder import ClamrEncoder
    from clamr_select.training.nano import nano_config

    tokenizer = ClamrEncoder.from_pretrained("clamr-nano", device="cpu").processor.tokenizer
    config = nano_config(tokenizer, hidden_size=32, num_text_layers=1)
    torch.manual_seed(0)
    ours = ClamrForRetrieval(config)
    monkeypatch.setattr("clamr_select.model.vision_patches.project_patches", lambda vlm: None)
    torch.manual_seed(0)
    upstream = ClamrForRetrieval(config)
    for (name, mine), theirs in zip(ours.named_parameters(), upstream.parameters(), strict=True):
        assert torch.equal(mine, theirs), name
