from __future__ import annotations

from collections import Counter

import pytest

from clamr_select.errors import InputError
from clamr_select.training.data.plan import BatchPlan

VIDEOS = [f"v{i % 23}" for i in range(40)]


@pytest.mark.parametrize(("batch_size", "processes"), [(4, 1), (4, 2), (7, 3), (20, 1), (40, 1)])
def test_every_row_once_an_epoch(batch_size: int, processes: int) -> None:
    plan = BatchPlan(VIDEOS, batch_size=batch_size, num_epochs=3, num_processes=processes, seed=5)
    assert plan.batches_per_epoch % processes == 0
    for epoch in range(3):
        batches = [plan.rows_of(epoch * plan.batches_per_epoch + i) for i in range(plan.batches_per_epoch)]
        assert Counter(row for batch in batches for row in batch) == Counter(range(40))
        assert max(map(len, batches)) <= batch_size
        assert max(map(len, batches)) - min(map(len, batches)) <= 1
        if plan.batches_per_epoch >= 2:
            assert all(len({VIDEOS[row] for row in batch}) == len(batch) for batch in batches)


@pytest.mark.parametrize("processes", [1, 2, 8])
@pytest.mark.parametrize("num_rows", range(16, 120, 7))
def test_no_row_is_alone_whatever_their_number(num_rows: int, processes: int) -> None:
    plan = BatchPlan([f"v{i}" for i in range(num_rows)], batch_size=2, num_processes=processes)
    sizes = [len(plan.rows_of(i)) for i in range(len(plan))]
    assert sum(sizes) == num_rows
    assert len(plan) % processes == 0
    assert min(sizes) >= 2
    assert max(sizes) <= (3 if num_rows >= 4 * processes else 4)


@pytest.mark.parametrize(
    ("num_alike", "batch_size", "processes", "alone"),
    [(60, 2, 1, 10), (60, 3, 1, 2), (60, 2, 2, None), (50, 2, 1, 0), (99, 2, 1, 49), (99, 4, 1, 24)],
)
def test_steps_of_one_video_alone_are_counted(
    num_alike: int, batch_size: int, processes: int, alone: int | None
) -> None:
    videos = ["often"] * num_alike + [f"v{i}" for i in range(100 - num_alike)]
    plan = BatchPlan(videos, batch_size=batch_size, num_processes=processes, seed=3)
    batches = [{videos[row] for row in plan.rows_of(i)} for i in range(plan.batches_per_epoch)]
    steps = [set.union(*batches[at : at + processes]) for at in range(0, len(batches), processes)]
    assert plan.steps_of_one_video() == sum(len(step) == 1 for step in steps)
    assert alone is None or plan.steps_of_one_video() == alone


def test_order_is_a_function_of_seed_and_number() -> None:
    plan, same = (BatchPlan(VIDEOS, batch_size=4, num_epochs=2, seed=5) for _ in range(2))
    backwards = [same.rows_of(i) for i in reversed(range(len(same)))][::-1]
    assert [plan.rows_of(i) for i in range(len(plan))] == backwards
    other = BatchPlan(VIDEOS, batch_size=4, num_epochs=2, seed=6)
    assert backwards != [other.rows_of(i) for i in range(len(other))]
    assert backwards[: len(plan) // 2] != backwards[len(plan) // 2 :]


def test_bad_plans() -> None:
    for change in ({"batch_size": 1}, {"num_epochs": 0}, {"num_processes": 0}, {"seed": -1}):
        with pytest.raises(InputError, match="allowed"):
            BatchPlan(VIDEOS, **{"batch_size": 4, **change})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="too few"):
        BatchPlan(["a"] * 10, batch_size=4)
    with pytest.raises(InputError, match="too few"):
        BatchPlan(VIDEOS, batch_size=4, num_processes=21)
    with pytest.raises(IndexError, match="10 of 10"):
        BatchPlan(VIDEOS, batch_size=4).rows_of(10)
