"""How long a document should be: candidates encoded jointly, measured on unseen words."""
