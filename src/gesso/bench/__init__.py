"""How fast things are: a server seen from outside, a model, the engine, a step, and the peers."""
