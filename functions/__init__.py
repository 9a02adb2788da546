"""The product: one folder a stage, each a small function with a door of its own; `common` holds what they share."""

import os

# A part's table is so small that handing its columns from thread to thread costs more than the work on them; polars
# reads this when it is first imported.
os.environ.setdefault("POLARS_MAX_THREADS", "1")
