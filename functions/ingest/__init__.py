"""A catalogue file or API becomes parts of products; rows that cannot be read go to quarantine."""
