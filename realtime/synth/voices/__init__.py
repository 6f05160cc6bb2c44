"""Voices: cached or decoded sound at the device rate, its timing, and the choice of the voice that ends."""
