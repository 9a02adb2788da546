"""Generate's door, which is also the public API's: it writes, scores what it wrote, and takes verdicts."""

from typing import Any

import msgspec
from flask import Request, Response

from functions.common.batches import Part, Settings, StageResult
from functions.common.events import PART_GENERATED, PART_VALIDATED
from functions.common.records import Candidate, CandidateSet, Creative, Product
from functions.common.serving import settings
from functions.common.serving.api import CreativesAnswer, CreativesRequest, request_batch
from functions.common.serving.door import Door
from functions.common.serving.gatekeeper import BROKER
from functions.common.serving.metrics import Metrics
from functions.common.serving.modelled import Modelled
from functions.common.serving.openapi import Call, Operation
from functions.common.serving.parts import PartStage
from functions.common.serving.waiting import Lent, Ticket
from functions.feedback import api as verdicts
from functions.feedback.stage import keep_shown
from functions.generate import stage
from functions.generate.versions import settings_for
from functions.score import api as scoring
from functions.score import stage as score

metrics = Metrics("generate")
models = Modelled(metrics, "generate", score.prepare)


def creatives(asked: CreativesRequest, call: Call) -> CreativesAnswer:
    """Creatives for a few products."""
    products = asked.named()
    with models.places.taken(len(products) * asked.n, call.caller.name):
        lent = models.lent(call.ticket)
        made = [(each, creative) for each in products for creative in _made(each, asked, lent)]
        for product, creative in made:
            keep_shown(settings.store(), product, creative)
            metrics.creative(creative)
    return CreativesAnswer(creatives=[creative for _, creative in made])


def _made(product: Product, asked: CreativesRequest, lent: Lent) -> list[Creative]:
    """The creatives of one product; its variants are scored as one part, so that no two are the same.

    Where one is enough, it is made of few texts, and of many only where those do not make a ready one.
    """
    wanted = settings_for(models.models, asked.settings())
    drafted: list[Candidate] = []
    if asked.n == 1:
        draft = stage.draft_product(product, request_batch(wanted), lent)
        made = _scored([draft], wanted, lent)
        if all(creative.status == "ready" for creative in made):
            return made
        drafted = draft.candidates
    sets: list[CandidateSet] = []
    for variant in range(asked.n):
        batch = request_batch(msgspec.structs.replace(wanted, seed=wanted.seed + variant))
        written = stage.write_product(product, batch, lent)
        sets.append(msgspec.structs.replace(written, candidates=[*drafted, *written.candidates]))
    return _scored(sets, wanted, lent)


def _scored(sets: list[CandidateSet], wanted: Settings, lent: Lent) -> list[Creative]:
    return list(score.run(Part(request_batch(wanted), 0, sets), lent, lent.references).outputs[0].records)


def generate(part: Part[Any], ticket: Ticket) -> StageResult:
    """The stage, with the writer as the ticket's holder has it."""
    models.check(part.batch)
    with models.parts.taken(1, BROKER.name):
        return stage.run(part, models.lent(ticket))


door = Door(
    "generate",
    [
        Operation(
            ("/v1/creatives", "/"),
            "Write creatives for a product, or a few.",
            CreativesRequest,
            CreativesAnswer,
            "creatives",
            creatives,
        ),
        scoring.operation(models, metrics, ("/v1/score",), "score"),
        verdicts.operation(metrics, ("/v1/feedback",)),
    ],
    metrics,
    events={PART_VALIDATED: PartStage("generate", ("validated", Product), PART_GENERATED, generate).take},
    warm=models.warm,
)


def handle(request: Request) -> Response:
    """The function."""
    return door(request)
