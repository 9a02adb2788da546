"""A person's verdict on a creative, kept so that the writer can learn from it."""
