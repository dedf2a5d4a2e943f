"""Real processors and models of transformers, configured small: nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import transformers as tf

SIZE = {"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 4 * 64}
SQUARE = {"height": 112, "width": 112}
ROPE = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0}
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": 0,
}
VISION = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
TENTHS = r"<(-?\d+\.\d) seconds>"

Built = tuple[Any, str, str]
"""(processor, pattern of its times, placeholder of an image)"""
Tokenizer = Callable[..., Any]
Template = Callable[[str, str], str]


def qwen3_vl(tokenizer: Tokenizer, template: Template) -> Built:
    words = tokenizer("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    chat = template("<|vision_start|><|image_pad|><|vision_end|>", "<|vision_start|><|video_pad|><|vision_end|>")
    images, videos = tf.Qwen2VLImageProcessor(patch_size=16, size=SIZE), tf.Qwen3VLVideoProcessor(size=SIZE)
    return tf.Qwen3VLProcessor(images, words, videos, chat_template=chat), TENTHS, "<|image_pad|>"


def qwen2_5_vl(tokenizer: Tokenizer, template: Template) -> Built:
    words = tokenizer("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    chat = template("<|vision_start|><|image_pad|><|vision_end|>", "<|vision_start|><|video_pad|><|vision_end|>")
    images, videos = tf.Qwen2VLImageProcessor(size=SIZE), tf.Qwen2VLVideoProcessor(size=SIZE)
    return tf.Qwen2_5_VLProcessor(images, words, videos, chat_template=chat), TENTHS, "<|image_pad|>"


def qwen2_5_omni(tokenizer: Tokenizer, template: Template) -> Built:
    named = {f"{kind.lower()}_token": f"<|{kind}|>" for kind in ("IMAGE", "VIDEO", "AUDIO")}
    marks = {f"{kind}_{end}_token": f"<|{kind}_{end}|>" for kind in ("vision", "audio") for end in ("bos", "eos")}
    images, videos = tf.Qwen2VLImageProcessor(size=SIZE), tf.Qwen2VLVideoProcessor(size=SIZE)
    audio, words = tf.WhisperFeatureExtractor(feature_size=128), tokenizer(**named, **marks)
    chat = template("<|IMAGE|>", "<|VIDEO|>")
    return tf.Qwen2_5OmniProcessor(images, videos, audio, words, chat_template=chat), TENTHS, "<|IMAGE|>"


def internvl(tokenizer: Tokenizer, template: Template) -> Built:
    image = "<IMG_CONTEXT>"
    words = tokenizer(
        start_image_token="<img>", end_image_token="</img>", context_image_token=image, video_token="<video>"
    )
    images = tf.GotOcr2ImageProcessor(size=SQUARE, max_patches=1)
    videos = tf.InternVLVideoProcessor(size=SQUARE)
    chat = template(image, "<video>")
    processor = tf.InternVLProcessor(images, words, videos, image_seq_length=16, chat_template=chat)
    return processor, TENTHS, image


def llava_onevision(tokenizer: Tokenizer, template: Template) -> Built:
    processor = tf.LlavaOnevisionProcessor(
        tf.LlavaOnevisionImageProcessor(size=SQUARE, image_grid_pinpoints=[[112, 112]]),
        tokenizer(image_token="<image>", video_token="<video>"),
        tf.LlavaOnevisionVideoProcessor(size=SQUARE),
        num_image_tokens=64,
        vision_feature_select_strategy="full",
        chat_template=template("<image>", "<video>"),
    )
    return processor, TENTHS, "<image>"


def smolvlm(tokenizer: Tokenizer, template: Template) -> Built:
    words = tokenizer(
        "<|im_start|>",
        image_token="<image>",
        video_token="<video>",
        fake_image_token="<fake_token_around_image>",
        global_image_token="<global-img>",
        end_of_utterance_token="<end_of_utterance>",
    )
    edge = {"longest_edge": 112}
    processor = tf.SmolVLMProcessor(
        tf.SmolVLMImageProcessor(size=edge, max_image_size=edge, do_image_splitting=False),
        words,
        tf.SmolVLMVideoProcessor(size=edge, max_image_size=edge, video_sampling={"max_frames": 64, "fps": 1}),
        image_seq_len=16,
        chat_template=template("<image>", "<video>"),
    )
    return processor, r"Frame from (\d+):(\d\d):", "<image>"


def _glm(version: str, time_pattern: str) -> Callable[[Tokenizer, Template], Built]:
    def build(tokenizer: Tokenizer, template: Template) -> Built:
        marks = [f"<|{end}_of_{kind}|>" for kind in ("image", "video") for end in ("begin", "end")]
        words = tokenizer(*marks, image_token="<|image|>", video_token="<|video|>")
        chat = template(f"{marks[0]}<|image|>{marks[1]}", f"{marks[2]}<|video|>{marks[3]}")
        images = getattr(tf, f"{version}ImageProcessor", tf.Glm46VImageProcessor)(size=SIZE)
        videos = getattr(tf, f"{version}VideoProcessor")(size=SIZE)
        return getattr(tf, f"{version}Processor")(images, words, videos, chat_template=chat), time_pattern, "<|image|>"

    return build


def video_llama_3(tokenizer: Tokenizer, template: Template) -> Built:
    words = tokenizer(image_token="<|image_pad|>", video_token="<|video_pad|>")
    images, videos = tf.VideoLlama3ImageProcessor(size=SIZE), tf.VideoLlama3VideoProcessor(size=SIZE)
    chat = template("<|image_pad|>", "<|video_pad|>")
    return tf.VideoLlama3Processor(images, words, videos, chat_template=chat), r"Time (-?\d+\.\d)s:", "<|image_pad|>"


def gemma4(tokenizer: Tokenizer, template: Template) -> Built:
    named = {f"{name}_token": f"<{name}>" for name in ("image", "boi", "eoi", "audio", "boa", "eoa")}
    audio, words = tf.Gemma4AudioFeatureExtractor(), tokenizer("<|video|>", **named)
    chat = template("<image>", "<|video|>")
    processor = tf.Gemma4Processor(
        audio, tf.Gemma4ImageProcessor(), words, tf.Gemma4VideoProcessor(), chat_template=chat
    )
    return processor, r"(\d+):(\d\d) <boi>", "<image>"


def molmo2(tokenizer: Tokenizer, template: Template) -> Built:
    names = ("im_start", "im_end", "im_patch", "im_col", "frame_start", "frame_end", "low_res_im_start")
    words = tokenizer(*(f"<{name}>" for name in names), image_token="<|image|>", video_token="<|video|>")
    chat = template("<|image|>", "<|video|>")
    images, videos = tf.Molmo2ImageProcessor(), tf.Molmo2VideoProcessor()
    return tf.Molmo2Processor(images, videos, words, chat_template=chat), r"(\d+\.\d) <frame_start>", "<|image|>"


def kimi_k2_5(tokenizer: Tokenizer, template: Template) -> Built:
    words = tokenizer("<|media_begin|>", "<|media_pad|>", image_token="<|image|>", video_token="<|video|>")
    images, videos = tf.Kimi_K25ImageProcessor(), tf.Kimi_K25VideoProcessor()
    processor = tf.Kimi_K25Processor(images, words, videos, chat_template=template("<|image|>", "<|video|>"))
    return processor, r"(\d\d):(\d\d):(\d\d\.\d{3})<\|media_begin", "<|image|>"


def nemotron_omni(tokenizer: Tokenizer, template: Template) -> Built:
    named = {"image_token": "<image>", "image_start_token": "<img>", "image_end_token": "</img>"}
    norm = {"norm_mean": [0.5] * 3, "norm_std": [0.5] * 3}
    heard = {"audio_token": "<a>", "audio_start_token": "<as>", "audio_end_token": "<ae>"}
    processor = tf.NemotronH_Omni_Reasoning_V3Processor(
        tf.NemotronH_Omni_Reasoning_V3ImageProcessor(**norm),
        tf.NemotronH_Omni_Reasoning_V3VideoProcessor(**norm, video_target_num_patches=64),
        tokenizer("<video>", **named, **heard, video_token="<video>"),
        tf.ParakeetFeatureExtractor(),
        chat_template=template("<image>", "<video>"),
    )
    return processor, r"sampled at (\d+\.\d\d) seconds", "<image>"


BUILDERS: dict[str, Callable[[Tokenizer, Template], Built]] = {
    "Qwen3-VL": qwen3_vl,
    "Qwen3.5": qwen3_vl,
    "Qwen2.5-VL": qwen2_5_vl,
    "Qwen2.5-Omni": qwen2_5_omni,
    "InternVL": internvl,
    "LLaVA-OneVision": llava_onevision,
    "SmolVLM": smolvlm,
    "GLM-4.6V": _glm("Glm46V", r"<\|end_of_image\|>(-?\d+\.\d) seconds"),
    "GLM-4.1V": _glm("Glm4v", r"<\|end_of_image\|>(-?\d+)"),
    "GLM-5": _glm("Glm5Next", r"<\|end_of_image\|>(-?\d+\.\d) seconds"),
    "VideoLLaMA3": video_llama_3,
    "Gemma4": gemma4,
    "Molmo2": molmo2,
    "Kimi-K2.5": kimi_k2_5,
    "Nemotron-Omni": nemotron_omni,
}


def _tokens(tokenizer: Any, **names: str) -> dict[str, int]:
    return {name: tokenizer.convert_tokens_to_ids(token) for name, token in names.items()}


def _qwen_tokens(tokenizer: Any) -> dict[str, int]:
    return _tokens(
        tokenizer,
        image_token_id="<|image_pad|>",
        video_token_id="<|video_pad|>",
        vision_start_token_id="<|vision_start|>",
        vision_end_token_id="<|vision_end|>",
    )


def qwen3_vl_model(tokenizer: Any) -> Any:
    rope = {**ROPE, "mrope_interleaved": True}
    vision = {"depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "patch_size": 16}
    config = tf.Qwen3VLConfig(
        text_config={**TEXT, "vocab_size": len(tokenizer), "head_dim": 16, "rope_scaling": rope},
        vision_config={
            **vision, "out_hidden_size": 32, "deepstack_visual_indexes": [0], "num_position_embeddings": 16
        },
        **_qwen_tokens(tokenizer),
    )  # fmt: skip
    return tf.Qwen3VLForConditionalGeneration(config)


def qwen3_5_model(tokenizer: Any) -> Any:
    linear = {"linear_key_head_dim": 8, "linear_value_head_dim": 8}
    heads = {"linear_num_key_heads": 2, "linear_num_value_heads": 2}
    vision = {"depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "patch_size": 16}
    rope = {**ROPE, "mrope_interleaved": True, "partial_rotary_factor": 1.0}
    config = tf.Qwen3_5Config(
        text_config={
            **TEXT, **linear, **heads, "vocab_size": len(tokenizer), "head_dim": 16, "num_hidden_layers": 2,
            "layer_types": ["linear_attention", "full_attention"], "rope_parameters": rope,
        },
        vision_config={**vision, "out_hidden_size": 32, "num_position_embeddings": 16},
        **_qwen_tokens(tokenizer),
    )  # fmt: skip
    return tf.Qwen3_5ForConditionalGeneration(config)


def qwen2_5_vl_model(tokenizer: Any) -> Any:
    vision = {"depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 32}
    config = tf.Qwen2_5_VLConfig(
        text_config={**TEXT, "vocab_size": len(tokenizer), "rope_scaling": ROPE},
        vision_config={**vision, "fullatt_block_indexes": [0], "window_size": 56},
        **_qwen_tokens(tokenizer),
    )
    return tf.Qwen2_5_VLForConditionalGeneration(config)


def internvl_model(tokenizer: Any) -> Any:
    config = tf.InternVLConfig(
        vision_config={**VISION, "image_size": [112, 112], "patch_size": [14, 14]},
        text_config={**TEXT, "model_type": "qwen2", "vocab_size": len(tokenizer)},
        image_seq_length=16,
        **_tokens(tokenizer, image_token_id="<IMG_CONTEXT>"),
    )
    return tf.InternVLForConditionalGeneration(config)


def llava_onevision_model(tokenizer: Any) -> Any:
    tower = {"model_type": "siglip_vision_model", "image_size": 112, "patch_size": 14, "vision_use_head": False}
    config = tf.LlavaOnevisionConfig(
        vision_config={**VISION, **tower},
        text_config={**TEXT, "model_type": "qwen2", "vocab_size": len(tokenizer)},
        image_grid_pinpoints=[[112, 112]],
        vision_feature_layer=-1,
        **_tokens(tokenizer, image_token_index="<image>", video_token_index="<video>"),
    )
    return tf.LlavaOnevisionForConditionalGeneration(config)


def smolvlm_model(tokenizer: Any) -> Any:
    config = tf.SmolVLMConfig(
        vision_config={**VISION, "image_size": 112, "patch_size": 14},
        text_config={**TEXT, "model_type": "llama", "vocab_size": len(tokenizer)},
        scale_factor=2,
        **_tokens(tokenizer, image_token_id="<image>"),
    )
    return tf.SmolVLMForConditionalGeneration(config)


MODELS: dict[str, Callable[[Any], Any]] = {
    "Qwen3-VL": qwen3_vl_model,
    "Qwen3.5": qwen3_5_model,
    "Qwen2.5-VL": qwen2_5_vl_model,
    "InternVL": internvl_model,
    "LLaVA-OneVision": llava_onevision_model,
    "SmolVLM": smolvlm_model,
}
"""Models that are run."""
