"""What the Max patches are written from: `python -m max_patches.source` writes them again."""
