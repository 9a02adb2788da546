"""What schemas cannot see: whether the manifests fit each other and the code."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from functions.common.brand import Brand, read_brand
from functions.common.platforms import chosen
from functions.common.records import PART_ROWS
from functions.common.version import __version__
from tests.knative.manifests import FUNCTIONS, Document, containers, of_kind, ours, pods, services, variables

API_VERSIONS = {
    "serving.knative.dev/v1",
    "serving.knative.dev/v1beta1",
    "eventing.knative.dev/v1",
    "sources.knative.dev/v1",
    "secrets-store.csi.x-k8s.io/v1",
    "networking.k8s.io/v1",
    "rbac.authorization.k8s.io/v1",
    "apps/v1",
    "batch/v1",
    "v1",
}
"""Those of Knative 1.23, of the secrets driver, and of Kubernetes itself."""

ANNOTATIONS = {"eventing.knative.dev/broker.class"} | {
    f"autoscaling.knative.dev/{name}"
    for name in ("class", "metric", "target", "min-scale", "max-scale", "scale-to-zero-pod-retention-period")
}
GIVEN_BY_CLUSTER = {"kube-root-ca.crt"}
"""ConfigMaps that Kubernetes puts into every namespace."""

SECRETS = "/run/secrets/adloom/"


def annotations(node: Any) -> Iterator[str]:
    """Every annotation's name, at any depth."""
    if isinstance(node, dict):
        if isinstance(node.get("metadata"), dict):
            yield from node["metadata"].get("annotations", {})
        for value in node.values():
            yield from annotations(value)


def test_every_document_has_an_api_version_that_is_known(documents: list[Document]) -> None:
    assert {d["apiVersion"] for d in documents} <= API_VERSIONS


def test_each_function_is_a_knative_service(documents: list[Document]) -> None:
    assert set(services(documents)) == FUNCTIONS


def test_every_annotation_is_one_that_knative_reads(documents: list[Document]) -> None:
    found = {name for document in documents for name in annotations(document)}
    assert "autoscaling.knative.dev/class" in found
    assert found <= ANNOTATIONS


def test_everything_of_an_overlay_lies_in_one_namespace(documents: list[Document]) -> None:
    (namespace,) = of_kind(documents, "Namespace")
    apart = {"Namespace", "ClusterRoleBinding"}
    assert {d["metadata"].get("namespace") for d in documents if d["kind"] not in apart} == {namespace}


def test_every_variable_that_a_container_is_given_is_in_the_table_for_it(
    documents: list[Document], environment: dict[str, dict[str, Any]]
) -> None:
    strangers = [
        f"{name}: {variable}"
        for name, _, container in containers(documents)
        if ours(container)
        for variable in variables(documents, container)
        if name not in environment.get(variable, {}).get("functions", [])
    ]
    assert not strangers


def test_every_variable_without_a_default_is_given(
    documents: list[Document], environment: dict[str, dict[str, Any]]
) -> None:
    given = {name: variables(documents, container) for name, _, container in containers(documents) if ours(container)}
    missing = [
        f"{function}: {variable}"
        for variable, entry in environment.items()
        if "default" not in entry and entry["given_by"] == "settings"
        for function in entry["functions"]
        if not given[function].get(variable)
    ]
    assert not missing


def test_the_settings_of_a_batch_are_such_as_the_code_accepts(documents: list[Document], tmp_path: Path) -> None:
    maps = of_kind(documents, "ConfigMap")
    settings = next(m["data"] for name, m in maps.items() if name.startswith("adloom-batches-"))
    brand = next(m["data"] for name, m in maps.items() if name.startswith("adloom-brand-"))
    assert chosen(settings["ADLOOM_PLATFORMS"].split(","))
    assert 1 <= int(settings["ADLOOM_PART_ROWS"]) <= PART_ROWS
    assert 1 <= int(settings["ADLOOM_CANDIDATES"]) <= 16
    path = tmp_path / "brand.yaml"
    path.write_text(brand["brand.yaml"], encoding="utf-8")
    assert isinstance(read_brand(path), Brand)


def test_settings_that_are_paths_lie_in_a_volume(documents: list[Document]) -> None:
    lost = [
        f"{name}: {variable}={value}"
        for name, _, container in containers(documents)
        for variable, value in variables(documents, container).items()
        if variable.startswith("ADLOOM_")
        and value.startswith("/")
        and not any(value.startswith(mount["mountPath"] + "/") for mount in container["volumeMounts"])
    ]
    assert not lost


def test_every_secret_that_is_named_is_there(documents: list[Document]) -> None:
    classes = of_kind(documents, "SecretProviderClass")
    for name, pod, container in containers(documents):
        by_name = {volume["name"]: volume for volume in pod.get("volumes", [])}
        files = {v.removeprefix(SECRETS) for v in variables(documents, container).values() if v.startswith(SECRETS)}
        if "secrets" not in by_name:
            assert not files, name
            continue
        volume = by_name["secrets"]
        if "secret" in volume:  # Made by hand, on one machine; without it no key is accepted.
            assert volume["secret"]["optional"] is True
            continue
        provider = classes[volume["csi"]["volumeAttributes"]["secretProviderClass"]]
        offered = yaml.safe_load(provider["spec"]["parameters"]["secrets"])
        assert files <= {entry["path"] for entry in offered}, name


def test_every_config_map_account_and_volume_that_is_named_is_there(documents: list[Document]) -> None:
    maps = set(of_kind(documents, "ConfigMap")) | GIVEN_BY_CLUSTER
    accounts = set(of_kind(documents, "ServiceAccount"))
    for name, pod, container in containers(documents):
        named = {source["configMapRef"]["name"] for source in container.get("envFrom", [])}
        named |= {volume["configMap"]["name"] for volume in pod.get("volumes", []) if "configMap" in volume}
        assert named <= maps, name
        mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
        assert mounted == {volume["name"] for volume in pod.get("volumes", [])}, name
        if ours(container):
            assert pod["serviceAccountName"] == name
            assert name in accounts


def test_images_of_the_house_carry_the_version_and_others_a_tag(documents: list[Document]) -> None:
    for name, _, container in containers(documents):
        image, _, tag = container["image"].rpartition(":")
        if ours(container):
            assert image.endswith(f"/adloom/{name}")
            assert tag == __version__
        else:
            assert re.match(r"\d", tag), container["image"]


def test_kafka_differs_from_production_in_its_broker_only(
    kustomize: Callable[[str], list[Document]], production: list[Document]
) -> None:
    documents = kustomize("overlays/kafka")
    (broker,) = of_kind(documents, "Broker").values()
    assert broker["metadata"]["annotations"]["eventing.knative.dev/broker.class"] == "Kafka"
    config = of_kind(documents, "ConfigMap")[broker["spec"]["config"]["name"]]
    assert config["data"].keys() == {
        "bootstrap.servers",
        "default.topic.partitions",
        "default.topic.replication.factor",
    }
    assert [d for d in documents if d not in (broker, config)] == [d for d in production if d["kind"] != "Broker"]


def test_the_clusters_settings_let_through_what_the_functions_use(
    kustomize: Callable[[str], list[Document]], production: list[Document]
) -> None:
    settings = {
        d["metadata"]["namespace"]: d["data"] for d in kustomize("cluster") if "features" in d["metadata"]["name"]
    }
    used = {key for _, pod in pods(production) for volume in pod["volumes"] for key in volume}
    assert "csi" in used
    assert settings["knative-serving"]["kubernetes.podspec-volumes-csi"] == "enabled"
    assert settings["knative-eventing"]["authentication-oidc"] == "enabled"
