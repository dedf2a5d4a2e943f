"""What smaller embeddings cost in evidence, and save in room."""
