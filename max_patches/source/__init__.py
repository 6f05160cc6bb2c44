"""The source of the Max patches and the layouts for tablets; `python -m max_patches.source` writes both."""
