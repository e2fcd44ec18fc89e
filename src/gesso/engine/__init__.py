"""Requests to events: token ids in, canvases out. Knows nothing of text."""
