"""A vision-language model (VLM) answers from a selection."""
