"""Canvases that are always valid: regular expressions, choices and JSON Schema as automata over tokens."""
