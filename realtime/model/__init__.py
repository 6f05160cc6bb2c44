"""Model files: their schema and checks, the decoder, the encoder, and execution providers."""
