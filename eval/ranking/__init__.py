"""What several benchmarks rank documents with: encoders over a pool, BM25, late fusion."""
