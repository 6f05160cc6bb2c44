"""Turn a folder of audio files into labelled, split and sampled training sounds, and compare sounds."""
