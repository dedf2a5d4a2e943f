"""What each stage costs, against its peers and against what the hardware can do."""
