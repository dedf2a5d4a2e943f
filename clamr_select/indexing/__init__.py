"""From a video to embeddings that answer many questions: joins video, context and model."""
