"""Text to token ids and back: tokenizer, chat format, streaming. No torch."""
