"""The variational autoencoders: encoders, decoders, classifiers and their layers."""
