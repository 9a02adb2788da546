import pytest

from functions.common.errors import InputError
from quantize.figures import Evaluation, Latency, ProductFigures, Report, Sample, Section
from quantize.promotion import compare, first


def evaluation(version: str, passed: list[float], coverage: float = 0.8) -> Evaluation:
    return Evaluation(
        author="Adloom",
        version=version,
        texts=8 * len(passed),
        passed=sum(passed) / len(passed),
        supported=1.0,
        formed=1.0,
        coverage=coverage,
        relevance=0.6,
        distinct_2=0.7,
        copied_5grams=0.0,
        length_use=0.6,
        slots={},
        rules={},
        latency=Latency(median=1.0, p95=2.0),
        per_product=[ProductFigures(key=str(n), passed=share, coverage=coverage) for n, share in enumerate(passed)],
    )


def report(*evaluations: Evaluation, fingerprint: str = "f") -> Report:
    sample = Sample(name="test", products=len(evaluations[0].per_product), fingerprint=fingerprint)
    return Report(adloom="0", corpus="c", sections={"test": Section(sample=sample, evaluations=list(evaluations))})


WEAK = [0.5, 0.625, 0.75, 0.875] * 25
STRONG = [0.625, 0.75, 0.875, 1.0] * 25


def test_a_clear_advantage_is_better() -> None:
    found = compare("new", "old", [report(evaluation("new", STRONG)), report(evaluation("old", WEAK))])
    assert found.verdict == "better"
    assert (found.challenger_passed, found.champion_passed, found.products) == (0.8125, 0.6875, 100)


def test_the_same_is_not_better_below_the_ceiling() -> None:
    assert compare("new", "old", [report(evaluation("new", WEAK), evaluation("old", WEAK))]).verdict == "not better"


def test_a_chance_advantage_is_not_better() -> None:
    shuffled = [1.0, 0.25, 0.875, 0.75] * 25
    assert compare("new", "old", [report(evaluation("new", shuffled), evaluation("old", WEAK))]).verdict == "not better"


def test_at_the_ceiling_not_worse_is_enough() -> None:
    ceiling = [1.0] * 95 + [0.875] * 5
    assert compare("new", "old", [report(evaluation("new", ceiling), evaluation("old", ceiling))]).verdict == "better"
    worse = [1.0] * 60 + [0.875] * 40
    assert compare("new", "old", [report(evaluation("new", worse), evaluation("old", ceiling))]).verdict == "not better"


def test_a_model_that_says_nothing_is_not_better() -> None:
    empty = evaluation("new", STRONG, coverage=0.6)
    found = compare("new", "old", [report(empty, evaluation("old", WEAK))])
    assert found.verdict == "not better"
    assert "coverage" in found.reason


def test_models_that_wrote_for_other_products_do_not_compare() -> None:
    with pytest.raises(InputError, match="not evaluated on the same products"):
        compare("new", "old", [report(evaluation("new", WEAK)), report(evaluation("old", WEAK), fingerprint="g")])
    with pytest.raises(InputError, match="no figures of it"):
        compare("new", "old", [report(evaluation("new", WEAK))])


def test_the_first_champion_needs_its_own_evaluation() -> None:
    assert first("new", report(evaluation("new", WEAK))).verdict == "first"
    with pytest.raises(InputError, match="no figures of it"):
        first("other", report(evaluation("new", WEAK)))
