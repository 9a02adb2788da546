"""The product: one folder a stage, each a small function with a door of its own; `common` holds what they share."""
