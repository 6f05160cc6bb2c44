"""Devices that take blocks of sound: sound cards, JACK servers, and a silent device paced by the clock."""
