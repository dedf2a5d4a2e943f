"""A vision-language model (VLM) answers from a selection. Importing this imports no VLM, torch or ``openai``."""

from clamr_select.answer.answer import Answer, Evidence, Usage, evidence
from clamr_select.answer.choices import ChoiceTally, parse_choice, tally_choices
from clamr_select.answer.conversation import Conversation
from clamr_select.answer.openai_client import Fallback, create_chat_completion
from clamr_select.answer.openai_vlm import OpenAIVlm
from clamr_select.answer.transformers_vlm import TransformersVlm
from clamr_select.answer.video_qa import VideoQA

__all__ = [
    "Answer",
    "ChoiceTally",
    "Conversation",
    "Evidence",
    "Fallback",
    "OpenAIVlm",
    "TransformersVlm",
    "Usage",
    "VideoQA",
    "create_chat_completion",
    "evidence",
    "parse_choice",
    "tally_choices",
]
