"""The source of the Max patches; `python -m max_patches.source` writes them."""
