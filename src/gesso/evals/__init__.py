"""Evaluation: how likely a model finds texts, how well it writes, and how well it mends, each with its error bar."""
