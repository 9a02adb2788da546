"""Feedback's door: verdicts over HTTP, and the broker's dead letters."""

from flask import Request, Response

from functions.common.serving.door import Door
from functions.common.serving.metrics import Metrics
from functions.feedback.api import operation

metrics = Metrics("feedback")
door = Door("feedback", [operation(metrics, ("/v1/feedback", "/"))], metrics, dead_letters=True)


def handle(request: Request) -> Response:
    """The function."""
    return door(request)
