import torch

from clamr_select.model.checkpoint.projection import drawn_weight


def test_the_draw_is_the_released_one():
    state = torch.get_rng_state()
    torch.manual_seed(42)
    released = torch.empty(128, 96).normal_(0, 0.02)
    torch.set_rng_state(state)
    assert torch.equal(drawn_weight(96), released)


def test_the_callers_random_state_and_default_dtype_are_left_alone():
    state = torch.get_rng_state()
    torch.set_default_dtype(torch.bfloat16)
    try:
        weight = drawn_weight(16)
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(torch.get_rng_state(), state)
    assert weight.dtype == torch.float32
