"""Turns commands into blocks: mixer, voices, output stage and plugins, without threads or clocks."""
