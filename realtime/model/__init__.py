"""Model files: schema, checks, decoder, encoder and execution providers."""
