"""What a library of videos costs and finds: exactness, codes, two stages, growth, and a plan for many hours."""
