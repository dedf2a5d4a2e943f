"""The same selections over a Ray cluster: one video a task of Ray Data, each worker with a model of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clamr_select.errors import missing_dependency
from clamr_select.integrations.lmms_eval.options import SamplerOptions
from clamr_select.integrations.lmms_eval.parts import join, part_of
from clamr_select.integrations.lmms_eval.precompute import Job, keys_of_jobs, open_jobs, selected_lines
from clamr_select.integrations.lmms_eval.selecting import ModelSource
from clamr_select.text_lines import cut_torn_line


class _Worker:
    """Lives as long as its process: the model is loaded once."""

    def __init__(self, jobs: Sequence[Job], options: SamplerOptions) -> None:
        self.jobs, self.options, self.source = jobs, options, ModelSource(options)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        lines = selected_lines(self.source, self.jobs[int(row["number"])], options=self.options)
        return {"lines": "\n".join(lines)}


def precompute_on_ray(
    jobs: Sequence[Job],
    *,
    options: SamplerOptions,
    output: Path,
    gpus_per_worker: float,
    num_workers: int | None = None,
) -> Path | None:
    """Select for every video somewhere in the cluster; the videos must be at the same paths on all machines.

    What ``output`` holds already is not selected again, and what a machine has encoded is found in the store, where
    they share its folder (``clamr_store``).

    Args:
        num_workers: each loads a model; None takes as many as the cluster has room for.

    Returns:
        ``output``.

    Raises:
        MissingDependencyError: Ray is not installed.
        InputError: as :func:`open_jobs`.
    """
    try:
        import ray
    except ImportError as error:
        raise missing_dependency("ray", extra="ray", purpose="clamr-select precompute --ray") from error
    left = open_jobs(jobs, output=output, options=options)
    output.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(output, 0)
    cut_torn_line(part)
    if left:
        pool = (
            ray.data.ActorPoolStrategy(min_size=1, max_size=len(left))
            if num_workers is None
            else ray.data.ActorPoolStrategy(size=min(num_workers, len(left)))
        )
        # a block a video: a block is what one worker takes at a time
        numbers = ray.data.from_items(
            [{"number": number} for number in range(len(left))], override_num_blocks=len(left)
        )
        worker: Any = _Worker
        rows = numbers.map(worker, fn_constructor_args=(left, options), num_gpus=gpus_per_worker, compute=pool)
        with part.open("a", encoding="utf-8") as lines:
            for row in rows.iter_rows():
                lines.write(row["lines"] + "\n")
                lines.flush()
    return join(output, keys=keys_of_jobs(jobs))
