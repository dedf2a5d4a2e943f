"""One exception tree: whatever this library raises on purpose is a ``ClamrSelectError``.

ClamrSelectError
├── InputError (ValueError)            an argument is wrong: what, got, allowed
│   ├── UnknownNameError               a name that is not in its list (policy, backend, model, …)
│   └── BadRowError                    a row of training data is wrong; names it
├── MissingDependencyError (ImportError)  an optional package is absent; names the extra to install
├── VideoError
│   ├── VideoNotFoundError (FileNotFoundError)
│   ├── UnreadableVideoError (ValueError)     not a video, broken, or without a single frame
│   ├── UnsafeVideoError (ValueError)         a playlist or script dressed as a video; nothing was opened
│   ├── VideoTooLargeError (ValueError)       past a stated limit, found before decoding
│   ├── UnsupportedVideoError (ValueError)    this backend would return wrong frames, so it refuses
│   ├── FrameDecodeError (ValueError)         a frame that was asked for cannot be decoded
│   ├── UnsafeUrlError (ValueError)           a URL that may not be asked for
│   ├── FetchError (OSError)                  a URL that cannot be had
│   └── DecoderCrashedError (RuntimeError)    with isolate=True: the process that decoded crashed or hung
├── ContextError
│   ├── SubtitlesError (ValueError)           subtitles missing, unreadable or empty of cues
│   ├── OcrError (RuntimeError)               the text reader failed
│   └── SpeechError (RuntimeError)            there is no speech recogniser, or it failed
├── ModelError
│   ├── ModelNotFoundError (OSError)          no such name, directory or hub id
│   ├── CheckpointError (ValueError)          weights, config or tokenizer do not fit together
│   └── UnsafeWeightsError (ValueError)       weights in a format that can run code
├── StoreError (OSError)               the folder of the cache cannot be used
│   └── DamagedEntryError (ValueError)     an entry that is cut or changed; the store counts it as a miss
├── CorpusError
│   ├── CorpusNotFoundError (OSError)         there is no corpus, or no such video in it
│   ├── CorpusMismatchError (ValueError)      made with another model, schema or deployment
│   ├── CorpusBusyError (OSError)             another process holds an embedded corpus
│   ├── CorpusServerError (ConnectionError)   its server cannot be reached, or refused
│   ├── CorpusChangedError (RuntimeError)     videos change faster than a search can read them
│   └── DamagedCorpusError (ValueError)       files of a corpus, or of an export, that cannot be read
└── AnswerError
    ├── ServerUnreachableError (ConnectionError)  nothing answers at the address of a VLM server
    └── ServerError (RuntimeError)            a VLM server answered with an error
"""

from __future__ import annotations

from collections.abc import Iterable


class ClamrSelectError(Exception):
    """Base of every error this library raises on purpose."""


class InputError(ClamrSelectError, ValueError):
    """An argument is wrong."""


class UnknownNameError(InputError):
    """A name is not in its list. Build it with :func:`unknown_name`."""


class BadRowError(InputError):
    """A row of training data is wrong: which, and how."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"bad row {name}: {reason}")
        self.name = name
        self.reason = reason

    def __reduce__(self) -> tuple[type[BadRowError], tuple[str, str]]:
        return type(self), (self.name, self.reason)  # data loader workers hand it to the main process


class MissingDependencyError(ClamrSelectError, ImportError):
    """An optional package is absent. Build it with :func:`missing_dependency`."""


class VideoError(ClamrSelectError):
    """Something is wrong with a video file."""


class VideoNotFoundError(VideoError, FileNotFoundError):
    """The path names no file."""


class UnreadableVideoError(VideoError, ValueError):
    """Not a video, broken, or without a single frame."""


class UnsafeVideoError(VideoError, ValueError):
    """A playlist or script dressed as a video. Nothing was opened."""


class VideoTooLargeError(VideoError, ValueError):
    """Past a stated limit, found before decoding."""


class UnsupportedVideoError(VideoError, ValueError):
    """This backend would return wrong frames for this file, so it refuses."""


class FrameDecodeError(VideoError, ValueError):
    """A frame that was asked for cannot be decoded."""


class UnsafeUrlError(VideoError, ValueError):
    """A URL that may not be asked for: not plain http or https, or not of the public internet."""


class FetchError(VideoError, OSError):
    """A URL that cannot be had: no host, no answer, an error, too large, too slow, cut short."""


class DecoderCrashedError(VideoError, RuntimeError):
    """With ``isolate=True``: the process that decoded crashed, hung, or answered nonsense."""


class ContextError(ClamrSelectError):
    """Something is wrong with the text around the frames."""


class SubtitlesError(ContextError, ValueError):
    """Subtitles are missing, unreadable, or hold no cue."""


class OcrError(ContextError, RuntimeError):
    """The reader of on-screen text failed."""


class SpeechError(ContextError, RuntimeError):
    """There is no speech recogniser to use, or it failed."""


class ModelError(ClamrSelectError):
    """Something is wrong with a model or its files."""


class ModelNotFoundError(ModelError, OSError):
    """No such embedded name, directory or hub id."""


class CheckpointError(ModelError, ValueError):
    """Weights, config and tokenizer do not fit together."""


class UnsafeWeightsError(ModelError, ValueError):
    """Weights in a format that can run code; only safetensors are read."""


class StoreError(ClamrSelectError, OSError):
    """The folder of the cache cannot be used: a file, another user's, or open to everyone."""


class DamagedEntryError(StoreError, ValueError):
    """An entry of the cache is cut, changed, or not what its name says."""


class CorpusError(ClamrSelectError):
    """Something is wrong with a library of videos."""


class CorpusNotFoundError(CorpusError, OSError):
    """There is no corpus at this place, or no such video in it."""


class CorpusMismatchError(CorpusError, ValueError):
    """A corpus was made with another model, schema or deployment."""


class CorpusBusyError(CorpusError, OSError):
    """Another process holds an embedded corpus; one may at a time."""


class CorpusServerError(CorpusError, ConnectionError):
    """The server of a corpus cannot be reached, or refused what was asked."""


class CorpusChangedError(CorpusError, RuntimeError):
    """Videos were replaced again and again while a search read them."""


class DamagedCorpusError(CorpusError, ValueError):
    """Files of a corpus, or of an export, cannot be read."""


class AnswerError(ClamrSelectError):
    """A vision-language model could not be asked."""


class ServerUnreachableError(AnswerError, ConnectionError):
    """Nothing answers at the address of a VLM server, or not in time."""


class ServerError(AnswerError, RuntimeError):
    """A VLM server answered with an error."""


class TimestampWarning(UserWarning):
    """A consumer will show a frame at another time than its own, or at none; the text says what it will see."""


def unknown_name(kind: str, name: object, allowed: Iterable[str]) -> UnknownNameError:
    """The error for a name outside its list, e.g. ``unknown_name("policy", "topq", POLICIES)``."""
    return UnknownNameError(f"unknown {kind} {name!r}; choose from {', '.join(sorted(allowed))}")


def missing_dependency(package: str, *, extra: str, purpose: str) -> MissingDependencyError:
    """The error for an absent optional package, naming the extra that brings it."""
    return MissingDependencyError(
        f"{purpose} needs the package {package!r}, which is not installed; run: pip install 'clamr-select[{extra}]'"
    )
