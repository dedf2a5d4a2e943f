"""What a task's documents say: the question, the options, the subtitles and the video."""
