"""Voices, each of which plays the sound of a hit: decoding, cached sounds, resampling, timing, polyphony."""
