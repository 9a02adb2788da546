"""The weights of the choice are those that the graded texts give."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from functions.cli import app
from functions.common.errors import InputError
from functions.score.measures import WEIGHTS
from quantize import corpus
from quantize.jsonlines import read_lines
from quantize.weighing import GradedText, ordered, weights

FOLDER = Path(corpus.__file__).parents[1] / "release" / "reading" / "graded"
GRADED = FOLDER / "grades.jsonl"
LATER = FOLDER / "grades-3c6c488cb9d13cdd.jsonl"
"""Texts of a later writer, which the weights are not fitted to."""


def text(grade: int, product: str = "mug", **traits: float) -> GradedText:
    return GradedText(product=product, field="headline", grade=grade, traits=traits)


def test_the_weights_in_use_are_an_eighth_of_those_that_the_graded_texts_give() -> None:
    fitted = weights(list(read_lines(GRADED, GradedText)))
    assert fitted.keys() == WEIGHTS.keys() - {"voice"}
    for name, weight in fitted.items():
        if name != "strangers":
            assert WEIGHTS[name] == pytest.approx(weight / 8, abs=0.015), name


def test_the_command_shows_them_beside_those_in_use() -> None:
    done = CliRunner().invoke(app, ["model", "weigh", str(GRADED)])
    assert done.exit_code == 0, done.output
    assert "strangers" in done.output
    assert "pairs of 3407 texts" in done.output


def test_traits_that_are_none_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "grades.jsonl"
    file.write_text('{"product": "mug", "field": "headline", "grade": 1, "traits": {"charm": 1}}\n')
    done = CliRunner().invoke(app, ["model", "weigh", str(file)])
    assert done.exit_code == 3
    assert "'charm' is no trait" in done.output


@pytest.mark.parametrize("graded", [GRADED, LATER])
def test_the_weights_in_use_order_the_graded_texts_better_than_any_trait_alone(graded: Path) -> None:
    texts = list(read_lines(graded, GradedText))
    alone = [ordered(texts, dict.fromkeys(texts[0].traits, 0.0) | {name: WEIGHTS[name]}) for name in texts[0].traits]
    assert ordered(texts, WEIGHTS) > max(alone) + 0.02


def test_a_trait_of_the_better_texts_has_weight_and_one_of_other_products_has_none() -> None:
    texts = [text(grade, str(n), good=grade + n, idle=n * 7.0) for n in range(9) for grade in (0, 3)]
    found = weights(texts)
    assert found["good"] > 0.5
    assert found["idle"] == pytest.approx(0.0, abs=1e-6)
    assert ordered(texts, found) == 1.0
    assert ordered(texts, {"good": 0.0, "idle": 0.0}) == 0.5


def test_texts_without_a_difference_teach_nothing() -> None:
    with pytest.raises(InputError, match="different grades"):
        weights([text(2, good=1.0), text(2, good=0.0), text(3, "other", good=1.0)])
