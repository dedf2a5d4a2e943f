"""Towers against the models called by hand, one text, frame and sound at a time; and every checkpoint refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as tf

from clamr_select.errors import CheckpointError, InputError, ModelNotFoundError, UnknownNameError, UnsafeWeightsError
from clamr_select.eval.retrieval.encoders.dual import DualEncoder
from clamr_select.eval.retrieval.encoders.families import FAMILIES, Family, load_family, with_weights
from clamr_select.eval.retrieval.encoders.sounds import resampled, stretches
from clamr_select.model.document import Document, DocumentAudio, TextSegment
from tests.eval.retrieval.tiny_encoders import save_clip, save_sentence_encoder

TEXTS = ["a short one", "walrus", "x" * 200]


def frames(count: int, *, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (36, 64, 3), dtype=np.uint8) for _ in range(count)]


def sound(seconds: float, *, seed: int = 0) -> DocumentAudio:
    samples = np.random.default_rng(seed).normal(scale=0.1, size=int(16_000 * seconds)).astype(np.float32)
    return DocumentAudio(samples, (0.0,))


def unit(vector: torch.Tensor) -> torch.Tensor:
    return vector.float() / vector.float().norm()


def family(path: Path, *, sides: tuple[str, ...] = ("text", "pictures"), **more: Any) -> Family:
    return Family(**dict.fromkeys(sides, str(path)), **more)


@torch.inference_mode()
@pytest.mark.parametrize("name", ["clip", "siglip", "siglip2"])
def test_pictures_and_texts_are_those_of_the_model(name: str, tiny: dict[str, Path]) -> None:
    encoder = load_family(family(tiny[name]), device="cpu")
    model = tf.AutoModel.from_pretrained(tiny[name]).eval()
    processor, tokenizer = (
        tf.AutoImageProcessor.from_pretrained(tiny[name]),
        tf.AutoTokenizer.from_pretrained(tiny[name]),
    )
    shown = [frames(3), frames(1, seed=1)]
    documents = [
        Document(shown[0], (TextSegment("asr", "they said"), TextSegment("asr", "this"), TextSegment("ocr", "EXIT"))),
        Document(shown[1]),
        Document((), (TextSegment("description", "a film"),)),
    ]
    embedded, truncations = encoder.encode_document(documents)
    assert encoder.modalities == ("video", "ocr", "asr", "description")
    assert [part.modality_ids.tolist() for part in embedded] == [[1, 2, 3], [1], [4]]
    assert truncations == []
    for part, video in zip(embedded, shown, strict=False):
        each = [model.get_image_features(**processor(images=[f], return_tensors="pt")).pooler_output[0] for f in video]
        expected = unit(torch.stack([unit(vector) for vector in each]).mean(dim=0))
        torch.testing.assert_close(part.vectors[0], expected, atol=1e-5, rtol=0)
    padding = {"padding": "max_length", "max_length": 24} if "siglip" in name else {}
    ids = tokenizer(["they said this"], return_tensors="pt", truncation=True, **padding)["input_ids"]
    torch.testing.assert_close(
        embedded[0].vectors[2], unit(model.get_text_features(input_ids=ids).pooler_output[0]), atol=1e-5, rtol=0
    )


@torch.inference_mode()
def test_questions_do_not_depend_on_their_neighbours_and_what_is_cut_is_said(tiny: dict[str, Path]) -> None:
    for name in ("clip", "siglip", "sentences", "projected"):
        sides = ("text",) if name in ("sentences", "projected") else ("text", "pictures")
        encoder = load_family(family(tiny[name], sides=sides), device="cpu")
        together, cut = encoder.encode_query(TEXTS)
        alone = [encoder.encode_query([text])[0][0] for text in TEXTS]
        for one, other in zip(together, alone, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
            assert one.shape == (1, encoder.embedding_dim)
        limit = 20 if sides == ("text",) else 24
        assert [(t.item, t.num_tokens_cut) for t in cut] == [(2, 200 - limit)], name


@torch.inference_mode()
def test_a_clip_tower_sees_as_many_frames_as_it_was_made_for(tiny: dict[str, Path]) -> None:
    encoder = load_family(family(tiny["xclip"], reads=False), device="cpu")
    model = tf.AutoModel.from_pretrained(tiny["xclip"]).eval()
    processor = tf.AutoImageProcessor.from_pretrained(tiny["xclip"])
    for count, places in ((7, (0, 2, 4, 6)), (2, (0, 0, 1, 1)), (1, (0, 0, 0, 0))):
        video = frames(count)
        pixels = processor(images=[video[place] for place in places], return_tensors="pt")["pixel_values"]
        expected = unit(model.get_video_features(pixel_values=pixels.reshape(1, 4, 3, 32, 32)).pooler_output[0])
        (found,), _ = encoder.encode_document([Document(video, (TextSegment("asr", "not read"),))])
        assert found.modality_ids.tolist() == [1]
        torch.testing.assert_close(found.vectors[0], expected, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_sounds_are_heard_in_stretches_the_same_every_time(tiny: dict[str, Path]) -> None:
    encoder = load_family(family(tiny["clap"], sides=("text", "sounds"), reads=False), device="cpu")
    assert encoder.hears
    assert encoder.modalities == ("audio",)
    long, short = (Document(frames(1), audio=sound(seconds)) for seconds in (25, 3))
    (first, second, silent), _ = encoder.encode_document([long, short, Document(frames(1))])
    (again,), _ = encoder.encode_document([long])
    torch.testing.assert_close(first.vectors, again.vectors, atol=1e-5, rtol=0)
    assert len(second) == 1
    assert len(silent) == 0
    model = tf.AutoModel.from_pretrained(tiny["clap"]).eval()
    extractor = tf.AutoFeatureExtractor.from_pretrained(tiny["clap"])
    samples = long.audio.samples  # type: ignore[union-attr]
    each = []
    for start in (0, 15 * 16_000):
        heard = resampled(samples[start : start + 160_000], sampling_rate=48_000)
        inputs = extractor(heard, sampling_rate=48_000, return_tensors="pt")
        each.append(unit(model.get_audio_features(input_features=inputs["input_features"]).pooler_output[0]))
    torch.testing.assert_close(first.vectors[0], unit(torch.stack(each).mean(dim=0)), atol=1e-5, rtol=0)


def test_resampling_keeps_a_tone_and_stretches_cover_a_sound() -> None:
    times = np.arange(1600) / 16_000
    tone = np.sin(2 * np.pi * 1000 * times).astype(np.float32)
    expected = np.sin(2 * np.pi * 1000 * np.arange(4800) / 48_000)
    np.testing.assert_allclose(resampled(tone, sampling_rate=48_000), expected, atol=1e-4)
    assert len(resampled(tone, sampling_rate=8_000)) == 800
    assert [len(part) for part in stretches(np.zeros(1000), length=100)] == [100] * 5
    assert [len(part) for part in stretches(np.zeros(70), length=100)] == [70]


@torch.inference_mode()
@pytest.mark.parametrize("pooling", ["pooling_mode_mean_tokens", "pooling_mode_cls_token", "pooling_mode_lasttoken"])
def test_pooling_is_what_the_checkpoint_says(pooling: str, tmp_path: Path) -> None:
    folder = save_sentence_encoder(tmp_path / "encoder", pooling=pooling, dense=8)
    encoder = load_family(Family(text=str(folder)), device="cpu")
    model, tokenizer = tf.AutoModel.from_pretrained(folder).eval(), tf.AutoTokenizer.from_pretrained(folder)
    from safetensors.torch import load_file

    dense = load_file(folder / "2_Dense" / "model.safetensors")
    for text in TEXTS[:2]:
        hidden = model(**tokenizer([text], return_tensors="pt", return_token_type_ids=False)).last_hidden_state[0]
        pooled = {"mean": hidden.mean(dim=0), "cls_": hidden[0], "last": hidden[-1]}[pooling[13:17]]
        expected = unit(torch.tanh(dense["linear.weight"] @ pooled + dense["linear.bias"]))
        torch.testing.assert_close(encoder.encode_query([text])[0][0][0], expected, atol=1e-5, rtol=0)


def test_prompts_of_the_checkpoint_are_put_before_its_texts(tmp_path: Path) -> None:
    folder = save_sentence_encoder(tmp_path / "encoder")
    plain = load_family(Family(text=str(folder)), device="cpu")
    prompts = {"prompts": {"query": "ask: ", "passage": "say: "}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts), encoding="utf-8")
    prompted = load_family(Family(text=str(folder)), device="cpu")
    assert plain.identity() != prompted.identity()
    torch.testing.assert_close(prompted.encode_query(["tea"])[0][0], plain.encode_query(["ask: tea"])[0][0])
    said = [encoder.encode_document([Document((), (TextSegment("asr", text),))])[0][0].vectors
            for encoder, text in ((prompted, "tea"), (plain, "say: tea"))]  # fmt: skip
    torch.testing.assert_close(*said)


def test_towers_of_two_checkpoints_share_a_space_or_are_refused(tiny: dict[str, Path]) -> None:
    mixed = load_family(Family(text=str(tiny["projected"]), pictures=str(tiny["clip"])), device="cpu")
    assert mixed.encode_query(["a"])[0][0].shape == (1, 16)
    with pytest.raises(CheckpointError, match="different spaces"):
        load_family(Family(text=str(tiny["sentences"]), pictures=str(tiny["clip"])), device="cpu")


def test_the_same_checkpoint_is_the_same_encoder_and_another_is_not(tiny: dict[str, Path], tmp_path: Path) -> None:
    def identity(path: Path, sides: tuple[str, ...] = ("text",)) -> dict[str, Any]:
        return load_family(family(path, sides=sides), device="cpu").identity()

    both = ("text", "pictures")
    assert identity(tiny["sentences"]) == identity(tiny["sentences"])
    assert identity(tiny["clip"], both) == identity(shutil.copytree(tiny["clip"], tmp_path / "copy"), both)
    assert identity(tiny["clip"], both) != identity(save_clip(tmp_path / "other", seed=9), both)
    json.dumps(identity(tiny["clip"], both))


def test_a_bare_encoder_of_text_is_averaged(tiny: dict[str, Path], tmp_path: Path) -> None:
    bare = shutil.copytree(tiny["sentences"], tmp_path / "bare")
    (bare / "modules.json").unlink()
    encoder = load_family(Family(text=str(bare)), device="cpu")
    laid_out = load_family(Family(text=str(tiny["sentences"])), device="cpu")
    torch.testing.assert_close(encoder.encode_query(TEXTS[:2])[0], laid_out.encode_query(TEXTS[:2])[0])


def refused(change: str, folder: Path) -> None:
    """Spoil a copy of the tiny sentence encoder."""
    if change == "pickled":
        for path in folder.rglob("*.safetensors"):
            path.rename(path.with_name("pytorch_model.bin"))
    elif change == "lacks":
        from safetensors.torch import load_file, save_file

        tensors = load_file(folder / "model.safetensors")
        tensors.pop(next(name for name in tensors if "layer" in name))
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    elif change == "remote":
        config = json.loads((folder / "config.json").read_text())
        config |= {"model_type": "own", "auto_map": {"AutoConfig": "code.Config", "AutoModel": "code.Model"}}
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "code.py").write_text("raise SystemExit('the code of a checkpoint was run')")
    elif change == "broken":
        (folder / "modules.json").write_text("{")
    else:
        modules = json.loads((folder / "modules.json").read_text())
        modules[1 if change == "order" else 2]["type"] = "sentence_transformers.models.LSTM"
        (folder / "modules.json").write_text(json.dumps(modules))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ("pickled", UnsafeWeightsError, "pytorch_model.bin"),
        ("lacks", CheckpointError, "lacks 1 tensors"),
        ("remote", CheckpointError, "cannot be loaded"),
        ("broken", CheckpointError, "not JSON"),
        ("order", CheckpointError, "must start with"),
        ("unknown", CheckpointError, "LSTM"),
    ],
)
def test_what_is_no_encoder_is_refused(
    change: str, error: type[Exception], message: str, tiny: dict[str, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny["sentences"], tmp_path / "spoilt")
    refused(change, folder)
    with pytest.raises(error, match=message):
        load_family(Family(text=str(folder)), device="cpu")


def test_towers_that_are_not_there_are_named(tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckpointError, match="no picture tower"):
        load_family(Family(text=str(tiny["sentences"]), pictures=str(tiny["clap"])), device="cpu")
    with pytest.raises(CheckpointError, match="no sound tower"):
        load_family(Family(text=str(tiny["clip"]), sounds=str(tiny["clip"])), device="cpu")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFoundError, match="HUB_ID@REVISION"):
        load_family(Family(text="nobody/no-such-encoder@main"), device="cpu")


def test_checkpoints_are_replaced_by_name() -> None:
    given = with_weights(["clip=/a", "mclip.pictures=/b", "clap=/c"])
    assert given["clip"] == Family(text="/a", pictures="/a")
    assert given["mclip"] == Family(text=FAMILIES["mclip"].text, pictures="/b")
    assert given["clap"] == Family(text="/c", sounds="/c", reads=False)
    assert given["text"] == FAMILIES["text"]
    for wrong, error in (("clip", InputError), ("blip=/a", UnknownNameError), ("text.pictures=/a", UnknownNameError)):
        with pytest.raises(error):
            with_weights([wrong])


def test_an_encoder_without_pictures_leaves_them_out(tiny: dict[str, Path]) -> None:
    encoder: DualEncoder = load_family(Family(text=str(tiny["sentences"])), device="cpu")
    (nothing,), _ = encoder.encode_document([Document(frames(2))])
    assert nothing.vectors.shape == (0, 32)
