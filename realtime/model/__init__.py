"""Models: schema and checks of their files, decoder, encoder, and calculations in the latent space."""
