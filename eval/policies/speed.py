"""How long each policy takes on very many candidates.

``python -m clamr_select.eval.policies.speed`` prints CPU seconds, median and spread, beside ``topk``'s in the same run.
With ``OMP_NUM_THREADS=1`` they are the wall seconds of an idle core, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from clamr_select.policies import policy_names, select_indices


def seconds_by_policy(
    *, num_candidates: int, num_frames: int, dim: int, repeats: int, seed: int = 0
) -> dict[str, list[float]]:
    """CPU seconds of each repeat, on random scores and embeddings; one call before is not counted."""
    rng = np.random.default_rng(seed)
    scores, times = rng.random(num_candidates), np.arange(num_candidates, dtype=np.float64)
    embeddings = rng.normal(size=(num_candidates, dim)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    found: dict[str, list[float]] = {}
    for policy in policy_names():
        spent = []
        for _ in range(repeats + 1):
            started = time.process_time()
            select_indices(
                scores, timestamps_seconds=times, num_frames=num_frames, policy=policy, embeddings=embeddings
            )
            spent.append(time.process_time() - started)
        found[policy] = spent[1:]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num-candidates", type=int, default=100_000, metavar="N", help="(default: 100,000)")
    parser.add_argument("--num-frames", type=int, default=16, metavar="N", help="(default: 16)")
    parser.add_argument("--dim", type=int, default=128, metavar="N", help="of the embeddings (default: 128)")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="(default: 5)")
    arguments = parser.parse_args()
    found = seconds_by_policy(
        num_candidates=arguments.num_candidates,
        num_frames=arguments.num_frames,
        dim=arguments.dim,
        repeats=arguments.repeats,
    )
    base = statistics.median(found["topk"])
    print("| policy | median CPU s | lowest to highest | of topk's |\n|---|--:|--:|--:|")
    for name, spent in found.items():
        middle = statistics.median(spent)
        print(f"| `{name}` | {middle:.3f} | {min(spent):.3f} to {max(spent):.3f} | {middle / base:.1f} |")


if __name__ == "__main__":
    main()
