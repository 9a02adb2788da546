"""Questions that many tests ask of rendered manifests."""

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]

FUNCTIONS = {"ingest", "validate", "generate", "score", "feedback"}
KNATIVE_SERVICE = ("serving.knative.dev/v1", "Service")
WORKLOADS = {"Deployment", "Job"}


def of_kind(documents: list[Document], kind: str, api: str = "") -> dict[str, Document]:
    """Name -> document, for one kind."""
    found = [d for d in documents if d["kind"] == kind and d["apiVersion"].startswith(api)]
    return {d["metadata"]["name"]: d for d in found}


def services(documents: list[Document]) -> dict[str, Document]:
    """The functions."""
    return of_kind(documents, "Service", "serving.knative.dev/")


def pods(documents: list[Document]) -> Iterator[tuple[str, Document]]:
    """Name and pod specification of everything that runs."""
    for document in documents:
        if (document["apiVersion"], document["kind"]) == KNATIVE_SERVICE or document["kind"] in WORKLOADS:
            yield document["metadata"]["name"], document["spec"]["template"]["spec"]


def containers(documents: list[Document]) -> Iterator[tuple[str, Document, Document]]:
    """Name, pod and container of everything that runs."""
    for name, pod in pods(documents):
        for container in pod["containers"]:
            yield name, pod, container


def ours(container: Document) -> bool:
    """Whether the container is one of Adloom's images."""
    return "/adloom/" in container["image"]


def variables(documents: list[Document], container: Document) -> dict[str, str]:
    """What a container's environment is set to, ConfigMaps unfolded."""
    maps = of_kind(documents, "ConfigMap")
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= maps[source["configMapRef"]["name"]]["data"]
    return found | {entry["name"]: entry["value"] for entry in container.get("env", [])}
