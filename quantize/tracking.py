"""MLflow: where it keeps its books, and what an evaluation leaves in them."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
from matplotlib.figure import Figure
from mlflow.exceptions import MlflowException

from functions.common.batches import encode
from functions.common.errors import InputError, PassingError
from quantize.evaluate import Row
from quantize.figures import Evaluation, Output, Section

EXPERIMENT = "adloom"
_PASSING = {"TEMPORARILY_UNAVAILABLE", "INTERNAL_ERROR", "REQUEST_LIMIT_EXCEEDED"}
_RULES = 15


def connect(uri: str = "") -> None:
    """Choose the tracking store and the experiment.

    Args:
        uri: as MLflow has it; empty for ``MLFLOW_TRACKING_URI``, else ``sqlite:///mlflow.db`` in this folder.
    """
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    with faults():
        if uri:
            mlflow.set_tracking_uri(uri)
        chosen = mlflow.get_tracking_uri()
        if mlflow.get_experiment_by_name(EXPERIMENT) is None:
            # Beside the database and not in the folder of the day, so that the artifacts are found again.
            beside = Path(chosen.removeprefix("sqlite:///")).absolute().parent / "mlartifacts"
            location = beside.as_uri() if chosen.startswith("sqlite:///") else None
            mlflow.create_experiment(EXPERIMENT, artifact_location=location)
        mlflow.set_experiment(EXPERIMENT)


@contextmanager
def faults() -> Iterator[None]:
    """What MLflow refuses, as faults of Adloom in one line."""
    try:
        yield
    except MlflowException as error:
        kind = PassingError if error.error_code in _PASSING else InputError
        raise kind(f"MLflow at {mlflow.get_tracking_uri()}: {str(error).splitlines()[0]}") from error


def log_evaluation(section: Section, rows: Sequence[Sequence[Row]], shown: Sequence[Output]) -> str:
    """Keep an evaluation as a run: figures, texts as a table, plots, outputs as they fell.

    Args:
        rows: for each evaluation of the section, what its author wrote.
        shown: outputs of the first author.

    Returns:
        The run's id.
    """
    ours = section.evaluations[0]
    with faults(), mlflow.start_run(run_name=f"evaluate {section.sample.name} {ours.version or ours.author}") as run:
        mlflow.log_params(
            {
                "sample": section.sample.name,
                "fingerprint": section.sample.fingerprint,
                "products": section.sample.products,
                "seed": section.sample.seed,
                **{f"author {number}": f"{e.author} {e.version}" for number, e in enumerate(section.evaluations)},
            }
        )
        for evaluation in section.evaluations:
            prefix = "" if evaluation is ours else f"{evaluation.author}/"
            mlflow.log_metrics({f"{prefix}{name}": value for name, value in metrics(evaluation).items()})
        mlflow.log_table(_table(section, rows), "texts.json")
        mlflow.log_figure(pass_rates(section.evaluations), "plots/pass-rates.png")
        mlflow.log_figure(rule_shares(section.evaluations), "plots/rules.png")
        mlflow.log_text(outputs_text(shown), "outputs.md")
        mlflow.log_text(encode(section).decode(), "evaluation.json")
        run_id: str = run.info.run_id
    return run_id


def metrics(evaluation: Evaluation) -> dict[str, float]:
    """Every figure of an evaluation by a name that MLflow takes."""
    names = ("passed", "supported", "formed", "coverage", "relevance", "distinct_2", "copied_5grams", "length_use")
    found = {name: float(getattr(evaluation, name)) for name in names}
    found |= {"latency_median_seconds": evaluation.latency.median, "latency_p95_seconds": evaluation.latency.p95}
    found |= {f"passed/{slot}": figures.passed for slot, figures in evaluation.slots.items()}
    found |= {f"rules/{rule}": share for rule, share in evaluation.rules.items()}
    if pipeline := evaluation.pipeline:
        found |= {"ready": pipeline.ready} | {f"ready/{name}": share for name, share in pipeline.platforms.items()}
    return found


def _table(section: Section, rows: Sequence[Sequence[Row]]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {n: [] for n in ("author", "product", "title", "slot", "text", "passed", "rules")}
    for evaluation, written in zip(section.evaluations, rows, strict=True):
        for figures, row in zip(evaluation.per_product, written, strict=True):
            for each in row:
                values = (
                    evaluation.author,
                    figures.key,
                    each.product.title,
                    each.slot.name,
                    each.text,
                    each.passed,
                    ", ".join(each.rules),
                )
                for column, value in zip(columns.values(), values, strict=True):
                    column.append(value)
    return columns


def outputs_text(shown: Sequence[Output]) -> str:
    """Outputs for people: each product with its texts, and what the gates have against them."""
    lines = []
    for output in shown:
        lines += [f"## {output.title}", ""]
        for slot, text in output.copy.items():
            rules = output.findings.get(slot)
            lines.append(f"- {slot}: {text}" + (f"  ({', '.join(rules)})" if rules else ""))
        lines.append("")
    return "\n".join(lines)


def pass_rates(evaluations: Sequence[Evaluation]) -> Figure:
    """Bars: the share of texts that pass all gates, by slot, the authors side by side."""
    slots = list(evaluations[0].slots)
    values = [[e.slots[slot].passed if slot in e.slots else 0.0 for slot in slots] for e in evaluations]
    return _bars(slots, [e.author for e in evaluations], values, "texts that pass all gates")


def rule_shares(evaluations: Sequence[Evaluation]) -> Figure:
    """Bars: the share of texts that each rule was found in, for the most frequent rules."""
    totals: dict[str, float] = {}
    for evaluation in evaluations:
        for rule, share in evaluation.rules.items():
            totals[rule] = max(totals.get(rule, 0.0), share)
    rules = sorted(totals, key=lambda rule: (-totals[rule], rule))[:_RULES]
    values = [[e.rules.get(rule, 0.0) for rule in rules] for e in evaluations]
    return _bars(rules, [e.author for e in evaluations], values, "texts with a finding")


def _bars(names: Sequence[str], authors: Sequence[str], values: Sequence[Sequence[float]], label: str) -> Figure:
    figure = Figure(figsize=(9, 0.6 + 0.32 * max(1, len(names)) * len(authors)), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(authors)
    for number, (author, shares) in enumerate(zip(authors, values, strict=True)):
        places = [place + number * height for place in range(len(names))]
        drawn = axes.barh(places, shares, height=height, label=author)
        axes.bar_label(drawn, [f"{share:.0%}" for share in shares], padding=2, fontsize=8)
    axes.set_yticks([place + 0.4 - height / 2 for place in range(len(names))], names)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.08)
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_xlabel(label)
    figure.legend(loc="outside upper right", ncols=len(authors), fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure
