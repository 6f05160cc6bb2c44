"""Devices that take blocks of sound: sound cards, JACK servers, plugins in a DAW, and a silent device."""
