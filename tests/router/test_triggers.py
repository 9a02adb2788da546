from pathlib import Path
from typing import Any

import pytest

from functions.common.errors import InputError
from functions.common.events import CATALOGUE_LANDED, PART_GENERATED, PART_INGESTED, PART_SCORED, PART_VALIDATED
from functions.router.triggers import Delivery, passes, read_manifests

LANDED = {"type": CATALOGUE_LANDED, "subject": "objects/landing/x/shop.csv"}


def test_the_deployed_triggers_wake_the_functions_that_they_name() -> None:
    triggers = read_manifests().triggers
    woken = {
        kind: [trigger.function for trigger in triggers if trigger.wants({**LANDED, "type": kind})]
        for kind in (CATALOGUE_LANDED, PART_INGESTED, PART_VALIDATED, PART_GENERATED, PART_SCORED)
    }
    assert list(woken.values()) == [["ingest"], ["validate"], ["generate"], ["score"], []]


def test_what_the_stages_write_themselves_wakes_nobody() -> None:
    written = {**LANDED, "subject": "objects/products/x/part-00000.parquet"}
    assert not any(trigger.wants(written) for trigger in read_manifests().triggers)


def test_the_deployed_delivery_is_read_with_its_dead_letter_sink() -> None:
    deployed = read_manifests()
    for trigger in deployed.triggers:
        assert trigger.delivery.retry == 10
        assert [trigger.delivery.wait(failed) for failed in (1, 2, 3, 10)] == [1, 2, 4, 512]
        assert trigger.delivery.dead_letter == ("feedback", "/dead-letter")
    assert deployed.functions["ingest"].concurrency == 1
    assert deployed.functions["generate"].timeout == 600


def test_a_linear_policy_waits_longer_by_the_same_each_time() -> None:
    assert [Delivery(3, "linear", 2.0).wait(failed) for failed in (1, 2, 3)] == [0, 2, 4]


@pytest.mark.parametrize(
    ("test", "passed"),
    [
        ({"exact": {"type": "a"}}, True),
        ({"exact": {"type": "b"}}, False),
        ({"exact": {"missing": "a"}}, False),
        ({"exact": {"type": "a", "subject": "other"}}, False),
        ({"prefix": {"subject": "objects/"}}, True),
        ({"prefix": {"subject": "bjects/"}}, False),
        ({"suffix": {"subject": ".csv"}}, True),
        ({"suffix": {"subject": "objects"}}, False),
        ({"all": [{"exact": {"type": "a"}}, {"suffix": {"subject": ".csv"}}]}, True),
        ({"all": [{"exact": {"type": "a"}}, {"exact": {"type": "b"}}]}, False),
        ({"any": [{"exact": {"type": "b"}}, {"suffix": {"subject": ".csv"}}]}, True),
        ({"any": [{"exact": {"type": "b"}}]}, False),
        ({"not": {"exact": {"type": "b"}}}, True),
        ({"not": {"exact": {"type": "a"}}}, False),
    ],
    ids=str,
)
def test_a_filter_is_read_as_knative_reads_it(test: dict[str, Any], passed: bool) -> None:
    assert passes(test, {"type": "a", "subject": "objects/shop.csv"}) is passed


@pytest.mark.parametrize(
    ("found", "instead", "words"),
    [
        ("exact: {type: one}", "cesql: type = 'one'", "filter .*cesql.* is not understood"),
        ("exact: {type: one}", "all: [{cesql: x}]", "is not understood"),
        ("name: mourner}\n      uri", "name: nobody}\n      uri", "'nobody', and no Service"),
        ("broker: house", "broker: other", "no Broker 'other'"),
        ("PT0.05S", "1s", "is no ISO 8601 duration"),
        ("kind: Service, name: first", "kind: Broker, name: first", "is no Knative Service"),
        ("kind: Trigger", "kind: Other", "no Triggers here"),
        ("kind: Broker", "kind: {", "cannot be read as YAML"),
    ],
    ids=str,
)
def test_what_is_not_understood_is_refused_and_not_left_out(
    manifests: Path, found: str, instead: str, words: str
) -> None:
    path = manifests / "all.yaml"
    text = path.read_text(encoding="utf-8")
    assert found in text
    path.write_text(text.replace(found, instead), encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_manifests(manifests)
