"""What more than one command ends with."""

ENDED_BY_CTRL_C = 130
"""As shells have it."""
