"""Files on disk to modules and back, in the Hugging Face layout."""
