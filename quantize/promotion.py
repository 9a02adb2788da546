"""The rule by which a challenger becomes champion.

A challenger is promoted where its gate report says ``better``:

1. **Better.** On the products that both were evaluated on, the share of texts that pass all gates is higher: a
   one-sided paired bootstrap over products gives p < 0.05.
2. **Or at the ceiling, not worse.** Where the champion passes 97 % of its texts or more there is little left to gain,
   and a challenger that brings something else (speed, a corrected fault, a new voice) may take over as long as it is
   not worse by a point: the one-sided 95 % bound of the difference lies above -0.01.
3. **In both, not emptier.** A model that says nothing breaks no gate. The coverage of the product's salient words must
   not be lower by ten points: the one-sided 95 % bound of that difference lies above -0.10.

The first champion needs an evaluation and nothing else. ``--force`` promotes against the verdict, and is recorded.
"""

from collections.abc import Sequence
from typing import Literal

from functions.common.errors import InputError
from functions.common.records import Record
from quantize.figures import ProductFigures, Report
from quantize.statistics import Difference, paired_bootstrap

LEVEL = 0.05
CEILING = 0.97
MARGIN = 0.01
EMPTIER = 0.10

Verdict = Literal["first", "better", "not better"]


class GateReport(Record, frozen=True, kw_only=True):
    """A challenger held against the champion, product by product.

    Attributes:
        challenger, champion: versions of the models; the champion's is empty where there is none.
        products: that both wrote for; ``samples``: names of the samples that they are from.
        challenger_passed, champion_passed: share of texts that pass all gates there.
        passed, coverage: the differences, challenger less champion.
        reason: the verdict in words.
    """

    challenger: str
    champion: str = ""
    samples: list[str]
    products: int
    challenger_passed: float
    champion_passed: float = 0.0
    passed: Difference | None = None
    coverage: Difference | None = None
    verdict: Verdict
    reason: str


def first(version: str, report: Report) -> GateReport:
    """The gate report of a model that has no champion to beat."""
    measured = _measured(version, [report])
    figures = [product for products in measured.values() for product in products]
    return GateReport(
        challenger=version,
        samples=sorted(name for name, _ in measured),
        products=len(figures),
        challenger_passed=_mean([product.passed for product in figures]),
        verdict="first",
        reason="there is no champion to beat",
    )


def compare(challenger: str, champion: str, reports: Sequence[Report]) -> GateReport:
    """The gate report of one model against another.

    Args:
        challenger, champion: versions of the models.
        reports: evaluations in which both were measured, beside each other or each in its own.

    Raises:
        InputError: they were not measured on the same products.
    """
    ours, theirs = _measured(challenger, reports), _measured(champion, reports)
    shared = sorted(ours.keys() & theirs.keys())
    if not shared:
        raise InputError(
            f"models {challenger} and {champion} were not evaluated on the same products; "
            "evaluate both with the same sample, --limit and --seed"
        )
    mine = [product for sample in shared for product in ours[sample]]
    other = [product for sample in shared for product in theirs[sample]]
    passed = paired_bootstrap([p.passed for p in mine], [p.passed for p in other], LEVEL)
    coverage = paired_bootstrap([p.coverage for p in mine], [p.coverage for p in other], LEVEL)
    champion_passed = _mean([product.passed for product in other])
    verdict, reason = _verdict(passed, coverage, champion_passed)
    return GateReport(
        challenger=challenger,
        champion=champion,
        samples=[name for name, _ in shared],
        products=len(mine),
        challenger_passed=_mean([product.passed for product in mine]),
        champion_passed=champion_passed,
        passed=passed,
        coverage=coverage,
        verdict=verdict,
        reason=reason,
    )


def _verdict(passed: Difference, coverage: Difference, champion_passed: float) -> tuple[Verdict, str]:
    points = f"gate pass rate {passed.mean * 100:+.1f} points (p = {passed.p:.4f}, at least {passed.low * 100:+.1f})"
    if coverage.low <= -EMPTIER:
        return "not better", f"{points}, but coverage may be lower by {-coverage.low * 100:.1f} points"
    if passed.p < LEVEL:
        return "better", points
    if champion_passed >= CEILING and passed.low > -MARGIN:
        return "better", f"{points}: not worse than a champion at {champion_passed:.1%}"
    return "not better", points


def _measured(version: str, reports: Sequence[Report]) -> dict[tuple[str, str], list[ProductFigures]]:
    """Sample (name and fingerprint) -> the model's figures there, product by product."""
    found: dict[tuple[str, str], list[ProductFigures]] = {}
    for report in reports:
        for section in report.sections.values():
            for evaluation in section.evaluations:
                if evaluation.version == version:
                    found[section.sample.name, section.sample.fingerprint] = evaluation.per_product
    if not found:
        raise InputError(f"model {version}: the evaluation holds no figures of it; run `adloom model evaluate`")
    return found


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0
