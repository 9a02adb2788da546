import json
from pathlib import Path

import mlflow
import msgspec
import pytest
from typer.testing import CliRunner

from functions.cli import app
from functions.common.models import Models
from quantize.evaluate import read_report
from quantize.jsonlines import read_lines, write_lines
from quantize.pairwise import Key, Pair, Vote

pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own warnings are not ours to mend.


def adloom(*words: str) -> str:
    done = CliRunner().invoke(app, ["model", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_an_evaluation_is_a_run_with_figures_texts_and_plots(books: Path, models: Models, tmp_path: Path) -> None:
    report = tmp_path / "evaluation.json"
    said = adloom("evaluate", "--limit", "2", "--no-flow", "--against", "corpus", "--out", str(report))
    run = mlflow.get_run(next(line.split()[-1] for line in said.splitlines() if line.startswith("MLflow run")))
    section = read_report(report).sections["test"]
    ours, by_hand = section.evaluations
    assert run.data.metrics["passed"] == ours.passed
    assert run.data.metrics["passed/headline"] == ours.slots["headline"].passed
    assert run.data.metrics["written by hand/passed"] == by_hand.passed
    assert run.data.params["products"] == "2"
    artifacts = {item.path for item in mlflow.artifacts.list_artifacts(run_id=run.info.run_id)}
    assert artifacts >= {"texts.json", "plots", "outputs.md", "evaluation.json"}
    table = mlflow.load_table("texts.json", run_ids=[run.info.run_id])
    assert len(table) == ours.texts + by_hand.texts
    assert set(table["author"]) == {ours.author, by_hand.author}
    assert [output.title for output in section.outputs] == list(dict.fromkeys(table["title"]))
    assert all(output.title in said for output in section.outputs)


def test_outputs_for_a_shops_catalogue_stay_out_of_the_report(models: Models, tmp_path: Path) -> None:
    shop = tmp_path / "shop.csv"
    shop.write_text("id,title,description\n1,Oak stool for the kitchen,A stool made of oak with three legs.\n")
    report = tmp_path / "evaluation.json"
    words = ["evaluate", str(shop), "--name", "shops", "--no-flow", "--no-track", "--out", str(report)]
    said = adloom(*words, "--language", "")
    assert "Oak stool for the kitchen" in said
    assert b"Oak stool" not in report.read_bytes()
    adloom(*words, "--language", "", "--keep-outputs")
    assert b"Oak stool" in report.read_bytes()


def test_pairs_are_written_voted_on_and_counted(models: Models, tmp_path: Path) -> None:
    pairs, key, votes = (tmp_path / f"{name}.jsonl" for name in ("pairs", "key", "votes"))
    files = ["--out", str(pairs), "--key", str(key)]
    adloom("pairs", "--against", "template", "--limit", "3", "--first", *files)
    shown, keys = list(read_lines(pairs, Pair)), list(read_lines(key, Key))
    assert len(shown) == len(keys) == 3
    assert all(b"template" not in msgspec.json.encode(pair) for pair in shown)
    write_lines(votes, [Vote(pair=each.pair, vote="A", reader="ann") for each in keys])
    (counted,) = json.loads(adloom("votes", str(key), str(votes), "--json"))
    assert counted["win"] == pytest.approx(sum(each.A == "Adloom" for each in keys) / 3, abs=1e-4)
