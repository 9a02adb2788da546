"""What the stages share: records, platforms, brand, storage, ledger, language model. It imports no stage."""
