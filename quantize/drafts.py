"""The texts that a writer wrote for the corpus's products itself, kept as JSON Lines."""

from functions.common.records import Record, Voice


class Draft(Record, frozen=True, kw_only=True):
    """A text that the writer wrote itself."""

    slot: str
    voice: Voice
    text: str


class Drafts(Record, frozen=True, kw_only=True):
    """What the writer wrote for a product of the corpus, the worst first."""

    id: str
    texts: list[Draft]
