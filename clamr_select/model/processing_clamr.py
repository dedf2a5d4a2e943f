"""``ClamrProcessor``: questions and documents to model inputs, with every token labelled."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import BatchFeature
from transformers.processing_utils import ProcessorMixin

from clamr_select.errors import InputError
from clamr_select.model.audio_features import (
    SECONDS_PER_TOKEN,
    log_mel,
    num_audio_tokens,
    stack_features,
    token_candidates,
)
from clamr_select.model.backbones import FrameTokens, backbone_for
from clamr_select.model.backbones.base import CLIP_MEAN, CLIP_STD, RELEASED_TEXT_PREFIXES
from clamr_select.model.backbones.qwen2_5_vl import DOCUMENT_PREFIX, DOCUMENT_SUFFIX
from clamr_select.model.configuration_clamr import DEFAULT_MODALITIES
from clamr_select.model.document import SAMPLE_RATE, Document, DocumentAudio, TextSegment
from clamr_select.model.layout import Sequence, stack_sequences
from clamr_select.model.pixels import cut_patches, frame_sizes, normalize_patches, resize_frames
from clamr_select.model.reference_labels import (
    Compat,
    check_compat,
    joined_texts,
    reference_modality_ids,
    reference_texts,
    relabel,
)
from clamr_select.scoring.tokens import NO_CANDIDATE

VIDEO, AUDIO = "video", "audio"


@dataclass(frozen=True)
class Truncation:
    """Text that did not fit its budget and was cut: the caller records it, never drops it in silence."""

    item: int
    """Position of the question or document in the batch."""
    modality: str
    """``query`` or the text's modality."""
    num_tokens_cut: int


class ClamrProcessor(ProcessorMixin):
    """Turns questions and documents into model inputs.

    Args:
        tokenizer: a fast tokenizer that knows the video and padding tokens.
        modalities: names in the order of their ids 1..M; the order of texts in a document.
        query_prefix: comes before every question; its tokens score, as in the released code.
        query_suffix_token, num_query_suffix_tokens: ColBERT-style expansion tokens; they score too.
        max_query_tokens: prefix and expansion tokens included.
        document_prefix, document_suffix: the chat turn around a document.
        text_prefixes: modality to the words before its text.
        max_text_tokens: budget of each text modality in one document.
        video_prefix, audio_prefix: words before the frames and before the sound.
        video_token, vision_start_token, vision_end_token: placeholders around the frames.
        audio_token, audio_start_token, audio_end_token: placeholders around the sound; None for a backbone that does
            not hear.
        max_audio_seconds: of one document; what is longer is cut, and said.
        min_pixels, max_pixels: pixel budget of one frame.
        enlarge_to_pixels: frames of that budget are then enlarged to at least so many, as a released reader does;
            None leaves them.
        patch_size, merge_size: of the vision tower.
        time_interval: positions from one candidate to the next; see :mod:`clamr_select.model.positions`.
        image_mean, image_std: of each colour channel, on the scale 0..1.
        compat: ``reference`` makes texts and labels of documents as the released code does
            (:mod:`clamr_select.model.reference_labels`).
        backbone: whose rule lays frames and their positions (:mod:`clamr_select.model.backbones`).

    Raises:
        UnknownNameError: ``compat`` is neither ``corrected`` nor ``reference``, or there is no such backbone.
    """

    def __init__(
        self,
        tokenizer: Any = None,
        modalities: SequenceOf[str] = DEFAULT_MODALITIES,
        query_prefix: str = "Query: ",
        query_suffix_token: str = "<|endoftext|>",
        num_query_suffix_tokens: int = 10,
        max_query_tokens: int = 64,
        document_prefix: str = DOCUMENT_PREFIX,
        document_suffix: str = DOCUMENT_SUFFIX,
        text_prefixes: dict[str, str] | None = None,
        max_text_tokens: int = 512,
        video_token: str = "<|video_pad|>",
        vision_start_token: str = "<|vision_start|>",
        vision_end_token: str = "<|vision_end|>",
        video_prefix: str = "",
        audio_prefix: str = "",
        audio_token: str | None = None,
        audio_start_token: str | None = None,
        audio_end_token: str | None = None,
        max_audio_seconds: float = 30.0,
        min_pixels: int = 28 * 28,
        max_pixels: int = 224 * 224,
        enlarge_to_pixels: int | None = None,
        patch_size: int = 14,
        merge_size: int = 2,
        time_interval: float = 2.0,
        image_mean: SequenceOf[float] = CLIP_MEAN,
        image_std: SequenceOf[float] = CLIP_STD,
        compat: Compat = "corrected",
        backbone: str = "qwen2_5_vl",
        **kwargs: Any,
    ) -> None:
        check_compat(compat)
        backbone_for(backbone)
        super().__init__(tokenizer, **kwargs)
        self.backbone = backbone
        self.compat = compat
        self.modalities = list(modalities)
        self.query_prefix = query_prefix
        self.query_suffix_token = query_suffix_token
        self.num_query_suffix_tokens = num_query_suffix_tokens
        self.max_query_tokens = max_query_tokens
        self.document_prefix = document_prefix
        self.document_suffix = document_suffix
        self.text_prefixes = dict(text_prefixes or RELEASED_TEXT_PREFIXES)
        self.max_text_tokens = max_text_tokens
        self.video_token = video_token
        self.vision_start_token = vision_start_token
        self.vision_end_token = vision_end_token
        self.video_prefix = video_prefix
        self.audio_prefix = audio_prefix
        self.audio_token = audio_token
        self.audio_start_token = audio_start_token
        self.audio_end_token = audio_end_token
        self.max_audio_seconds = max_audio_seconds
        self.min_pixels = min_pixels
        self.max_pixels = max_pixels
        self.enlarge_to_pixels = enlarge_to_pixels
        self.patch_size = patch_size
        self.merge_size = merge_size
        self.time_interval = time_interval
        self.image_mean = list(image_mean)
        self.image_std = list(image_std)

    @classmethod
    def from_pretrained(  # type: ignore[override]  # fewer names are spelled out
        cls, pretrained_model_name_or_path: str | Path, **options: Any
    ) -> ClamrProcessor:
        """A saved processor: ``clamr-nano``, a directory or a hub id, with transformers' options.

        An adapter or merged checkpoint of another library has none: :func:`clamr_select.model.loading.load` makes it.

        Raises:
            OSError, ValueError: of transformers: there is none, or its files cannot be read.
        """
        from clamr_select.model.checkpoint.source import EMBEDDED_MODELS

        place = EMBEDDED_MODELS.get(str(pretrained_model_name_or_path), pretrained_model_name_or_path)
        return super().from_pretrained(place, **options)

    def process_queries(self, questions: SequenceOf[str]) -> tuple[BatchFeature, list[Truncation]]:
        """Questions to ``input_ids``, ``attention_mask`` (batch, tokens) and ``position_ids`` (3, batch, tokens),
        padded on the right.

        Raises:
            InputError: there is no question, or one is empty or cannot be written as UTF-8.
        """
        if not questions:
            raise InputError("there is no question to encode; give one text or more")
        for position, question in enumerate(questions):
            _check_question(question, position=position)
        suffix = [self._token_id(self.query_suffix_token)] * self.num_query_suffix_tokens
        budget = self.max_query_tokens - len(suffix)
        sequences, truncations = [], []
        for position, ids in enumerate(self._tokenize([self.query_prefix + question for question in questions])):
            if len(ids) > budget:
                truncations.append(Truncation(position, "query", len(ids) - budget))
            sequence = Sequence()
            sequence.add_text(ids[:budget] + suffix)
            sequences.append(sequence)
        return BatchFeature(stack_sequences(sequences, pad_token_id=self.tokenizer.pad_token_id)), truncations

    def question_words(self, question: str) -> list[tuple[str, list[int]]]:
        """Each word of the question with the positions of its tokens among the encoded ones, for reports.

        Words past the token budget are left out; the prefix and the expansion tokens are no words.
        """
        encoded = self.tokenizer(
            self.query_prefix + question,
            add_special_tokens=False,
            split_special_tokens=True,
            return_offsets_mapping=True,
        )
        budget = self.max_query_tokens - self.num_query_suffix_tokens
        spans = encoded["offset_mapping"][:budget]
        words = []
        for match in re.finditer(r"\S+", question):
            start, end = (len(self.query_prefix) + edge for edge in match.span())
            positions = [i for i, (first, last) in enumerate(spans) if first < end and last > start]
            if positions:
                words.append((match.group(), positions))
        return words

    def process_documents(
        self, documents: SequenceOf[Document], *, normalize: bool = True
    ) -> tuple[BatchFeature, list[Truncation]]:
        """Documents to model inputs and token labels.

        Args:
            normalize: False leaves pixels as bytes, a quarter of the size, for who sends them on and calls
                :func:`clamr_select.model.pixels.normalize_patches` where the model is.

        Returns:
            ``input_ids``, ``attention_mask``, ``modality_ids``, ``first_candidates``, ``last_candidates``
            (batch, tokens); ``position_ids`` (3, batch, tokens); and, where there are frames,
            ``pixel_values_videos`` and ``video_grid_thw``, where there is sound ``input_features`` and
            ``feature_attention_mask``. Padded on the right.

        Raises:
            InputError: a text's modality is not in ``modalities``, or a document has sound and this model no ears.
        """
        token_ids = self._tokenize_all(documents)
        sequences: list[Sequence] = []
        truncations: list[Truncation] = []
        pixels, grids, sounds = [], [], []
        for position, document in enumerate(documents):
            sequence = Sequence()
            sequence.add_text(token_ids[self.document_prefix])
            if len(document.frames):
                patches, grid = self._pixels(document, normalize=normalize)
                pixels.append(patches)
                grids.append(grid)
                sequence.add_text(token_ids[self.video_prefix])
                self._add_frames(sequence, grid)
            if document.audio is not None:
                features, cut = self._heard(document.audio, item=position)
                sequence.add_text(token_ids[self.audio_prefix])
                self._add_sound(sequence, document.audio, num_mel_frames=features.shape[1])
                sounds.append(features)
                truncations += cut
            if self.compat == "reference":
                truncations += self._add_reference_texts(sequence, document, token_ids, item=position)
            else:
                truncations += self._add_texts(sequence, document.texts, token_ids, item=position)
                sequence.add_text(token_ids[self.document_suffix])
            sequences.append(sequence)
        batch = BatchFeature(stack_sequences(sequences, pad_token_id=self.tokenizer.pad_token_id))
        if pixels:
            batch["pixel_values_videos"] = torch.cat(pixels)
            batch["video_grid_thw"] = torch.tensor(grids)
        if sounds:
            batch["input_features"], batch["feature_attention_mask"] = stack_features(sounds)
        return batch, truncations

    def _add_frames(self, sequence: Sequence, grid: tuple[int, int, int]) -> None:
        frames = FrameTokens(
            token_id=self._token_id(self.video_token),
            start_id=self._token_id(self.vision_start_token),
            end_id=self._token_id(self.vision_end_token),
            modality_id=self.modality_id(VIDEO),
            num_candidates=grid[0],
            grid_height=grid[1] // self.merge_size,
            grid_width=grid[2] // self.merge_size,
            time_interval=self.time_interval,
        )
        backbone_for(self.backbone).add_frames(sequence, frames)

    def _heard(self, audio: DocumentAudio, *, item: int) -> tuple[torch.Tensor, list[Truncation]]:
        """Mel frames of the sound within its budget, and what was cut."""
        if self.audio_token is None:
            raise InputError(f"document {item} has sound, and this model hears nothing; leave its audio out")
        budget = round(self.max_audio_seconds * SAMPLE_RATE)
        beyond = len(audio.samples) - budget
        cut = [] if beyond <= 0 else [Truncation(item, AUDIO, math.ceil(beyond / SAMPLE_RATE / SECONDS_PER_TOKEN))]
        return log_mel(audio.samples[:budget]), cut

    def _add_sound(self, sequence: Sequence, audio: DocumentAudio, *, num_mel_frames: int) -> None:
        sequence.add_text([self._token_id(self.audio_start_token)])
        sequence.add_audio(
            token_id=self._token_id(self.audio_token),
            modality_id=self.modality_id(AUDIO),
            candidates=token_candidates(audio, num_tokens=num_audio_tokens(num_mel_frames)),
        )
        sequence.add_text([self._token_id(self.audio_end_token)])

    def _add_texts(
        self,
        sequence: Sequence,
        texts: SequenceOf[TextSegment],
        token_ids: dict[str, list[int]],
        *,
        item: int,
    ) -> list[Truncation]:
        truncations = []
        for modality in self.modalities:
            segments = [segment for segment in texts if segment.modality == modality]
            if not segments:
                continue
            sequence.add_text(token_ids[self.text_prefixes[modality]])
            budget, cut = self.max_text_tokens, 0
            for segment in segments:
                ids = token_ids[" " + segment.text]
                cut += max(0, len(ids) - budget)
                first = NO_CANDIDATE if segment.first_candidate is None else segment.first_candidate
                last = NO_CANDIDATE if segment.last_candidate is None else segment.last_candidate
                sequence.add_text(ids[:budget], modality_id=self.modality_id(modality), candidates=(first, last))
                budget -= len(ids[:budget])
            if cut:
                truncations.append(Truncation(item, modality, cut))
        return truncations

    def _add_reference_texts(
        self, sequence: Sequence, document: Document, token_ids: dict[str, list[int]], *, item: int
    ) -> list[Truncation]:
        """Texts, the end of the turn, and every label, by the released arithmetic."""
        texts = reference_texts(
            joined_texts(document.texts, modalities=self.modalities, prefixes=self.text_prefixes),
            tokenizer=self.tokenizer,
            max_text_tokens=self.max_text_tokens,
        )
        sequence.add_text(texts.token_ids)
        sequence.add_text(token_ids[self.document_suffix])
        modality_ids = reference_modality_ids(
            np.concatenate(sequence.input_ids).tolist(),
            lengths=texts.lengths,
            modality_ids={name: self.modality_id(name) for name in self.modalities},
            vision_start_id=self._token_id(self.vision_start_token),
            vision_end_id=self._token_id(self.vision_end_token),
            audio_id=None if self.audio_token is None else self._token_id(self.audio_token),
            user_id=self._token_id("user"),
        )
        cut = dict(texts.num_tokens_cut)
        past_the_end = relabel(sequence, modality_ids=modality_ids, num_candidates=len(document.frames))
        if past_the_end:
            cut["document"] = past_the_end
        return [Truncation(item, modality, count) for modality, count in cut.items()]

    def modality_id(self, modality: str) -> int:
        """Id 1..M of a modality.

        Raises:
            InputError: it is not one of this model's.
        """
        if modality not in self.modalities:
            raise InputError(f"this model has no modality {modality!r}; it has {', '.join(self.modalities)}")
        return self.modalities.index(modality) + 1

    def frame_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width in pixels that a frame of this size is resized to."""
        return self._frame_sizes(height, width)[-1]

    def _frame_sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        return frame_sizes(
            height,
            width,
            factor=self.patch_size * self.merge_size,
            min_pixels=self.min_pixels,
            max_pixels=self.max_pixels,
            enlarge_to_pixels=self.enlarge_to_pixels,
        )

    def _pixels(self, document: Document, *, normalize: bool) -> tuple[torch.Tensor, tuple[int, int, int]]:
        sizes = self._frame_sizes(*document.frames[0].shape[:2])
        height, width = sizes[-1]
        frames = resize_frames(document.frames, sizes=sizes)
        # The backbone fuses two frames into one patch: a candidate meets itself or its true neighbour,
        # never the next candidate, which may be seconds away.
        seconds = frames if document.neighbors is None else resize_frames(document.neighbors, sizes=sizes)
        steps = torch.stack([frames, seconds], dim=1)
        if not normalize:
            steps = steps.to(torch.uint8)  # whole numbers already
        patches = cut_patches(steps, patch_size=self.patch_size, merge_size=self.merge_size)
        if normalize:
            patches = normalize_patches(patches, mean=self.image_mean, std=self.image_std)
        return patches, (len(frames), height // self.patch_size, width // self.patch_size)

    def _tokenize_all(self, documents: SequenceOf[Document]) -> dict[str, list[int]]:
        texts = {" " + segment.text for document in documents for segment in document.texts}
        prefixes = {self.text_prefixes[s.modality] for d in documents for s in d.texts if self.modality_id(s.modality)}
        ordered = sorted(texts | prefixes)
        token_ids = dict(zip(ordered, self._tokenize(ordered), strict=True))
        for scaffold in (self.document_prefix, self.document_suffix, self.video_prefix, self.audio_prefix):
            # our own words, the only place where special tokens are read as such
            token_ids[scaffold] = self.tokenizer(scaffold, add_special_tokens=False)["input_ids"] if scaffold else []
        return token_ids

    def _tokenize(self, texts: list[str]) -> list[list[int]]:
        """Text from outside: what looks like a special token in it is spelled out, never obeyed."""
        if not texts:
            return []
        return self.tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]

    def _token_id(self, token: str | None) -> int:
        return self.tokenizer.convert_tokens_to_ids(token)


def _check_question(question: str, *, position: int) -> None:
    if not question.strip():
        raise InputError(f"question {position} is empty; ask something, e.g. 'when does the bridge open?'")
    try:
        question.encode()
    except UnicodeEncodeError as error:  # a lone surrogate stands for a byte that Python could not read
        raise InputError(
            f"question {position} holds {question[error.start : error.end]!r} at character {error.start}, which is no "
            "text; give it as UTF-8"
        ) from error
