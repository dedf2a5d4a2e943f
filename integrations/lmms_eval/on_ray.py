"""The same selections over a Ray cluster: one video a task of Ray Data, each worker with a model of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clamr_select.errors import missing_dependency
from clamr_select.integrations.lmms_eval.options import SamplerOptions
from clamr_select.integrations.lmms_eval.precompute import Job, join, part_of, selected_lines
from clamr_select.integrations.lmms_eval.selecting import ModelSource


class _Worker:
    """Lives as long as its process: the model is loaded once."""

    def __init__(self, options: SamplerOptions) -> None:
        self.options, self.source = options, ModelSource(options)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        job: Job = row["job"]
        asked = list(zip(job.documents, job.wanted, strict=True))
        return {"lines": "\n".join(selected_lines(self.source, asked, options=self.options))}


def precompute_on_ray(
    jobs: Sequence[Job],
    *,
    options: SamplerOptions,
    output: Path,
    gpus_per_worker: float,
    max_workers: int | None = None,
) -> Path:
    """Select for every video somewhere in the cluster; the videos must be at the same paths on all machines.

    What was selected before is found in the store, where the machines share its folder (``clamr_store``).

    Raises:
        MissingDependencyError: Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise missing_dependency("ray", extra="ray", purpose="clamr-select precompute --ray") from error
    workers = max_workers or max(1, len(jobs))
    rows = ray.data.from_items([{"job": job} for job in jobs]).map(
        _Worker, fn_constructor_args=(options,), num_gpus=gpus_per_worker, concurrency=(1, workers)
    )
    part = part_of(output, 0)
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("w", encoding="utf-8") as lines:
        for row in rows.iter_rows():
            lines.write(row["lines"] + "\n")
            lines.flush()
    return join(output, num_processes=1, num_questions=sum(len(job.wanted) for job in jobs))
