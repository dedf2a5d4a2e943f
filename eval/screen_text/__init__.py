"""How well and how fast text on screen is read."""
