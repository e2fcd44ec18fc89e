"""The network: one stack of layers with two modes, encode and denoise."""
