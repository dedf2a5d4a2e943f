"""Pure functions on tensors: tokens in, scores out. No model, no video."""
