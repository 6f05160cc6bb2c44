"""Times, memory, private JACK servers and programs, which the benchmarks of speed share."""
