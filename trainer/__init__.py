"""Training of sound-morphing models: a folder of sounds in, a checkpoint out."""
