"""Texts over HTTP: the endpoints that OpenAI's, Anthropic's and llama.cpp's clients speak to."""
