"""What looking at a part of a video costs in evidence, and saves in encoding."""
