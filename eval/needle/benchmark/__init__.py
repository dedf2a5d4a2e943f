"""The needle benchmark: CLaMR and what it is compared with, on the same encoder and the same made-up videos."""
