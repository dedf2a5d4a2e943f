"""Which rows make which batch: a function of the seed and the batch's number alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clamr_select.errors import InputError


class BatchPlan:
    """Every row once an epoch, in an order of its own each epoch; rows of one video in different batches, as far as
    there are so many batches.

    Batch ``n`` is the same whoever asks for it and whenever, so that a run can go on anywhere, and processes and
    workers that share out the numbers share out the rows, without overlap or loss. Sizes differ by one at most.

    Args:
        video_ids: of each row.
        batch_size: rows in a batch, at least 2. Batches are that large or smaller, and larger where a row would be
            alone otherwise: by one row, or up to two where a process has fewer than four.
        num_epochs: at least 1.
        num_processes: the number of batches in an epoch is a multiple of it.

    Raises:
        InputError: an argument is out of range, or the rows are too few to give each batch a negative.
    """

    def __init__(
        self, video_ids: Sequence[str], *, batch_size: int, num_epochs: int = 1, num_processes: int = 1, seed: int = 0
    ) -> None:
        if batch_size < 2 or num_epochs < 1 or num_processes < 1 or seed < 0:
            raise InputError(
                f"got batch_size={batch_size}, num_epochs={num_epochs}, num_processes={num_processes}, seed={seed}; "
                "allowed: at least 2, 1, 1, 0"
            )
        names, self._video_of_row = np.unique(np.array(video_ids, dtype=np.str_), return_inverse=True)
        wanted = -(-len(video_ids) // (batch_size * num_processes))
        most = len(video_ids) // (2 * num_processes)  # of two rows each: one alone has nothing to be told from
        self.batches_per_epoch = max(1, min(wanted, most)) * num_processes
        if len(names) < 2 or len(video_ids) < 2 * self.batches_per_epoch:
            raise InputError(
                f"{len(video_ids)} rows of {len(names)} videos are too few for {self.batches_per_epoch} batches: each "
                "needs two rows, or there is nothing to tell apart; give more rows, or use fewer processes"
            )
        self._num_videos = len(names)
        self._num_processes = num_processes
        self._num_epochs = num_epochs
        self._seed = seed
        self._cached: tuple[int, list[np.ndarray]] | None = None

    def __len__(self) -> int:
        return self.batches_per_epoch * self._num_epochs

    def epoch_of(self, number: int) -> int:
        return number // self.batches_per_epoch

    def rows_of(self, number: int) -> list[int]:
        """Row numbers of a batch.

        Raises:
            IndexError: there is no such batch.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"batch {number} of {len(self)}")
        epoch, position = divmod(number, self.batches_per_epoch)
        if self._cached is None or self._cached[0] != epoch:
            self._cached = (epoch, self._batches(epoch))
        return self._cached[1][position].tolist()

    def steps_of_one_video(self) -> int:
        """Steps of the first epoch whose batches, one a process, hold one video alone: they have nothing to tell it
        from, and teach nothing."""
        if np.bincount(self._video_of_row).max() <= self.batches_per_epoch:  # dealt out, it is once in a batch
            return 0
        videos = [self._video_of_row[rows] for rows in self._batches(0)]
        steps = (videos[at : at + self._num_processes] for at in range(0, len(videos), self._num_processes))
        return sum(len(np.unique(np.concatenate(step))) == 1 for step in steps)

    def _batches(self, epoch: int) -> list[np.ndarray]:
        """Rows are lined up video by video and dealt out in turn."""
        rng = np.random.default_rng((self._seed, epoch))
        place_of_video = rng.permutation(self._num_videos)
        lined_up = np.lexsort((rng.random(len(self._video_of_row)), place_of_video[self._video_of_row]))
        hands = [lined_up[start :: self.batches_per_epoch] for start in range(self.batches_per_epoch)]
        return [rng.permutation(hands[i]) for i in rng.permutation(self.batches_per_epoch)]
