"""Two sequences laid side by side with the fewest insertions, deletions and substitutions (Levenshtein)."""

from __future__ import annotations

from collections.abc import Sequence

Pair = tuple[int | None, int | None]
"""Position in the reference and in the hypothesis; None on the side that has nothing there."""


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> list[Pair]:
    """Pairs in order; equal items are paired wherever that costs nothing."""
    rows, columns = len(reference), len(hypothesis)
    costs = [[0] * (columns + 1) for _ in range(rows + 1)]
    for row in range(rows + 1):
        for column in range(columns + 1):
            costs[row][column] = _cost(costs, reference, hypothesis, row, column)
    return _traced(costs, reference, hypothesis)


def num_errors(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Insertions, deletions and substitutions."""
    return sum(a is None or b is None or reference[a] != hypothesis[b] for a, b in align(reference, hypothesis))


def _cost(costs: list[list[int]], reference: Sequence[str], hypothesis: Sequence[str], row: int, column: int) -> int:
    if row == 0 or column == 0:
        return row + column
    substituted = costs[row - 1][column - 1] + (reference[row - 1] != hypothesis[column - 1])
    return min(substituted, costs[row - 1][column] + 1, costs[row][column - 1] + 1)


def _traced(costs: list[list[int]], reference: Sequence[str], hypothesis: Sequence[str]) -> list[Pair]:
    row, column = len(reference), len(hypothesis)
    pairs: list[Pair] = []
    while row or column:
        if row and column:
            differs = reference[row - 1] != hypothesis[column - 1]
            if costs[row][column] == costs[row - 1][column - 1] + differs:
                row, column = row - 1, column - 1
                pairs.append((row, column))
                continue
        if row and costs[row][column] == costs[row - 1][column] + 1:
            row -= 1
            pairs.append((row, None))
        else:
            column -= 1
            pairs.append((None, column))
    return pairs[::-1]
