"""Score's door."""

from typing import Any

from flask import Request, Response

from functions.common.batches import Part, StageResult
from functions.common.events import PART_GENERATED, PART_SCORED
from functions.common.records import CandidateSet
from functions.common.serving.door import Door
from functions.common.serving.gatekeeper import BROKER
from functions.common.serving.metrics import Metrics
from functions.common.serving.modelled import Modelled
from functions.common.serving.parts import PartStage
from functions.common.serving.waiting import Ticket
from functions.score import stage
from functions.score.api import operation

metrics = Metrics("score")
models = Modelled(metrics, "score", stage.prepare)


def score(part: Part[Any], ticket: Ticket) -> StageResult:
    """The stage, with the models as the ticket's holder has them."""
    models.check(part.batch)
    with models.parts.taken(1, BROKER.name):
        lent = models.lent(ticket)
        result = stage.run(part, lent, lent.references)
    for creative in result.outputs[0].records:
        metrics.creative(creative)
    return result


door = Door(
    "score",
    [operation(models, metrics, ("/", "/v1/score"), "inner")],
    metrics,
    events={PART_GENERATED: PartStage("score", ("creatives", CandidateSet), PART_SCORED, score).take},
    warm=models.warm,
)


def handle(request: Request) -> Response:
    """The function."""
    return door(request)
