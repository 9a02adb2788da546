"""Candidates are gated, measured and selected into creatives: ready, needs_review or rejected."""
