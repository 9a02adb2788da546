"""Which event wakes which function, and what becomes of one that fails."""

import re
from typing import Any

from functions.common.events import CATALOGUE_LANDED, PART_SCORED, TYPES
from tests.knative.manifests import FUNCTIONS, Document, containers, of_kind, variables


def attribute(trigger: Document, test: str, name: str) -> str | None:
    """What a Trigger's filter asks of an attribute of the event."""
    wanted = [part[test][name] for part in trigger["spec"]["filters"] if name in part.get(test, {})]
    return str(wanted[0]) if wanted else None


def test_each_event_but_the_last_wakes_exactly_one_function(documents: list[Document]) -> None:
    triggers = of_kind(documents, "Trigger").values()
    woken = [attribute(trigger, "exact", "type") for trigger in triggers]
    assert sorted(map(str, woken)) == sorted(set(TYPES) - {PART_SCORED})
    subscribers = [trigger["spec"]["subscriber"]["ref"]["name"] for trigger in triggers]
    assert set(subscribers) <= FUNCTIONS
    assert len(set(subscribers)) == len(subscribers)


def test_only_objects_below_landing_wake_ingest(documents: list[Document]) -> None:
    trigger = of_kind(documents, "Trigger")["ingest"]
    assert attribute(trigger, "exact", "type") == CATALOGUE_LANDED
    assert attribute(trigger, "prefix", "subject") == "objects/landing/"


def test_an_event_that_fails_comes_again_and_then_goes_where_no_trigger_leads(documents: list[Document]) -> None:
    triggers = of_kind(documents, "Trigger").values()
    woken = {trigger["spec"]["subscriber"]["ref"]["name"] for trigger in triggers}
    for holder in [*triggers, *of_kind(documents, "Broker").values()]:
        delivery = holder["spec"]["delivery"]
        assert delivery["retry"] >= 5
        assert delivery["backoffPolicy"] == "exponential"
        assert re.fullmatch(r"PT[\d.]+S", delivery["backoffDelay"])
        assert delivery["deadLetterSink"]["ref"]["name"] in FUNCTIONS - woken
        assert delivery["deadLetterSink"]["uri"] == "/dead-letter"


def test_triggers_name_the_audience_that_the_functions_expect(documents: list[Document]) -> None:
    expected = {
        variables(documents, container)["ADLOOM_BROKER_AUDIENCE"]
        for name, _, container in containers(documents)
        if name in FUNCTIONS
    }
    named = {trigger["spec"]["subscriber"]["audience"] for trigger in of_kind(documents, "Trigger").values()}
    named |= {t["spec"]["delivery"]["deadLetterSink"]["audience"] for t in of_kind(documents, "Trigger").values()}
    assert named == expected
    assert len(named) == 1


def test_functions_take_events_from_their_own_namespace_only(documents: list[Document]) -> None:
    (namespace,) = of_kind(documents, "Namespace")
    for name, _, container in containers(documents):
        if name in FUNCTIONS:
            assert variables(documents, container)["ADLOOM_BROKER_SUBJECTS"] == f"system:serviceaccount:{namespace}:*"


def test_triggers_and_bindings_name_the_broker_that_is_there(documents: list[Document]) -> None:
    brokers = set(of_kind(documents, "Broker"))
    named = {trigger["spec"]["broker"] for trigger in of_kind(documents, "Trigger").values()}
    named |= {binding["spec"]["sink"]["ref"]["name"] for binding in of_kind(documents, "SinkBinding").values()}
    assert named == brokers


def test_those_that_post_events_are_bound_to_the_broker(
    documents: list[Document], environment: dict[str, dict[str, Any]]
) -> None:
    subjects = [binding["spec"]["subject"] for binding in of_kind(documents, "SinkBinding").values()]
    assert sorted(subject["name"] for subject in subjects) == sorted(environment["K_SINK"]["functions"])
    there = {(d["apiVersion"], d["kind"], d["metadata"]["name"]) for d in documents}
    assert {(s["apiVersion"], s["kind"], s["name"]) for s in subjects} <= there


def test_those_that_post_events_may_reach_the_broker(documents: list[Document]) -> None:
    (rule,) = of_kind(documents, "NetworkPolicy")["events"]["spec"]["podSelector"]["matchExpressions"]
    labelled = {
        d["spec"]["template"]["metadata"]["labels"][rule["key"]]
        for d in documents
        if "template" in d.get("spec", {}) and rule["key"] in d["spec"]["template"]["metadata"]["labels"]
    }
    bound = {binding["spec"]["subject"]["name"] for binding in of_kind(documents, "SinkBinding").values()}
    assert set(rule["values"]) == bound
    assert bound <= labelled
