"""Positions and patches against upstream's own code, and against naive loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize as upstream_smart_resize

from clamr_select.errors import InputError
from clamr_select.model.layout import Sequence
from clamr_select.model.pixels import cut_patches, normalize_patches, resize_frames, smart_resize
from clamr_select.model.positions import video_positions


def test_positions_of_the_published_training():
    """Two text tokens, a 6-step video of 2x3 merged tokens at 4 positions a step, then text: as transformers
    4.51 numbers them (from 5.3 on, the last text token would start at 5)."""
    sequence = Sequence()
    sequence.add_text([1, 2])
    sequence.add_video(token_id=9, modality_id=1, num_candidates=6, grid_height=2, grid_width=3, time_interval=4.0)
    sequence.add_text([3])
    positions = np.concatenate(sequence.position_ids, axis=1)
    assert positions[:, :2].tolist() == [[0, 1]] * 3
    naive = [(2 + 4 * t, 2 + h, 2 + w) for t in range(6) for h in range(2) for w in range(3)]
    assert positions[:, 2:-1].T.tolist() == [list(p) for p in naive]
    assert positions[:, -1].tolist() == [2 + 20 + 1] * 3


def test_fractional_intervals_are_cut_after_multiplying():
    positions = video_positions(0, num_steps=4, grid_height=1, grid_width=1, time_interval=1.5)
    assert positions[0].tolist() == [0, 1, 3, 4]


@given(height=st.integers(28, 2000), width=st.integers(28, 2000), max_pixels=st.sampled_from([112 * 64, 224 * 224]))
def test_sizes_are_upstreams(height, width, max_pixels):
    ours = smart_resize(height, width, factor=28, min_pixels=28 * 28, max_pixels=max_pixels)
    if max(height, width) / min(height, width) < 10:  # upstream may round a thin side to 0; ours keeps one patch
        assert ours == upstream_smart_resize(height, width, factor=28, min_pixels=28 * 28, max_pixels=max_pixels)
    assert min(ours) >= 28


def test_extreme_aspect_fails():
    with pytest.raises(InputError, match="aspect ratio"):
        smart_resize(10, 4000, factor=28, min_pixels=784, max_pixels=50_176)


def test_patches_against_a_naive_loop():
    steps = torch.rand(2, 2, 3, 56, 28) * 255
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    patches = normalize_patches(cut_patches(steps, patch_size=14, merge_size=2), mean=mean, std=std)
    naive = []
    for t in range(2):
        for block_row in range(2):
            for block_column in range(1):
                for row in range(2):
                    for column in range(2):
                        y, x = 28 * block_row + 14 * row, 28 * block_column + 14 * column
                        patch = steps[t, :, :, y : y + 14, x : x + 14] / 255
                        values = [(patch[f, c] - mean[c]) / std[c] for c in range(3) for f in range(2)]
                        naive.append(torch.stack(values).flatten())
    torch.testing.assert_close(patches, torch.stack(naive), atol=1e-5, rtol=0)


def test_resizing_keeps_a_flat_colour_and_passes_exact_sizes_through():
    frame = np.full((90, 160, 3), (10, 200, 30), dtype=np.uint8)
    resized = resize_frames([frame], sizes=[(56, 112)])
    assert resized.shape == (1, 3, 56, 112)
    assert resized.mean(dim=(0, 2, 3)).tolist() == [10.0, 200.0, 30.0]
    assert torch.equal(resize_frames([frame], sizes=[(90, 160)])[0, :, 0, 0], torch.tensor([10.0, 200.0, 30.0]))
