"""Reading, measures and distances of sounds, shared by the benchmarks of sound."""
