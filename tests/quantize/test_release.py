"""The released adapter, its evaluation, its card and its readings belong together."""

from pathlib import Path

import msgspec
import pytest

from functions.common.models import Models
from quantize import corpus
from quantize.build import recipes
from quantize.card import card
from quantize.drafts import Drafts
from quantize.evaluate import read_report
from quantize.figures import Report
from quantize.jsonlines import read_lines
from quantize.pairwise import Pair, readings
from quantize.trials import Trial, read_training

FOLDER = Path(corpus.__file__).parents[1] / "release"


@pytest.fixture(scope="module")
def evaluated() -> Report:
    return read_report(FOLDER / "evaluation.json")


def test_the_model_that_is_built_is_the_one_that_was_evaluated(models: Models, evaluated: Report) -> None:
    assert recipes()["writer"].adapter_folder == FOLDER
    for section in evaluated.sections.values():
        assert section.evaluations[0].version == models.manifest("writer").version


def test_the_card_is_made_from_the_records_beside_it(evaluated: Report) -> None:
    trials = msgspec.json.decode((FOLDER / "trials.json").read_bytes(), type=list[Trial])
    made = card(read_training(FOLDER / "train.json"), evaluated, trials, readings(FOLDER / "reading", "Adloom"))
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == made


def test_no_text_of_a_shop_s_catalogue_is_released(evaluated: Report) -> None:
    invented = {entry.as_product().title for entry in corpus.read()}
    for section in evaluated.sections.values():
        assert {output.title for output in section.outputs} <= invented
    for path in (FOLDER / "reading").rglob("pairs.jsonl"):
        assert {pair.product["title"] for pair in read_lines(path, Pair)} <= invented


def test_what_readers_graded_to_learn_from_is_of_training_products() -> None:
    graded = list(read_lines(FOLDER / "reading" / "graded" / "drafts.jsonl", Drafts))
    assert {each.id for each in graded} <= {entry.id for entry in corpus.read() if entry.split == "train"}
    assert all(draft.grade is not None for each in graded for draft in each.texts)
