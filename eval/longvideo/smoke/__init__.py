"""A small world in which every run can be tried without weights, videos or network: barcodes, tiny models, and data
sets whose documents have the fields of the real ones."""
