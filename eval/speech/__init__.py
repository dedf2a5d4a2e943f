"""How well speech is recognised: words wrong, and how far off their times are."""
