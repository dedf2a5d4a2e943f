"""A worker as whoever feeds it sees it: a file in, its embeddings out, or why there are none."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

from clamr_select import errors
from clamr_select.errors import ClamrSelectError, InputError
from clamr_select.isolation.child import ChildEnded, ChildNonsense, ChildProcess, ChildSilent
from clamr_select.retrieval.files import VideoFile
from clamr_select.retrieval.ingest.packing import unpack_video
from clamr_select.retrieval.ingest.settings import IngestSettings
from clamr_select.retrieval.video_embeddings import VideoEmbeddings

MODULE = "clamr_select.retrieval.ingest.worker"
MAX_ANSWER_BYTES = 1 << 31


@dataclass(frozen=True)
class Ended:
    """What became of one file."""

    file: VideoFile
    embeddings: VideoEmbeddings | None
    """None where it is to be set aside."""
    error: str | None = None
    """Class and message."""
    attempts: int = 1
    num_candidates: int = 0
    warnings: tuple[str, ...] = ()
    seconds: float | None = None
    """That its worker took for it; None where it is set aside, or its frames were in the store."""


class VideoProcess:
    """Starts a worker when the first file comes, and another one where one was lost.

    Args:
        settings: of the worker.
    """

    def __init__(self, settings: IngestSettings) -> None:
        self.settings = settings
        self._child: ChildProcess | None = None
        self._is_closed = False

    def index(self, file: VideoFile) -> Ended:
        """One file, whatever it does to the worker.

        Raises:
            ClamrSelectError: the model cannot be loaded, so no file can be indexed.
        """
        reason = ""
        for attempt in range(1, self.settings.max_attempts + 1):
            if self._is_closed:
                return Ended(file, None, "the run was ended", attempt - 1)
            child = self._ready()
            started = time.monotonic()
            try:
                answer, array = child.ask({"file": asdict(file)}, max_seconds=self.settings.max_seconds)
            except ChildEnded as ended:
                reason = f"WorkerEnded: the process that indexed it was ended {ended}"
            except ChildSilent:
                reason = f"WorkerSilent: it took more than {self.settings.max_seconds:g} s, and its process was ended"
            except ChildNonsense as error:
                reason = f"WorkerNonsense: its process gave no answer: {error}"
            else:
                if "error" in answer:
                    return Ended(file, None, f"{answer['error']}: {answer['message']}", attempt)
                if array is None:
                    raise InputError("a worker answered without embeddings")
                warnings = tuple(f"{code}: {message}" for code, message in answer["warnings"])
                embeddings = unpack_video(array.tobytes())
                seconds = None if answer["was_stored"] else round(time.monotonic() - started, 3)
                return Ended(file, embeddings, None, attempt, answer["num_candidates"], warnings, seconds)
        return Ended(file, None, reason, self.settings.max_attempts)

    def close(self) -> None:
        """End the worker, whatever it is doing; no other one is started."""
        self._is_closed = True
        if self._child is not None:
            self._child.close()

    def _ready(self) -> ChildProcess:
        if self._child is not None and not self._child.is_closed:
            return self._child
        child = ChildProcess(MODULE, max_array_bytes=MAX_ANSWER_BYTES)
        self._child = child
        if self._is_closed:  # while the child was started
            child.close()
        try:
            answer, _ = child.ask({"settings": self.settings.to_dict()}, max_seconds=self.settings.max_seconds)
        except (ChildEnded, ChildSilent, ChildNonsense) as error:
            child.close()
            how = f"was ended {error}" if isinstance(error, ChildEnded) else "did not get ready"
            raise InputError(
                f"a worker {how} while it loaded the model; with fewer workers each has more memory"
            ) from error
        if "error" in answer:
            child.close()
            raise _of_the_model(answer)
        return child


def _of_the_model(answer: dict[str, str]) -> ClamrSelectError:
    kind = getattr(errors, answer["error"], InputError)
    known = isinstance(kind, type) and issubclass(kind, ClamrSelectError)
    return kind(answer["message"]) if known else InputError(answer["message"])
