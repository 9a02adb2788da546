"""Valid products become candidate texts, written by the language model."""
