"""Where the tokens of a model lie: the mean over everyday questions, the same for every corpus of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from clamr_select.model.encoder import ClamrEncoder

QUESTIONS = (
    "Who is speaking, and about what?",
    "What is written on the sign beside the door?",
    "When does the teacher explain the second law?",
    "Where is the red car parked?",
    "How many people are sitting at the table?",
    "Why did the bridge close in winter?",
    "a dog runs along the beach",
    "a woman cuts onions in a kitchen",
    "two green triangles above a blue circle",
    "the title of the lecture on photosynthesis",
    "cooking with cast iron, part 3",
    "the goal in the last minute of the match",
    "Which city does the map show?",
    "What does the graph say about prices in 2019?",
    "the narrator mentions the harbour and the lighthouse",
    "how to change the chain of a bicycle",
    "a child plays the piano on a stage",
    "Is the light on when he leaves the room?",
    "minutes of the meeting, budget, questions from the floor",
    "the slide with the wiring diagram",
    "snow falls on an empty street at night",
    "what happens right after the engine starts",
    "an interview with the mayor about the flood",
    "number 47 on a yellow shirt",
)


def question_center(encoder: ClamrEncoder) -> tuple[float, ...]:
    """(dim,) mean of their tokens, to six digits: what a GPU and a CPU agree on, nearly."""
    encoded, _ = encoder.encode_query(QUESTIONS)
    return tuple(round(value, 6) for value in torch.cat(encoded).double().mean(dim=0).tolist())
