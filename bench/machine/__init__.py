"""Tools of the benchmarks of speed: they measure time and memory, and start JACK servers and programs."""
