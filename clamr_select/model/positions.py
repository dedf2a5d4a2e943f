"""Position ids of Qwen2.5-VL documents, as the published weights were trained with.

The rule is that of transformers 4.49 to 5.2 (``get_rope_index``): text counts 1, 2, 3 on all three axes;
visual tokens get (time, height, width); what follows a video starts one past its highest position. From
transformers 5.3 on, it starts at the video's height or width instead, ignoring its length in time.
"""

from __future__ import annotations

import numpy as np


def text_positions(start: int, num_tokens: int) -> np.ndarray:
    """(3, num_tokens) int64, counting from ``start`` on all three axes."""
    return np.broadcast_to(np.arange(start, start + num_tokens), (3, num_tokens))


def video_positions(
    start: int, *, num_steps: int, grid_height: int, grid_width: int, time_interval: float
) -> np.ndarray:
    """(3, num_steps * grid_height * grid_width) int64 of the merged visual tokens, time-major.

    Args:
        start: position of the first token.
        num_steps: two-frame patches in time.
        grid_height, grid_width: merged tokens a step.
        time_interval: positions from one step to the next, ``tokens_per_second * seconds_per_step``; fractions
            are cut after multiplying, as upstream does.
    """
    steps = (np.arange(num_steps) * time_interval).astype(np.int64)
    axes = np.meshgrid(steps, np.arange(grid_height), np.arange(grid_width), indexing="ij")
    return np.stack(axes).reshape(3, -1) + start
