"""Many videos into a corpus: several processes, each video once, whatever ends in between."""
