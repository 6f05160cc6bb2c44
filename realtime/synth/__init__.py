"""Commands in, blocks out: mixer, voices, output stage and plugins, without threads or clocks."""
