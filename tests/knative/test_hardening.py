"""What the functions may do, take and reach, and how they scale."""

import re
from collections.abc import Callable

import yaml

from tests.knative.manifests import FUNCTIONS, Document, containers, of_kind, ours, services, variables

AUTOSCALING = "autoscaling.knative.dev/"


def test_nothing_secret_is_rendered(documents: list[Document]) -> None:
    assert not of_kind(documents, "Secret")
    text = yaml.safe_dump(documents)
    assert "secretKeyRef" not in text
    assert not re.search(r"BEGIN [A-Z ]*PRIVATE KEY|://[^/\s]*:[^/\s]+@", text)


def test_every_container_states_what_it_needs_and_may_take(documents: list[Document]) -> None:
    for name, _, container in containers(documents):
        for bound in ("requests", "limits"):
            assert {"cpu", "memory"} <= set(container["resources"][bound]), name


def test_no_container_has_privileges(documents: list[Document]) -> None:
    for name, pod, container in containers(documents):
        context = pod.get("securityContext", {}) | container["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["runAsUser"] >= 10000, name
        assert context["allowPrivilegeEscalation"] is False, name
        assert context["readOnlyRootFilesystem"] is True, name
        assert context["capabilities"] == {"drop": ["ALL"]}, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"} & set(pod), name


def test_only_tmp_can_be_written_and_only_so_much(documents: list[Document]) -> None:
    for name, pod, container in containers(documents):
        by_name = {volume["name"]: volume for volume in pod.get("volumes", [])}
        for mount in container.get("volumeMounts", []):
            volume = by_name[mount["name"]]
            if mount["mountPath"] == "/tmp":
                assert volume["emptyDir"]["sizeLimit"], name
            else:
                assert mount["readOnly"] is True, name
                assert {"configMap", "secret", "csi"} & set(volume), name


def test_probes_ask_where_the_doors_answer(documents: list[Document]) -> None:
    for name, _, container in containers(documents):
        if ours(container):
            assert container["readinessProbe"]["httpGet"]["path"] == "/readyz", name
            assert container["livenessProbe"]["httpGet"]["path"] == "/healthz", name


def test_probes_get_through_while_every_request_is_busy(documents: list[Document]) -> None:
    for name, service in services(documents).items():
        pod = service["spec"]["template"]["spec"]
        threads = int(variables(documents, pod["containers"][0])["THREADS"])
        assert threads > pod["containerConcurrency"], name


def test_the_model_takes_no_more_threads_than_processors(documents: list[Document]) -> None:
    for name in ("generate", "score"):
        container = services(documents)[name]["spec"]["template"]["spec"]["containers"][0]
        assert variables(documents, container)["ADLOOM_THREADS"] == container["resources"]["limits"]["cpu"]


def test_stages_are_reached_from_within_and_the_doors_from_outside(documents: list[Document]) -> None:
    label = "networking.knative.dev/visibility"
    private = {n for n, s in services(documents).items() if s["metadata"]["labels"].get(label) == "cluster-local"}
    assert private == {"ingest", "validate", "score"}
    mapped = {mapping["spec"]["ref"]["name"] for mapping in of_kind(documents, "DomainMapping").values()}
    assert mapped <= FUNCTIONS - private


def test_the_network_lets_nothing_through_that_is_not_named(documents: list[Document]) -> None:
    policies = of_kind(documents, "NetworkPolicy")
    assert policies["nothing"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    inner = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"}
    (internet,) = policies["internet"]["spec"]["egress"]
    assert inner <= set(internet["to"][0]["ipBlock"]["except"])
    assert [port["port"] for port in internet["ports"]] == [443]


def scaling(service: Document) -> dict[str, str]:
    """What a function's annotations say of its scaling."""
    found = service["spec"]["template"]["metadata"]["annotations"]
    return {name.removeprefix(AUTOSCALING): value for name, value in found.items()}


def test_production_scales_to_zero_and_keeps_a_pod_for_some_scrapes(production: list[Document]) -> None:
    for service in services(production).values():
        asked = scaling(service)
        assert asked["class"] == "kpa.autoscaling.knative.dev"
        assert asked["min-scale"] == "0"
        assert int(asked["scale-to-zero-pod-retention-period"].removesuffix("m")) >= 2
        most = service["spec"]["template"]["spec"]["containerConcurrency"]
        assert int(asked["target"]) <= most


def test_always_on_keeps_two_pods_and_scales_by_processor(kustomize: Callable[[str], list[Document]]) -> None:
    documents = kustomize("overlays/always-on")
    for service in services(documents).values():
        asked = scaling(service)
        assert asked["class"] == "hpa.autoscaling.knative.dev"
        assert asked["metric"] == "cpu"
        assert asked["min-scale"] == "2"
        assert int(asked["max-scale"]) > 2
        assert "scale-to-zero-pod-retention-period" not in asked
    assert of_kind(documents, "Deployment")["puller"]["spec"]["replicas"] == 2
