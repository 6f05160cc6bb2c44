"""The variational autoencoders: encoders, decoders, classifiers and the layers they are made of."""
