"""Weights in few bits: schemes, the layers that compute with them, and networks made of these."""
