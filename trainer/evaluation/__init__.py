"""Measure a trained model on its test sounds and present the results."""
