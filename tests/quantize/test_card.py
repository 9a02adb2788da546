import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from functions.common.errors import InputError, NotFoundError
from quantize.card import card
from quantize.figures import (
    Evaluation,
    Latency,
    Output,
    PipelineFigures,
    ProductFigures,
    Report,
    Sample,
    Section,
    SlotFigures,
)
from quantize.jsonlines import write_lines
from quantize.pairwise import Key, Vote, readings
from quantize.trials import Training, Trial, averaged, kept_trials, read_training, read_trials

SECTIONS = [
    "Model Details",
    "Uses",
    "Bias, Risks, and Limitations",
    "How to Get Started with the Model",
    "Training Details",
    "Evaluation",
    "Environmental Impact",
    "Technical Specifications",
    "Citation",
    "Model Card Contact",
]
"""The headings of Hugging Face's template, in its order."""

TRAINING = Training(
    plan={"rank": 16, "rate": 0.0005, "epochs": 3},
    figures={"validation_loss": 1.8765, "seconds": 5400.0, "steps": 681.0},
    curve=[{"step": 340.0, "train_loss": 2.1, "validation_loss": 1.95}],
)


def evaluation(author: str, passed: float) -> Evaluation:
    slots = {
        name: SlotFigures(texts=100, passed=share, supported=0.99, formed=0.98, length_use=0.7)
        for name, share in (("headline", passed), ("description", 0.4321))
    }
    return Evaluation(
        author=author,
        version="abc",
        texts=200,
        passed=passed,
        supported=0.9712,
        formed=0.98,
        coverage=0.61,
        relevance=0.55,
        distinct_2=0.44,
        copied_5grams=0.0123,
        length_use=0.66,
        slots=slots,
        rules={"capitals": 0.0012, "claim_number": 0.0345},
        latency=Latency(median=0.9, p95=1.4),
        pipeline=PipelineFigures(
            candidates=4,
            creatives=800,
            ready=0.9788,
            platforms={"meta_feed": 0.99},
            statuses={"ready": 783},
            missing={},
            latency=Latency(median=3.1, p95=5.0),
        ),
        per_product=[ProductFigures(key="k", passed=passed, coverage=0.6)],
    )


def report() -> Report:
    test = Section(
        sample=Sample(name="test", products=25, fingerprint="f"),
        evaluations=[evaluation("Adloom", 0.9234), evaluation("base model", 0.3111)],
        outputs=[Output(title="Oak <stool>", copy={"headline": "Oak stool, 45 cm"}, findings={"headline": ["length"]})],
    )
    shops = Section(
        sample=Sample(name="shops", products=200, fingerprint="g"),
        evaluations=[msgspec.structs.replace(evaluation("Adloom", 0.9012), pipeline=None)],
    )
    return Report(adloom="0", corpus="c0ffee", sections={"shops": shops, "test": test})


def split(text: str) -> tuple[dict[str, Any], str]:
    _, head, body = text.split("---\n", 2)
    return yaml.safe_load(head), body


def test_the_card_has_every_section_of_the_template_in_order() -> None:
    _, body = split(card(TRAINING, report()))
    found = [line.removeprefix("## ") for line in body.splitlines() if line.startswith("## ")]
    assert found == SECTIONS


def test_the_head_names_base_licence_and_results() -> None:
    head, _ = split(card(TRAINING, report()))
    assert head["base_model"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert head["license"] == "apache-2.0"
    results = {result["dataset"]["name"]: result["metrics"] for result in head["model-index"][0]["results"]}
    metrics = {metric["type"]: metric["value"] for metric in results["test (25 products)"]}
    assert metrics["passed"] == 0.9234
    assert metrics["copied_5grams"] == 0.0123


def test_the_figures_are_those_of_the_records() -> None:
    _, body = split(card(TRAINING, report()))
    assert "| texts that pass all gates | 92.3% | 31.1% |" in body
    assert "| headline: pass all gates | 92.3% | 31.1% |" in body
    assert "97.9% of 800 creatives end ready" in body
    assert "final validation loss 1.8765" in body
    assert "average of" not in body
    assert "681 steps in 90.0 minutes" in body
    assert "| 340 | 2.1000 | 1.9500 |" in body
    assert "- rate: 0.0005" in body
    assert "`c0ffee`" in body


def test_the_limits_are_told_with_the_weakest_field_and_the_commonest_fault() -> None:
    _, body = split(card(TRAINING, report()))
    limits = body.partition("## Bias, Risks, and Limitations")[2].partition("\n## ")[0]
    assert "7.7% of first answers break at least one gate" in limits
    assert "2.9% claim something that the product does not" in re.sub(r"\s+", " ", limits)
    assert "description (43.2% pass)" in limits
    assert "claim_number (3.5%), capitals (0.1%)" in re.sub(r"\s+", " ", limits)


def test_what_was_not_measured_is_said() -> None:
    _, body = split(card(TRAINING, report()))
    assert "was not measured on this sample" in body
    assert "**Carbon Emitted:** not measured" in body


def test_outputs_are_shown_as_they_fell_and_hold_no_markup() -> None:
    _, body = split(card(TRAINING, report()))
    assert "- **Oak &lt;stool&gt;**\n  - headline: Oak stool, 45 cm *(length)*" in body


def test_without_records_there_is_no_card(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no sample"):
        card(TRAINING, Report(adloom="0", corpus="c", sections={}))
    with pytest.raises(NotFoundError, match="adloom model train"):
        read_training(tmp_path / "train.json")
    (tmp_path / "train.json").write_text('{"plan": {}}')
    with pytest.raises(InputError, match="is no training record"):
        read_training(tmp_path / "train.json")
    (tmp_path / "train.json").write_bytes(msgspec.json.encode(TRAINING))
    assert read_training(tmp_path / "train.json") == TRAINING


def test_the_card_shows_the_runs_that_the_settings_were_chosen_by_the_best_first(tmp_path: Path) -> None:
    for name, rate, loss in (("slow", 0.0001, 2.5), ("fast", 0.001, 2.25)):
        (tmp_path / name).mkdir()
        record = {
            "plan": {"rank": 8, "rate": rate, "weighting": "token"},
            "figures": {"validation_loss": loss, "seconds": 90},
        }
        (tmp_path / name / "train.json").write_bytes(msgspec.json.encode(record))
    trials = read_trials([tmp_path / "slow", tmp_path / "fast"])
    assert [type(trial) for trial in trials] == [Trial, Trial]
    text = card(TRAINING, report(), trials)
    assert "| run | rate | validation loss | minutes |" in text  # What the runs share is left out.
    assert text.index("| fast | 0.001 | 2.2500 | 1.5 |") < text.index("| slow | 0.0001 | 2.5000 | 1.5 |")


def test_a_file_that_is_no_comparison_is_named(tmp_path: Path) -> None:
    (tmp_path / "trials.json").write_text('[{"run": 1}]')
    with pytest.raises(InputError, match=r"trials\.json: is no comparison of runs"):
        kept_trials(tmp_path / "trials.json")
    with pytest.raises(NotFoundError, match="adloom model trials --out"):
        kept_trials(tmp_path / "none.json")


def test_the_card_shows_what_blind_readers_preferred(tmp_path: Path) -> None:
    folder = tmp_path / "first-answers"
    folder.mkdir()
    write_lines(folder / "key.jsonl", [Key(pair=str(n), A="Adloom", B="template") for n in range(4)])
    votes = [Vote(pair="0", vote="A"), Vote(pair="1", vote="A"), Vote(pair="2", vote="tie"), Vote(pair="3", vote="B")]
    write_lines(folder / "votes-ann.jsonl", votes)
    text = card(TRAINING, report(), readings=readings(tmp_path, "Adloom"))
    assert "#### first answers" in text
    assert "| template | 4 | 50.0% (15.0% to 85.0%) | 25.0% | 75.0% (30.1% to 95.4%) |" in text


def test_an_average_of_runs_is_said_to_be_one() -> None:
    record = msgspec.json.encode(averaged([TRAINING, TRAINING], rank=16))
    text = card(msgspec.json.decode(record, type=Training), report())
    assert "The adapter is the average of 2 runs" in text
    assert "1362 steps in 180.0 minutes.\n" in text


def test_a_second_stage_is_told_behind_the_first() -> None:
    second = Training(plan={"rate": 0.0002, "graded": "b0a7"}, figures={"steps": 171, "seconds": 60.0}, before=TRAINING)
    said = card(second, report())
    assert "Hyperparameters, stage 1\n\n- rank: 16" in said
    assert "Hyperparameters, stage 2\n\n- rate: 0.0002" in said.partition("681 steps")[2].partition("171 steps")[0]
    assert "readers gave the better grade" in said
    alone = card(TRAINING, report())
    assert "readers gave" not in alone
    assert "stage 1" not in alone
