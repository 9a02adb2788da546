"""Validate's door."""

from typing import Annotated

from flask import Request, Response
from msgspec import Meta

from functions.common.batches import Part, Settings
from functions.common.events import PART_INGESTED, PART_VALIDATED
from functions.common.records import Product, Quarantined, Record
from functions.common.serving.api import MOST_PRODUCTS, Asked, ProductIn, request_batch
from functions.common.serving.door import Door
from functions.common.serving.metrics import Metrics
from functions.common.serving.openapi import Call, Operation
from functions.common.serving.parts import PartStage
from functions.validate import stage


class ValidateRequest(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Products to hold against the contract."""

    products: Annotated[list[ProductIn], Meta(min_length=1, max_length=MOST_PRODUCTS)]


class ValidateAnswer(Record, frozen=True, kw_only=True):
    """Which of them keep it, and what the others break."""

    valid: list[Product]
    quarantined: list[Quarantined]


def validate(asked: ValidateRequest, _: Call) -> ValidateAnswer:
    """Hold products against the contract."""
    products = Asked(products=asked.products).named()
    valid, quarantined = stage.run(Part(request_batch(Settings(platforms=[])), 0, products)).outputs
    return ValidateAnswer(valid=list(valid.records), quarantined=list(quarantined.records))


part = PartStage("validate", ("products", Product), PART_VALIDATED, lambda each, _: stage.run(each))
door = Door(
    "validate",
    [Operation(("/",), "Hold products against the contract.", ValidateRequest, ValidateAnswer, "inner", validate)],
    Metrics("validate"),
    events={PART_INGESTED: part.take},
)


def handle(request: Request) -> Response:
    """The function."""
    return door(request)
