"""Which event wakes whom, and how often it is tried: Knative's Triggers, read from the manifests.

The fields: https://knative.dev/docs/eventing/triggers/ and https://knative.dev/docs/eventing/event-delivery/.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from functions.common.errors import InputError

FOLDER = Path(__file__).parents[2] / "knative" / "base"
"""The manifests that are deployed."""

Document = dict[str, Any]

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?")


@dataclass(frozen=True)
class Delivery:
    """How an event is tried.

    Attributes:
        retry: tries after the first.
        policy: ``exponential`` or ``linear``.
        delay: seconds that the policy starts from.
        dead_letter: function and path for what fails for good; empty where none is named.
    """

    retry: int = 0
    policy: str = "exponential"
    delay: float = 0.0
    dead_letter: tuple[str, str] = ("", "")

    def wait(self, failed: int) -> float:
        """Seconds until the next try after so many have failed, as Knative counts them."""
        return self.delay * (2.0 ** (failed - 1) if self.policy == "exponential" else failed - 1)


@dataclass(frozen=True)
class Trigger:
    """Who is woken by what.

    Attributes:
        filters: all of which an event must pass, in Knative's form.
        function: the Service that is woken, and ``path`` below its address.
    """

    name: str
    filters: list[Document]
    function: str
    path: str
    delivery: Delivery

    def wants(self, attributes: Mapping[str, str]) -> bool:
        """Whether an event with these attributes passes the filters."""
        return all(passes(test, attributes) for test in self.filters)


@dataclass(frozen=True)
class Function:
    """What a Knative Service says of itself that matters on one machine too.

    Attributes:
        concurrency: requests that it takes at once; 0 is no limit.
        timeout: seconds that a request may take.
        environment: variables that its container gets of its own.
    """

    name: str
    concurrency: int
    timeout: float
    environment: dict[str, str]


@dataclass(frozen=True)
class Manifests:
    """What the router and its machine take from the folder of manifests."""

    triggers: list[Trigger]
    functions: dict[str, Function]


def read_manifests(folder: Path = FOLDER) -> Manifests:
    """The Triggers of a folder, and the functions that they and their dead-letter sinks name.

    Raises:
        InputError: there are none, or one asks for what is not understood.
    """
    documents = [document for path in sorted(folder.glob("*.yaml")) for document in _documents(path)]
    brokers = {d["metadata"]["name"]: d for d in _of_kind(documents, "Broker", "eventing.knative.dev/")}
    triggers = [_trigger(d, brokers) for d in _of_kind(documents, "Trigger", "eventing.knative.dev/")]
    if not triggers:
        raise InputError(f"{folder}: no Triggers here; name the folder of the manifests")
    functions = {d["metadata"]["name"]: _function(d) for d in _of_kind(documents, "Service", "serving.knative.dev/")}
    named = {t.function for t in triggers} | {t.delivery.dead_letter[0] for t in triggers} - {""}
    if unknown := sorted(named - set(functions)):
        raise InputError(f"{folder}: a Trigger names {unknown[0]!r}, and no Service has that name")
    return Manifests(triggers, functions)


def passes(test: Document, attributes: Mapping[str, str]) -> bool:
    """Whether attributes pass one filter of a known dialect."""
    ((dialect, wanted),) = test.items()
    if dialect == "all":
        return all(passes(inner, attributes) for inner in wanted)
    if dialect == "any":
        return any(passes(inner, attributes) for inner in wanted)
    if dialect == "not":
        return not passes(wanted, attributes)
    return all(name in attributes and _COMPARE[dialect](attributes[name], text) for name, text in wanted.items())


_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "exact": operator.eq,
    "prefix": str.startswith,
    "suffix": str.endswith,
}


def _documents(path: Path) -> list[Document]:
    try:
        found = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read as YAML ({error})") from error
    return [document for document in found if isinstance(document, dict) and "kind" in document]


def _of_kind(documents: list[Document], kind: str, api: str) -> list[Document]:
    return [d for d in documents if d["kind"] == kind and d["apiVersion"].startswith(api)]


def _trigger(document: Document, brokers: dict[str, Document]) -> Trigger:
    name, spec = document["metadata"]["name"], document["spec"]
    if spec["broker"] not in brokers:
        raise InputError(f"Trigger {name}: there is no Broker {spec['broker']!r} in the manifests")
    filters = spec.get("filters") or [{"exact": test} for test in [spec.get("filter", {}).get("attributes")] if test]
    for test in filters:
        _known(name, test)
    function, path = _reference(name, spec["subscriber"])
    inherited = brokers[spec["broker"]].get("spec", {}).get("delivery", {})
    return Trigger(name, filters, function, path, _delivery(name, spec.get("delivery") or inherited))


def _known(name: str, test: Document) -> None:
    """InputError for a filter of a dialect that is not understood."""
    if len(test) != 1 or not set(test) <= {*_COMPARE, "all", "any", "not"}:
        raise InputError(f"Trigger {name}: filter {test} is not understood; use exact, prefix, suffix, all, any or not")
    ((dialect, wanted),) = test.items()
    for inner in wanted if dialect in ("all", "any") else [wanted] if dialect == "not" else []:
        _known(name, inner)


def _reference(trigger: str, destination: Document) -> tuple[str, str]:
    reference = destination.get("ref", {})
    if reference.get("kind") != "Service" or not reference["apiVersion"].startswith("serving.knative.dev/"):
        raise InputError(f"Trigger {trigger}: {destination} is no Knative Service, and only those run here")
    return reference["name"], destination.get("uri", "/")


def _delivery(trigger: str, spec: Document) -> Delivery:
    sink = spec.get("deadLetterSink")
    return Delivery(
        retry=int(spec.get("retry", 0)),
        policy=spec.get("backoffPolicy", "exponential"),
        delay=_seconds(trigger, spec.get("backoffDelay", "PT0S")),
        dead_letter=_reference(trigger, sink) if sink else ("", ""),
    )


def _seconds(trigger: str, text: str) -> float:
    found = _DURATION.fullmatch(text)
    if not found:
        raise InputError(f"Trigger {trigger}: backoffDelay {text!r} is no ISO 8601 duration; write it as PT1S")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _function(document: Document) -> Function:
    spec = document["spec"]["template"]["spec"]
    own = {entry["name"]: entry["value"] for entry in spec["containers"][0].get("env", []) if "value" in entry}
    return Function(
        document["metadata"]["name"],
        int(spec.get("containerConcurrency", 0)),
        float(spec.get("timeoutSeconds", 300)),
        own,
    )
