"""Components of recorded drums: how they are laid out, how they are found, and how they vary in training."""
