"""Results as the plain JSON that the page draws. Text stays text: the page never makes HTML of it."""
