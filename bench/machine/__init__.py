"""Tools that the benchmarks of speed share: for times, memory, private JACK servers and programs."""
