"""Products are held against the contract; those that break it go to quarantine with rule, value and advice."""
