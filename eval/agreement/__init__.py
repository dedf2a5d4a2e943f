"""How far our selections agree with the ones the authors released."""
