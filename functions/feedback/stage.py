"""Feedback: a verdict becomes a record under ``feedback/``, written once, beside the ad that it is about.

A verdict that changes a text, or refuses one, is half of a training pair; the other half is the ad that was shown. An
ad that was asked for over HTTP is kept with its product when it is given; one of a batch is found under ``scored/``.
"""

from typing import Annotated, Any, ClassVar, Literal, get_args

import msgspec
from msgspec import Meta

from functions.common.batches import encode
from functions.common.errors import InputError
from functions.common.records import Creative, Field, Product, Record, digest
from functions.common.storage import Store


class Verdict(Record, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a person says of a creative.

    Attributes:
        creative_id: of the creative.
        verdict: ``edited``: good once changed as ``fields`` says.
        fields: field -> texts as they should be; with ``edited`` only.
        reason: why, in the person's words.
        batch_id: of the batch that the creative is from; empty where it was asked for over HTTP.
    """

    rules: ClassVar[dict[str, Any]] = {
        "allOf": [{"properties": {"fields": {"propertyNames": {"enum": list(get_args(Field))}}}}],
        "if": {"properties": {"verdict": {"const": "edited"}}},
        "then": {"required": ["fields"], "properties": {"fields": {"minProperties": 1}}},
        "else": {"properties": {"fields": {"maxProperties": 0}}},
    }

    creative_id: Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$(?!\n)")]
    verdict: Literal["approved", "edited", "rejected"]
    fields: Annotated[
        dict[
            Field,
            Annotated[list[Annotated[str, Meta(min_length=1, max_length=2000)]], Meta(min_length=1, max_length=20)],
        ],
        Meta(max_length=6),
    ] = {}
    reason: Annotated[str, Meta(max_length=2000)] = ""
    batch_id: Annotated[str, Meta(pattern=r"^([0-9a-f]{16})?$(?!\n)")] = ""


class Feedback(Record, frozen=True, kw_only=True):
    """A verdict as it is kept.

    Attributes:
        feedback_id: hash of the verdict and of who gave it: the same one twice is one.
        by: key or subject of who gave it.
    """

    feedback_id: str
    by: str
    verdict: Verdict


class Shown(Record, frozen=True, kw_only=True):
    """A creative as it was given to whoever asked, with the product that it is for."""

    product: Product
    creative: Creative


def keep_verdict(store: Store, verdict: Verdict, by: str) -> Feedback:
    """Keep a verdict, once; InputError where it contradicts itself."""
    if (verdict.verdict == "edited") != bool(verdict.fields):
        raise InputError(f"verdict {verdict.verdict!r}: give fields with edited, and with nothing else")
    feedback = Feedback(feedback_id=digest(verdict, by), by=by, verdict=verdict)
    store.create(f"feedback/{verdict.creative_id}/{feedback.feedback_id}.json", encode(feedback))
    return feedback


def keep_shown(store: Store, product: Product, creative: Creative) -> None:
    """Keep a creative that was given, for a verdict to refer to."""
    shown = Shown(product=product, creative=creative)
    store.create(f"feedback/{creative.creative_id}/shown.json", encode(shown))


def verdicts(store: Store, creative_id: str) -> list[Feedback]:
    """All verdicts on a creative."""
    names = [name for name in store.names(f"feedback/{creative_id}") if not name.endswith("/shown.json")]
    return [msgspec.json.decode(store.read(name), type=Feedback) for name in names]
