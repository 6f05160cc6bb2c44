"""Components of recorded drums: their layout, their analysis, and their variation in training."""
