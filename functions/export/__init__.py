"""A batch leaves the house: creatives as JSON Lines and CSV, and a report that opens in any browser with no server."""
