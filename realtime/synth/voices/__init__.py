"""Voices: cached or decoded sound at the device rate, its timing, and voice stealing."""
