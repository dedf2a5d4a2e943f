"""Retrieval on any data set in the paper's row format: our model, its baselines, and how sure the differences are."""
