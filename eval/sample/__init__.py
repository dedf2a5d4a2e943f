"""A ten-minute sample video with sound, subtitles, on-screen text and four questions, made from code."""
