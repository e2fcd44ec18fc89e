"""From predictions to a clean canvas: temperature, acceptance, renoising, stopping. Knows a Denoiser, not a network."""
