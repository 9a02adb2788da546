"""Errors as a caller gets them: ``application/problem+json``, RFC 9457."""

from http import HTTPStatus

import msgspec

from functions.common.errors import AdloomError, InputError, ModelError, NotFoundError, PassingError
from functions.common.records import Record

MEDIA_TYPE = "application/problem+json"

BUSY = HTTPStatus.TOO_MANY_REQUESTS


class Report(Record, frozen=True, kw_only=True, omit_defaults=True):
    """The body of an error.

    Attributes:
        title: the kind of problem, the same for each of its kind.
        detail: what was found, and what to do about it.
        request_id: by which the request is found in the log.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    request_id: str = ""


class Problem(Exception):  # noqa: N818 - the name that RFC 9457 gives it
    """A request that gets an error for an answer.

    Attributes:
        status: of the answer.
        detail: for the caller; holds nothing that the caller may not know.
        headers: that the answer gets besides.
    """

    def __init__(self, status: HTTPStatus, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def body(self, request_id: str) -> bytes:
        """The problem as JSON."""
        report = Report(title=self.status.phrase, status=self.status, detail=self.detail, request_id=request_id)
        return msgspec.json.encode(report)


def problem_of(error: Exception) -> Problem:
    """What a fault comes to for the caller; of a fault nobody foresaw the caller learns nothing."""
    match error:
        case Problem():
            return error
        case NotFoundError():
            return Problem(HTTPStatus.NOT_FOUND, str(error))
        case InputError():
            return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        case PassingError() | ModelError():
            return Problem(HTTPStatus.SERVICE_UNAVAILABLE, _public(error), Retry_After="10")
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong here; the log tells what, by the request id")


def _public(error: AdloomError) -> str:
    what = "the model is not there" if isinstance(error, ModelError) else "something that this needs did not answer"
    return f"{what}; try again"
