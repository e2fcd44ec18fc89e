"""Training: text to batches, batches to losses, losses to weights."""
