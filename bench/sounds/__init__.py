"""Reading sounds, and measures and distances of them, which the benchmarks of sound share."""
