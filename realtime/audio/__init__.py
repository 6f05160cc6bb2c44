"""Devices that take blocks: sound cards, JACK servers, and a silent device paced by the clock."""
