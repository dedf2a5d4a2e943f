"""The Qwen-VL family, tiny."""

from __future__ import annotations

from typing import Any

from clamr_select.eval.longvideo.smoke.models.making import SIZE, Made, byte_tokenizer, chat_template, ids, text

ROPE = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0}
VISION = {"depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 32}
TOKENS = ("<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")


def qwen2_vl() -> Made:
    import transformers as tf

    words = byte_tokenizer(*TOKENS)
    images, videos = tf.Qwen2VLImageProcessor(size=SIZE), tf.Qwen2VLVideoProcessor(size=SIZE)
    config = tf.Qwen2VLConfig(
        text_config=text(words, rope_scaling=ROPE),
        vision_config={"depth": 1, "embed_dim": 32, "hidden_size": 32, "num_heads": 2},
        **_token_ids(words),
    )
    processor = tf.Qwen2VLProcessor(images, words, videos, chat_template=_template())
    return tf.Qwen2VLForConditionalGeneration(config), processor


def qwen2_5_vl() -> Made:
    import transformers as tf

    words = byte_tokenizer(*TOKENS)
    images, videos = tf.Qwen2VLImageProcessor(size=SIZE), tf.Qwen2VLVideoProcessor(size=SIZE)
    config = tf.Qwen2_5_VLConfig(
        text_config=text(words, rope_scaling=ROPE),
        vision_config={**VISION, "fullatt_block_indexes": [0], "window_size": 56},
        **_token_ids(words),
    )
    processor = tf.Qwen2_5_VLProcessor(images, words, videos, chat_template=_template())
    return tf.Qwen2_5_VLForConditionalGeneration(config), processor


def qwen3_vl() -> Made:
    import transformers as tf

    words, processor = _words_and_processor_3()
    config = tf.Qwen3VLConfig(
        text_config=text(words, head_dim=16, rope_scaling={**ROPE, "mrope_interleaved": True}),
        vision_config={**VISION, "patch_size": 16, "deepstack_visual_indexes": [0], "num_position_embeddings": 16},
        **_token_ids(words),
    )
    return tf.Qwen3VLForConditionalGeneration(config), processor


def qwen3_5() -> Made:
    import transformers as tf

    words, processor = _words_and_processor_3()
    linear = {f"linear_{what}_head_dim": 8 for what in ("key", "value")}
    linear |= {f"linear_num_{what}_heads": 2 for what in ("key", "value")}
    layers = ["linear_attention", "full_attention"]
    rope = {**ROPE, "mrope_interleaved": True, "partial_rotary_factor": 1.0}
    config = tf.Qwen3_5Config(
        text_config=text(
            words, head_dim=16, num_hidden_layers=len(layers), layer_types=layers, rope_parameters=rope, **linear
        ),
        vision_config={**VISION, "patch_size": 16, "num_position_embeddings": 16},
        **_token_ids(words),
    )
    return tf.Qwen3_5ForConditionalGeneration(config), processor


def _words_and_processor_3() -> tuple[Any, Any]:
    import transformers as tf

    words = byte_tokenizer(*TOKENS)
    images, videos = tf.Qwen2VLImageProcessor(patch_size=16, size=SIZE), tf.Qwen3VLVideoProcessor(size=SIZE)
    return words, tf.Qwen3VLProcessor(images, words, videos, chat_template=_template())


def _template() -> str:
    image, video = (f"<|vision_start|><|{kind}_pad|><|vision_end|>" for kind in ("image", "video"))
    return chat_template(image, video)


def _token_ids(words: Any) -> dict[str, Any]:
    return ids(
        words,
        image_token_id="<|image_pad|>",
        video_token_id="<|video_pad|>",
        vision_start_token_id="<|vision_start|>",
        vision_end_token_id="<|vision_end|>",
    )
