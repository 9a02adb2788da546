"""Verdicts: the public call, as the doors of generate and feedback offer it."""

from http import HTTPStatus

from functions.common.serving import settings
from functions.common.serving.metrics import Metrics
from functions.common.serving.openapi import Call, Operation
from functions.feedback.stage import Feedback, Verdict, keep_verdict


def operation(metrics: Metrics, paths: tuple[str, ...]) -> Operation:
    """The call at a door."""

    def verdict(given: Verdict, call: Call) -> Feedback:
        kept = keep_verdict(settings.store(), given, call.caller.name)
        metrics.verdict(given.verdict)
        return kept

    summary = "Say what a person thinks of a creative."
    return Operation(paths, summary, Verdict, Feedback, "feedback", verdict, HTTPStatus.CREATED)
