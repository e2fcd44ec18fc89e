"""Several processes that share the work of a run: fully sharded weights (FSDP2) under torchrun."""
