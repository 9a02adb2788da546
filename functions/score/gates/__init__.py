"""The gates: small functions that yield a finding for whatever makes a text unusable; `registry` names them all."""
