"""Encoders that our model is compared with: towers of transformers' dual encoders, one vector a modality."""
