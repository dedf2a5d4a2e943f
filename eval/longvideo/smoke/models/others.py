"""Other families that lmms-eval runs with classes of transformers, tiny."""

from __future__ import annotations

from typing import Any

from clamr_select.eval.longvideo.smoke.models.making import (
    SIDE,
    SIZE,
    SQUARE,
    VISION,
    Made,
    byte_tokenizer,
    chat_template,
    ids,
    text,
)
from clamr_select.eval.longvideo.smoke.models.qwen import ROPE

PATCHES: dict[str, Any] = {"image_size": SIDE, "patch_size": 14}


def llava_onevision() -> Made:
    import transformers as tf

    words = byte_tokenizer(image_token="<image>", video_token="<video>")
    # lmms-eval takes that of the tokenizer for one of its two adapters
    words.chat_template = template = chat_template("<image>", "<video>")
    grid: dict[str, Any] = {"image_grid_pinpoints": [[SIDE, SIDE]]}
    images = tf.LlavaOnevisionImageProcessor(size=SQUARE, **grid)
    processor = tf.LlavaOnevisionProcessor(
        images, words, tf.LlavaOnevisionVideoProcessor(size=SQUARE), num_image_tokens=64,
        vision_feature_select_strategy="full", chat_template=template,
    )  # fmt: skip
    config = tf.LlavaOnevisionConfig(
        vision_config={**VISION, **PATCHES, "model_type": "siglip_vision_model", "vision_use_head": False},
        text_config={"model_type": "qwen2", **text(words)},
        vision_feature_layer=-1,
        **grid,
        **ids(words, image_token_index="<image>", video_token_index="<video>"),
    )
    return tf.LlavaOnevisionForConditionalGeneration(config), processor


def internvl() -> Made:
    import transformers as tf

    tokens: dict[str, Any] = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
    }
    words = byte_tokenizer(**tokens, video_token="<video>")
    images, videos = tf.GotOcr2ImageProcessor(size=SQUARE, max_patches=1), tf.InternVLVideoProcessor(size=SQUARE)
    template = chat_template("<IMG_CONTEXT>", "<video>")
    processor = tf.InternVLProcessor(images, words, videos, image_seq_length=16, chat_template=template)
    config = tf.InternVLConfig(
        vision_config={**VISION, "image_size": [SIDE, SIDE], "patch_size": [14, 14]},
        text_config={"model_type": "qwen2", **text(words)},
        image_seq_length=16,
        **ids(words, image_token_id="<IMG_CONTEXT>"),
    )
    return tf.InternVLForConditionalGeneration(config), processor


def gemma3() -> Made:
    import transformers as tf

    tokens: dict[str, Any] = {
        "boi_token": "<start_of_image>",
        "eoi_token": "<end_of_image>",
        "image_token": "<image_soft_token>",
    }
    words = byte_tokenizer(**tokens)
    template = chat_template("<start_of_image>", "<video>")
    processor = tf.Gemma3Processor(
        tf.Gemma3ImageProcessor(size=SQUARE), words, image_seq_length=4, chat_template=template
    )
    config = tf.Gemma3Config(
        text_config=text(words, head_dim=16, sliding_window=512, layer_types=["full_attention"]),
        vision_config={**VISION, **PATCHES},
        mm_tokens_per_image=4,
        **ids(
            words, image_token_id="<image_soft_token>", boi_token_id="<start_of_image>", eoi_token_id="<end_of_image>"
        ),
    )
    return tf.Gemma3ForConditionalGeneration(config), processor


def gemma4() -> Made:
    import transformers as tf

    words = byte_tokenizer(
        "<|video|>", **{f"{n}_token": f"<{n}>" for n in ("image", "boi", "eoi", "audio", "boa", "eoa")}
    )
    processor = tf.Gemma4Processor(
        tf.Gemma4AudioFeatureExtractor(), tf.Gemma4ImageProcessor(), words, tf.Gemma4VideoProcessor(),
        chat_template=chat_template("<image>", "<|video|>"),
    )  # fmt: skip
    heads: dict[str, Any] = {"head_dim": 16, "global_head_dim": 16}
    config = tf.Gemma4Config(
        text_config=text(
            words, **heads, sliding_window=512, layer_types=["full_attention"], hidden_size_per_layer_input=8,
            vocab_size_per_layer_input=len(words),
        ),
        vision_config={**VISION, **heads, "num_key_value_heads": 2},
        audio_config=None,
        **ids(words, image_token_id="<image>", boi_token_id="<boi>", eoi_token_id="<eoi>", video_token_id="<|video|>"),
    )  # fmt: skip
    return tf.Gemma4ForConditionalGeneration(config), processor


def idefics2() -> Made:
    import transformers as tf

    words = byte_tokenizer("<fake_token_around_image>", "<image>", "<end_of_utterance>")
    images = tf.Idefics2ImageProcessor(size={"shortest_edge": 70, "longest_edge": SIDE}, do_image_splitting=False)
    template = chat_template("<image>", "<video>")
    processor = tf.Idefics2Processor(images, words, image_seq_len=4, chat_template=template)
    resampler = {"n_latents": 4, "depth": 1, "n_heads": 2, "head_dim": 16}
    config = tf.Idefics2Config(
        vision_config={**VISION, **PATCHES},
        text_config={"model_type": "mistral", **text(words)},
        perceiver_config={
            "hidden_size": 32, "num_key_value_heads": 1, **{f"resampler_{name}": n for name, n in resampler.items()}
        },
        **ids(words, image_token_id="<image>"),
    )  # fmt: skip
    return tf.Idefics2ForConditionalGeneration(config), processor


def mistral3() -> Made:
    import transformers as tf

    tokens: dict[str, Any] = {
        "image_token": "[IMG]",
        "image_break_token": "[IMG_BREAK]",
        "image_end_token": "[IMG_END]",
    }
    words = byte_tokenizer(*tokens.values(), "[INST]", "[/INST]")
    images = tf.PixtralImageProcessor(size={"longest_edge": SIDE}, patch_size=14)
    processor = tf.PixtralProcessor(images, words, patch_size=14, spatial_merge_size=2, **tokens)
    config = tf.Mistral3Config(
        vision_config={"model_type": "pixtral", **VISION, **PATCHES},
        text_config={"model_type": "mistral", **text(words), "head_dim": 16},
        spatial_merge_size=2,
        vision_feature_layer=-1,
        **ids(words, image_token_index="[IMG]"),
    )
    return tf.Mistral3ForConditionalGeneration(config), processor


def glm4v() -> Made:
    import transformers as tf

    marks = {f"{kind}_{end}": f"<|{word}_of_{kind}|>" for kind in ("image", "video") for end, word in _ENDS.items()}
    words = byte_tokenizer(*marks.values(), image_token="<|image|>", video_token="<|video|>")
    image, video = (f"{marks[f'{kind}_start']}<|{kind}|>{marks[f'{kind}_end']}" for kind in ("image", "video"))
    images, videos = tf.Glm46VImageProcessor(size=SIZE), tf.Glm46VVideoProcessor(size=SIZE)
    processor = tf.Glm46VProcessor(images, words, videos, chat_template=chat_template(image, video))
    vision = {"depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 32}
    config = tf.Glm4vConfig(
        text_config=text(words, rope_parameters=ROPE),
        vision_config={**vision, "image_size": SIDE},
        **ids(words, **{f"{name}_token_id": token for name, token in marks.items()}),
        **ids(words, image_token_id="<|image|>", video_token_id="<|video|>"),
    )
    return tf.Glm4vForConditionalGeneration(config), processor


def mllama() -> Made:
    import transformers as tf

    words = byte_tokenizer("<|image|>", "<|python_tag|>")
    words.add_special_tokens({"bos_token": "<bos>"})
    images = tf.MllamaImageProcessor(size=SQUARE, max_image_tiles=1)
    processor = tf.MllamaProcessor(images, words, chat_template=chat_template("<|image|>", "<video>"))
    layers: dict[str, Any] = {"num_hidden_layers": 1, "num_global_layers": 1, "intermediate_layers_indices": [0]}
    config = tf.MllamaConfig(
        vision_config={
            "hidden_size": 32, "intermediate_size": 32, "attention_heads": 2, **layers, **PATCHES,
            "vision_output_dim": 64, "max_num_tiles": 1, "supported_aspect_ratios": [[1, 1]],
        },
        text_config=text(words, num_hidden_layers=2, cross_attention_layers=[1], bos_token_id=words.bos_token_id),
        **ids(words, image_token_index="<|image|>"),
    )  # fmt: skip
    return tf.MllamaForConditionalGeneration(config), processor


def aria() -> Made:
    import transformers as tf

    words = byte_tokenizer("<|im_end|>", image_token="<|img|>")
    template = chat_template("<|img|>", "<video>")
    # lmms-eval asks for 490 pixels of a frame, 980 of an image
    sizes: dict[Any, int] = {490: 4, 980: 4}
    processor = tf.AriaProcessor(tf.AriaImageProcessor(), words, chat_template=template, size_conversion=sizes)
    config = tf.AriaConfig(
        vision_config={"model_type": "idefics3_vision", **VISION, "image_size": 490, "patch_size": 14},
        text_config=text(words, moe_num_experts=2, moe_topk=1, moe_num_shared_experts=1),
        projector_patch_to_query_dict={(side // 14) ** 2: tokens for side, tokens in sizes.items()},
        **ids(words, image_token_index="<|img|>"),
    )
    return tf.AriaForConditionalGeneration(config), processor


_ENDS = {"start": "begin", "end": "end"}
