"""Procedural videos with four modalities: scenes of shapes, speech, on-screen text and metadata.

Everything here is made from a seed, so that training data and benchmark need no download and every question
carries a predicate that says exactly which frames answer it.
"""
