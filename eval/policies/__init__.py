"""All policies at all budgets on files of scores: which frames show the evidence, and at what cost."""
