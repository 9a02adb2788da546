"""The events that carry a batch from stage to stage: the names of their types, and what a part's event says.

CloudEvents 1.0. A type ends in the version of its data: a change that an older reader would misread gets a new one.
"""

from functions.common.records import Record

CATALOGUE_LANDED = "google.cloud.storage.object.v1.finalized"
"""The bucket: an object was written; below ``landing/`` it is a catalogue."""

PART_INGESTED = "ai.adloom.part.ingested.v1"
PART_VALIDATED = "ai.adloom.part.validated.v1"
PART_GENERATED = "ai.adloom.part.generated.v1"
PART_SCORED = "ai.adloom.part.scored.v1"

TYPES = (CATALOGUE_LANDED, PART_INGESTED, PART_VALIDATED, PART_GENERATED, PART_SCORED)
"""Every type, in the order of the flow."""


class PartRef(Record, frozen=True, kw_only=True):
    """Where a part lies; the data of every part's event, which never carries the rows themselves.

    Attributes:
        uri: the part's object, as ``gs://bucket/products/<batch_id>/part-00000.parquet``.
        part: its number in the batch, counted from 0.
        rows: records in it.
        sha256: of the object's bytes, hexadecimal.
    """

    uri: str
    batch_id: str
    part: int
    rows: int
    sha256: str
