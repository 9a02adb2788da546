"""Every gate lets pass what it should and stops what it should."""

from typing import Any

import pytest

from functions.common.records import Finding
from functions.score.gates.registry import GATES
from tests.score.cases import CASES, Case
from tests.score.subjects import subject


def found(rule: str, case: Case) -> list[Finding]:
    """What one gate finds in a case."""
    text, source, more = (*case, {})[:3]
    options: dict[str, Any] = dict(more)
    field = options.pop("field", "primary_text")
    about = subject(source, **options)
    return list(GATES[rule](about.read(text, field), about))


def named(which: int) -> list[Any]:
    return [pytest.param(rule, case, id=f"{rule}-{case[0]}") for rule, cases in CASES.items() for case in cases[which]]


def test_every_gate_has_at_least_five_cases_of_each_kind() -> None:
    assert dict.fromkeys(GATES, 5) == {rule: min(5, *map(len, CASES.get(rule, ([], [])))) for rule in GATES}


@pytest.mark.parametrize(("rule", "case"), named(0))
def test_passes(rule: str, case: Case) -> None:
    assert found(rule, case) == []


@pytest.mark.parametrize(("rule", "case"), named(1))
def test_stops(rule: str, case: Case) -> None:
    findings = found(rule, case)
    assert findings
    assert {finding.rule for finding in findings} == {rule}
    assert all(finding.severity == "gate" and finding.message for finding in findings)


@pytest.mark.parametrize("rule", GATES)
def test_a_gate_names_the_policy_that_it_enforces(rule: str) -> None:
    doc = GATES[rule].__doc__ or ""
    assert "https://" in doc or "docs/style-guide.md" in doc or "brand.yaml" in doc
