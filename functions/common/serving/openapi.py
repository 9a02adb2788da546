"""What a door offers, as an OpenAPI 3.1 document made from its types, and as a page."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from functions.common.records import Record
from functions.common.serving import problems
from functions.common.serving.answers import HEADER
from functions.common.serving.api import Health
from functions.common.serving.gatekeeper import Caller
from functions.common.serving.waiting import Ticket
from functions.common.version import __version__


@dataclass(frozen=True)
class Call:
    """Who makes a request, and how long they wait."""

    caller: Caller
    ticket: Ticket


@dataclass(frozen=True)
class Operation:
    """Something that can be asked of a door by a plain POST.

    Attributes:
        paths: where; the first is the one that is shown.
        takes, gives: the JSON bodies.
        scope: that the caller needs.
        status: of the answer.
    """

    paths: tuple[str, ...]
    summary: str
    takes: type[Record]
    gives: type[Record]
    scope: str
    run: Callable[[Any, Call], Record]
    status: HTTPStatus = HTTPStatus.OK

    @property
    def public(self) -> bool:
        """Whether it is part of the API, and takes idempotency keys."""
        return self.scope != "inner"


_PROBLEMS = {
    400: "The request is malformed.",
    401: "It is not said who asks, or wrongly.",
    403: "Whoever asks may not.",
    404: "What is asked for is not there.",
    408: "The body was too slow.",
    409: "A request with this idempotency key is under way.",
    413: "The body is too large.",
    415: "The body is no JSON.",
    422: "The body is JSON, and not what is taken.",
    429: "Too many requests, or as much is under way as can be; Retry-After says when to come again.",
    500: "Something went wrong here.",
    503: "Something that this needs did not answer; Retry-After says when to come again.",
    504: "It took too long.",
}


def document(function: str, operations: Sequence[Operation]) -> dict[str, Any]:
    """The OpenAPI document of a door."""
    kinds = [kind for each in operations for kind in (each.takes, each.gives)]
    _, components = msgspec.json.schema_components(
        [*kinds, problems.Report, Health], ref_template="#/components/schemas/{name}"
    )
    public = any(each.public for each in operations)
    for kind in kinds:
        components[kind.__name__] |= getattr(kind, "rules", {})  # What a type alone cannot say.
    paths: dict[str, Any] = {path: {"post": _post(each, path)} for each in operations for path in each.paths}
    for path, summary in (("/healthz", "Whether the process lives."), ("/readyz", "Whether it can be asked.")):
        paths[path] = {"get": _get(path, summary)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Adloom: {function}",
            "version": __version__,
            "description": "Ad creatives for the products of a shop.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                **({"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}} if public else {}),
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
        "security": [*([{"key": []}] if public else []), {"token": []}],
    }


def _post(each: Operation, path: str) -> dict[str, Any]:
    answers: dict[str, Any] = {
        str(int(each.status)): {
            "description": each.status.phrase,
            "headers": _headers(each),
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{each.gives.__name__}"}}},
        }
    }
    answers |= {str(code): _problem(said) for code, said in _PROBLEMS.items()}
    operation: dict[str, Any] = {
        "operationId": f"{each.takes.__name__}{'' if path == each.paths[0] else 'Root'}",
        "summary": each.summary,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{each.takes.__name__}"}}},
        },
        "responses": answers,
    }
    if each.public:
        what = "The same key with the same body gets the same answer for a day."
        schema = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"}
        operation["parameters"] = [{"name": HEADER, "in": "header", "description": what, "schema": schema}]
    return operation


def _headers(each: Operation) -> dict[str, Any]:
    text = {"schema": {"type": "string"}}
    found: dict[str, Any] = {"X-Request-Id": {"description": "By which the log knows the request.", **text}}
    if each.public:
        found |= {f"RateLimit-{name}": text for name in ("Limit", "Remaining", "Reset")}
        found |= {"Idempotency-Replayed": {"description": "true where an answer is given again.", **text}}
    return found


def _problem(said: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Report"}
    return {"description": said, "content": {problems.MEDIA_TYPE: {"schema": schema}}}


def _get(path: str, summary: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Health"}
    good = {"description": "Yes.", "content": {"application/json": {"schema": schema}}}
    answers = {
        "200": good,
        "400": _problem(_PROBLEMS[400]),
        "403": _problem(_PROBLEMS[403]),
        "503": _problem("Not yet."),
    }
    return {"operationId": path.strip("/"), "summary": summary, "security": [], "responses": answers}


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a;
  background: #fff; }}
h2 code {{ background: #e8eef7; padding: .1em .4em; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #ddd; }}
a {{ color: #0b57a4; }}
</style></head><body><h1>{title}</h1>
<p>Version {version}. The whole document is <a href="openapi.json">openapi.json</a>. Requests need an API key in
<code>X-API-Key</code>, or a token in <code>Authorization: Bearer</code>.</p>
{operations}<h2>Types</h2>{types}</body></html>
"""


def page(found: dict[str, Any]) -> str:
    """The document as a page that needs nothing from elsewhere, and no script."""
    operations = "".join(
        f"<h2><code>{method.upper()} {html.escape(path)}</code></h2><p>{html.escape(each['summary'])}</p>"
        + _table(((code, answer["description"]) for code, answer in each["responses"].items()), "Answer", "When")
        for path, methods in found["paths"].items()
        for method, each in methods.items()
    )
    types = "".join(
        f'<h3 id="{name}">{name}</h3><p>{html.escape(str(schema.get("description", "")))}</p>'
        + _table(((field, _shape(shape)) for field, shape in schema.get("properties", {}).items()), "Field", "What")
        for name, schema in found["components"]["schemas"].items()
    )
    info = found["info"]
    return _PAGE.format(title=html.escape(info["title"]), version=info["version"], operations=operations, types=types)


def _table(rows: Any, left: str, right: str) -> str:
    cells = "".join(f"<tr><td><code>{html.escape(a)}</code></td><td>{html.escape(b)}</td></tr>" for a, b in rows)
    return f"<table><tr><th>{left}</th><th>{right}</th></tr>{cells}</table>"


def _shape(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_shape(each) for each in schema["anyOf"])
    limits = [f"{word} {schema[key]}" for key, word in _LIMITS.items() if key in schema]
    items = f" of {_shape(schema['items'])}" if "items" in schema else ""
    named = ": " + ", ".join(map(str, schema["enum"])) if "enum" in schema else ""
    return f"{schema.get('type', 'any')}{items}{named}{' (' + ', '.join(limits) + ')' if limits else ''}"


_LIMITS = {
    "minLength": "at least",
    "maxLength": "at most",
    "minimum": "from",
    "maximum": "to",
    "maxItems": "at most",
    "pattern": "form",
}
