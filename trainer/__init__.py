"""Train sound-morphing models: from a folder of sounds to a checkpoint."""
