"""The model's life: base weights, corpus, conversion to CTranslate2. Nothing here is imported by a serving image."""
