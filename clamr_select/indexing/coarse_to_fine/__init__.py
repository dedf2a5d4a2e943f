"""Look at a part of a video first, and closely where the question's answer may be: cost that grows slower than time."""
