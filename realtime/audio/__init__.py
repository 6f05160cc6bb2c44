"""Devices that take blocks of sound: sound cards, JACK servers, bridges, and a silent device."""
