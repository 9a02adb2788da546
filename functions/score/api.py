"""Scores for texts from anywhere: the public call, as the doors of generate and score offer it."""

import msgspec

from functions.common.batches import Part
from functions.common.records import Candidate, CandidateSet
from functions.common.serving.api import CreativesAnswer, ScoreRequest, request_batch
from functions.common.serving.metrics import Metrics
from functions.common.serving.modelled import Modelled
from functions.common.serving.openapi import Call, Operation
from functions.score import stage


def operation(models: Modelled, metrics: Metrics, paths: tuple[str, ...], scope: str) -> Operation:
    """The call at a door."""

    def score(asked: ScoreRequest, call: Call) -> CreativesAnswer:
        products = asked.named()
        with models.places.taken(len(products), call.caller.name):
            settings = asked.settings()
            lent = models.lent(call.ticket)
            texts = [Candidate(field=each.field, text=each.text) for each in asked.texts]
            sets = [
                CandidateSet(
                    product=product,
                    candidates=texts,
                    model_version="",
                    prompt_version="",
                    brand_version=settings.brand.version,
                )
                for product in products
            ]
            embedder = models.models.manifest("embedder").version
            batch = request_batch(msgspec.structs.replace(settings, embedder=embedder))
            made = [
                creative
                for number, each in enumerate(sets)
                for creative in stage.run(Part(batch, number, [each]), lent, lent.references).outputs[0].records
            ]
        for creative in made:
            metrics.creative(creative)
        return CreativesAnswer(creatives=made)

    return Operation(paths, "Hold texts against a product.", ScoreRequest, CreativesAnswer, scope, score)
