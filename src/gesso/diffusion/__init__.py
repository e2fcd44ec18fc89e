"""The mathematics of uniform discrete diffusion: corruption, noise levels, losses. Knows nothing of networks."""
