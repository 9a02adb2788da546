"""Every rendered document against the schema of its kind, with no field that the schema does not know."""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.knative.conftest import KNATIVE, OVERLAYS
from tests.knative.manifests import Document, of_kind

KUBERNETES = "1.34"
"""The oldest that Knative 1.23 runs on."""

OTHERS = ("knative.dev/", "secrets-store.csi.x-k8s.io/")
"""Groups whose kinds are not of Kubernetes itself."""

SECRETS = json.loads((Path(__file__).parent / "schemas" / "secret-provider-class.json").read_text(encoding="utf-8"))


def secret_faults(document: Document) -> Iterator[str]:
    """What the secrets driver would not take, or pass over."""
    faults = list(Draft202012Validator(SECRETS).iter_errors(document))
    if not faults:
        held = yaml.safe_load(document["spec"]["parameters"]["secrets"])
        faults = list(Draft202012Validator(SECRETS["$defs"]["secrets"]).iter_errors(held))
    yield from (fault.message for fault in faults)


def test_kinds_of_kubernetes_have_the_fields_of_their_schemas(documents: list[Document]) -> None:
    ours = [d for d in documents if not any(group in d["apiVersion"] for group in OTHERS)]
    assert {"Namespace", "ConfigMap", "Deployment", "NetworkPolicy"} <= {d["kind"] for d in ours}
    for document in ours:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_a_field_that_kubernetes_does_not_know_is_found(production: list[Document]) -> None:
    puller = copy.deepcopy(of_kind(production, "Deployment")["puller"])
    puller["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(puller, KUBERNETES, strict=True)


def test_secret_classes_have_the_fields_of_their_kind(overlay: str, documents: list[Document]) -> None:
    found = of_kind(documents, "SecretProviderClass").values()
    assert len(found) == (0 if overlay == "local" else 1)
    assert [fault for document in found for fault in secret_faults(document)] == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("provider: gke", "provider: gcp"),
        ("parameters:", "parameter:"),
        ("secrets: |", "secret: |"),
        ("spec:", "secretObjects: []\nspec:"),
        ("path:", "file:"),
        ("path: api-keys.json", "path: ../api-keys.json"),
        ("versions/latest", "version/latest"),
    ],
)
def test_a_secret_class_that_the_driver_would_not_take_is_found(before: str, after: str) -> None:
    text = (KNATIVE / "overlays/production/secrets.yaml").read_text(encoding="utf-8")
    assert not list(secret_faults(yaml.safe_load(text)))
    assert before in text
    assert list(secret_faults(yaml.safe_load(text.replace(before, after, 1))))


def test_a_strict_checker_finds_no_fault(kustomize: Callable[[str], list[Document]], tmp_path: Path) -> None:
    checker = os.environ.get("ADLOOM_CHECK_MANIFESTS")
    if not checker:
        pytest.skip("ADLOOM_CHECK_MANIFESTS names no program that checks Knative's kinds against their schemas")
    # The secrets driver's kind has a schema of our own, above.
    known = [d for name in OVERLAYS for d in kustomize(f"overlays/{name}") if d["kind"] != "SecretProviderClass"]
    path = tmp_path / "overlays.yaml"
    path.write_text(yaml.safe_dump_all(known), encoding="utf-8")
    command = [sys.executable, checker, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == f"{len(known)} passed, 0 failed"
