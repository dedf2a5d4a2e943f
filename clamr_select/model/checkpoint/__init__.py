"""Reading weights that others saved: canonical names, LoRA merged tensor by tensor, nothing left to chance."""
