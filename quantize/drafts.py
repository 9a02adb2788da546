"""The texts that a writer wrote for the corpus's products itself, kept as JSON Lines; readers grade them."""

from typing import Annotated

import msgspec

from functions.common.records import Record, Voice


class Draft(Record, frozen=True, kw_only=True):
    """A text that the writer wrote itself.

    Attributes:
        grade: what a reader gave it: 0 false or no English, 1 not to be posted, 2 sound, 3 as good as can be; a text
            that a gate stops is 0. None until it is read.
    """

    slot: str
    voice: Voice
    text: str
    grade: Annotated[int, msgspec.Meta(ge=0, le=3)] | None = None


class Drafts(Record, frozen=True, kw_only=True):
    """What the writer wrote for a product of the corpus, the worst first."""

    id: str
    texts: list[Draft]
