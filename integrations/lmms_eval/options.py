"""``clamr_…`` in ``--model_args``: every choice that decides which frames the model gets.

None comes from anywhere else, so lmms-eval's response cache, whose key holds ``--model_args``, is never stale.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from clamr_select.errors import InputError, unknown_name
from clamr_select.indexing.coarse_to_fine.effort import Effort

PREFIX = "clamr_"
POLICY_PREFIX = "policy_"
LIST_SEPARATOR = "+"
"""Commas part the arguments."""

REVISION_START = "r"
REVISION_LETTERS = 12

Mode = Literal["select", "uniform", "off", "cached"]
Emit = Literal["auto", "handle", "frames", "images", "clip"]
PairChoice = Literal["auto", "none", "repeat", "neighbor"]
Query = Literal["stem", "options"]
SubtitlesChoice = Literal["task", "none"]
BackendChoice = Literal["auto", "pyav", "decord", "torchcodec"]
OcrChoice = Literal["auto", "off"]
AudioChoice = Literal["auto", "off"]
OnMissing = Literal["error", "uniform"]

# they choose where things are kept, not which frames come out
PLACES = ("log", "store", "rev", "device")
# nor do these
HANDING_OVER = ("emit", "backend", "clip_seconds_per_frame")


@dataclass(frozen=True)
class SamplerOptions:
    """Checked on construction; :meth:`from_model_args` takes them out of the arguments of the base.

    Raises:
        UnknownNameError: a name outside its list.
        InputError: a value out of range, or a combination that has no meaning.
    """

    mode: Mode = "select"
    """``select`` by the question; ``uniform``: the base's own sampling through the same code; ``off``: nothing is
    touched; ``cached``: read from ``selections``."""
    model: str | None = None
    """Selects: a name, directory or hub id, as ``FrameSelector.from_pretrained`` takes it."""
    model_base: str | None = None
    model_revision: str | None = None
    compat: Literal["corrected", "reference"] = "corrected"
    quantization: str | None = None
    preset: str | None = None
    num_frames: int | Literal["auto"] = "auto"
    """Frames the base gets; ``auto`` takes as many as it would sample itself."""
    policy: str | None = None
    policy_parameters: dict[str, Any] = field(default_factory=dict)
    """From ``clamr_policy_<parameter>=…``."""
    similarity: str | None = None
    modalities: tuple[str, ...] | None = None
    """Scored by; None takes all. In ``--model_args`` joined by ``+``."""
    query: Query = "stem"
    """``options`` adds the answers that may be chosen to the question."""
    subtitles: SubtitlesChoice = "task"
    """``task``: the selector reads the file that the task has for the video, or one beside it; the prompt of the base
    is not touched either way."""
    effort: Effort = "full"
    """``fast`` and ``balanced`` encode a part of a long video for each question (docs/performance.md)."""
    audio: AudioChoice = "auto"
    """``off``: a model that hears does not."""
    ocr: OcrChoice = "auto"
    candidate_fps: float | None = None
    max_candidates: int | None = None
    pair: PairChoice = "auto"
    """What fills the patch of a base that fuses two frames; ``auto`` is ``repeat`` there, which keeps times right, and
    ``none`` elsewhere. Repeated frames count in ``num_frames``."""
    emit: Emit = "auto"
    backend: BackendChoice = "auto"
    """Decodes the selected frames; ``auto`` is the library the base itself would use."""
    clip_seconds_per_frame: float | Literal["auto"] = "auto"
    """Of ``emit=clip``; ``auto`` makes the clip as long as the video."""
    selections: str | None = None
    """Of ``mode=cached``: a file of ours, or of AKS, BOLT, QCA, WFS-SB, VideoITG."""
    on_missing: OnMissing = "error"
    """Of ``mode=cached``: ``uniform`` takes even frames for questions that the file lacks; on record."""
    device: str = "auto"
    store: str | None = None
    """Folder of embeddings, shared by all processes and runs; None is the default one."""
    log: str | None = None
    """Folder that receives what was selected, for ``clamr-select eval report``."""
    rev: str | None = None
    """Refuse to run unless the selector's weights, or the file of selections, have this revision."""

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("mode", self.mode, get_args(Mode)),
            ("compat", self.compat, ("corrected", "reference")),
            ("query", self.query, get_args(Query)),
            ("subtitles", self.subtitles, get_args(SubtitlesChoice)),
            ("effort", self.effort, get_args(Effort)),
            ("audio", self.audio, get_args(AudioChoice)),
            ("ocr", self.ocr, get_args(OcrChoice)),
            ("pair", self.pair, get_args(PairChoice)),
            ("emit", self.emit, get_args(Emit)),
            ("backend", self.backend, get_args(BackendChoice)),
            ("on_missing", self.on_missing, get_args(OnMissing)),
        ):
            if value not in allowed:
                raise unknown_name(PREFIX + name, value, allowed)
        for name in ("num_frames", "clip_seconds_per_frame", "candidate_fps", "max_candidates"):
            _check_positive(name, getattr(self, name))
        self._check_names()
        if self.mode == "select" and self.model is None:
            raise InputError(
                "clamr_model must be given: clamr-nano (embedded; toy pictures and words, not for reporting), "
                "meetdavidwan/clamr, or a directory; or choose clamr_mode=uniform, off or cached"
            )
        if (self.mode == "cached") != (self.selections is not None):
            raise InputError("clamr_mode=cached needs clamr_selections=FILE, and no other mode takes it")
        if self.effort != "full" and self.compat == "reference":
            raise InputError(
                "clamr_compat=reference is for comparison with published numbers; it takes clamr_effort=full"
            )
        if self.on_missing != "error" and self.mode != "cached":
            raise InputError("clamr_on_missing is about clamr_selections=FILE; no other mode than cached takes it")
        if self.mode == "uniform":
            self._check_nothing_selects()

    def _check_names(self) -> None:
        from clamr_select.indexing.presets import preset
        from clamr_select.policies import find_policy

        preset(self.preset)
        if self.policy is not None:
            find_policy(self.policy)
        if self.policy_parameters and self.policy is None and self.preset is None:
            raise InputError("clamr_policy_… sets parameters of a policy: name it, clamr_policy=NAME")

    def _check_nothing_selects(self) -> None:
        """They would stand in the records of a run that they had no part in."""
        changed = {one.name for one in fields(self) if getattr(self, one.name) not in (one.default, {})}
        without_effect = sorted(changed - {"mode", "log", "store", "device", *HANDING_OVER})
        if without_effect:
            names = ", ".join(f"{PREFIX}{name.replace('parameters', '…')}" for name in without_effect)
            raise InputError(
                f"clamr_mode=uniform takes the frames that the base samples by itself: leave out {names}, without "
                "effect there. The base's own argument, e.g. max_num_frames=N, says how many frames it samples"
            )

    @classmethod
    def from_model_args(cls, arguments: dict[str, Any]) -> SamplerOptions:
        """Take every ``clamr_…`` out of ``arguments``, in place; where there is none at all, the mode is ``off``.

        Raises:
            InputError: an argument that does not exist, or as the class.
        """
        ours = {name.removeprefix(PREFIX): arguments.pop(name) for name in list(arguments) if name.startswith(PREFIX)}
        if not ours:
            return cls(mode="off")
        allowed = {one.name for one in fields(cls)} - {"policy_parameters"}
        parameters = {
            name.removeprefix(POLICY_PREFIX): ours.pop(name) for name in list(ours) if name.startswith(POLICY_PREFIX)
        }
        unknown = sorted(set(ours) - allowed)
        if unknown:
            names = ", ".join(PREFIX + name for name in sorted(allowed))
            raise InputError(
                f"no such argument: {', '.join(PREFIX + name for name in unknown)}; allowed: {names}, and "
                f"{PREFIX}{POLICY_PREFIX}<parameter> of the policy"
            )
        if isinstance(ours.get("modalities"), str):
            ours["modalities"] = tuple(ours["modalities"].split(LIST_SEPARATOR))
        # lmms-eval turns what looks like a number into one
        texts = ("model", "model_base", "model_revision", "quantization", "selections", "store", "log", "rev")
        ours |= {name: str(ours[name]) for name in texts if ours.get(name) is not None}
        return cls(**ours, policy_parameters=parameters)

    def index_options(self) -> dict[str, Any]:
        """For ``FrameSelector.index`` and ``skim``; what was not given is left to the preset."""
        given = {"candidate_fps": self.candidate_fps, "max_candidates": self.max_candidates}
        chosen = {name: value for name, value in given.items() if value is not None}
        off = {name: "off" for name in ("audio", "ocr") if getattr(self, name) == "off"}
        return {"preset": self.preset, **chosen, **off}

    def select_options(self) -> dict[str, Any]:
        """For ``IndexedVideo.select``, but the question and the number of frames."""
        from clamr_select.indexing.presets import preset

        given = {"policy": self.policy, "similarity": self.similarity, "modalities": self.modalities}
        chosen = {**preset(self.preset).select, **{name: v for name, v in given.items() if v is not None}}
        chosen.pop("num_frames", None)
        return {**chosen, **self.policy_parameters}

    def selecting(self) -> dict[str, Any]:
        """Everything that decides which frames are selected, in JSON types."""
        return {name: value for name, value in asdict(self).items() if name not in (*HANDING_OVER, *PLACES)}

    def digest(self) -> str:
        """Short name of all that decides what the base gets."""
        kept: Mapping[str, Any] = {name: value for name, value in asdict(self).items() if name not in PLACES}
        text = json.dumps(kept, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def revision_name(content: bytes) -> str:
    """Short name of weights or of a file, for ``clamr_rev``. It starts with a letter of no number: lmms-eval turns what
    looks like one into one, 07555e375941 into infinity.
    """
    return REVISION_START + hashlib.sha256(content).hexdigest()[:REVISION_LETTERS]


def _check_positive(name: str, value: Any) -> None:
    if value is None or value == "auto":
        return
    whole = name in ("num_frames", "max_candidates")
    if (
        isinstance(value, bool)
        or not isinstance(value, int if whole else int | float)
        or not (math.isfinite(value) and value > 0)
    ):
        kind = "a whole number of at least 1" if whole else "a positive number"
        raise InputError(f"{PREFIX}{name} must be {kind}, got {value!r}")
