"""Text in, text out: the object that `gesso.load` returns."""
