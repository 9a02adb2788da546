import json
from collections.abc import Callable
from pathlib import Path

import mlflow
import msgspec
import pytest
from typer.testing import CliRunner

from functions.cli import app
from functions.common.errors import InputError
from functions.common.models import MANIFEST, Manifest, Models, Role, file_sha256
from quantize.figures import Evaluation, Latency, ProductFigures, Report, Sample, Section
from quantize.registry import Registry, requirements

pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own warnings are not ours to mend.


def model_folder(folder: Path, version: str) -> Models:
    """Models of a few bytes: enough to be registered, not to write."""
    roles: tuple[Role, Role] = ("writer", "embedder")
    for role in roles:
        (folder / role).mkdir(parents=True)
        (folder / role / "model.bin").write_bytes(version.encode())
        manifest = Manifest(
            role=role,
            family="llama" if role == "writer" else "bert",
            prompt="examples",
            version=version,
            recipe="r",
            model="tiny",
            licence="Apache-2.0",
            quantization="int8",
            files={"model.bin": file_sha256(folder / role / "model.bin")},
        )
        (folder / role / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    return Models(folder)


def report(version: str, passed: float) -> Report:
    """An evaluation on fifty products of which each passes so much."""
    evaluation = Evaluation(
        author="Adloom",
        version=version,
        texts=400,
        passed=passed,
        supported=1.0,
        formed=1.0,
        coverage=0.8,
        relevance=0.6,
        distinct_2=0.7,
        copied_5grams=0.0,
        length_use=0.6,
        slots={},
        rules={},
        latency=Latency(median=1.0, p95=2.0),
        per_product=[ProductFigures(key=str(n), passed=passed, coverage=0.8) for n in range(50)],
    )
    sample = Sample(name="test", products=50, fingerprint="f")
    return Report(adloom="0", corpus="c0ffee", sections={"test": Section(sample=sample, evaluations=[evaluation])})


Register = Callable[[str, float], int]


@pytest.fixture
def registry(books: Path, request: pytest.FixtureRequest) -> Registry:
    """An empty registry in the module's store."""
    return Registry(request.node.name)


@pytest.fixture
def register(registry: Registry, tmp_path: Path) -> Register:
    def made(version: str, passed: float) -> int:
        return registry.register(model_folder(tmp_path / version, version), report(version, passed)).number

    return made


def champion(registry: Registry) -> int | None:
    found = registry.at("champion")
    return found.number if found else None


def test_a_version_says_what_it_was_made_from(registry: Registry, register: Register) -> None:
    register("one", 0.8)
    made = registry.version(1)
    assert (made.model, made.aliases) == ("one", ["challenger"])
    assert made.tags["data_hash"] == "c0ffee"
    assert made.tags["quantization"] == "int8"
    assert made.tags["git_sha"]
    assert json.loads(made.tags["gate_report"])["challenger_passed"] == 0.8


def test_better_models_are_promoted_and_rolled_back_one_by_one(registry: Registry, register: Register) -> None:
    for version, passed in (("one", 0.7), ("two", 0.8), ("three", 0.9)):
        register(version, passed)
        registry.promote()
    assert champion(registry) == 3
    assert registry.at("challenger") is None
    assert [each.number for each in registry.versions()] == [3, 2, 1]
    assert registry.rollback().number == 2
    assert registry.version(3).tags["rolled_back_to"] == "2"
    assert registry.rollback().number == 1
    with pytest.raises(InputError, match="version 1 is the first champion"):
        registry.rollback()
    assert champion(registry) == 1


def test_a_model_that_is_not_better_is_refused_and_the_refusal_is_kept(registry: Registry, register: Register) -> None:
    register("one", 0.8)
    registry.promote()
    register("two", 0.75)
    with pytest.raises(InputError, match=r"version 2 is not better than the champion, one: .*-5\.0 points.*--force"):
        registry.promote()
    assert champion(registry) == 1
    assert registry.version(2).aliases == ["challenger"]
    assert json.loads(registry.version(2).tags["gate_report"])["verdict"] == "not better"
    assert "forced" not in registry.version(2).tags


def test_force_promotes_and_is_recorded(registry: Registry, register: Register) -> None:
    register("one", 0.8)
    registry.promote()
    register("two", 0.75)
    assert registry.promote(force=True).verdict == "not better"
    assert champion(registry) == 2
    assert registry.version(2).tags["forced"] == "true"
    assert registry.rollback().number == 1


def test_an_evaluation_of_another_model_is_refused(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="model one: the evaluation holds no figures of it"):
        registry.register(model_folder(tmp_path / "one", "one"), report("two", 0.8))
    assert registry.versions() == []


def test_a_damaged_model_is_refused(registry: Registry, tmp_path: Path) -> None:
    models = model_folder(tmp_path / "one", "one")
    (tmp_path / "one" / "writer" / "model.bin").write_bytes(b"other")
    with pytest.raises(InputError, match="damaged"):
        registry.register(models, report("one", 0.8))


def test_what_is_not_there_is_said(registry: Registry, register: Register) -> None:
    with pytest.raises(InputError, match="there is no challenger"):
        registry.promote()
    with pytest.raises(InputError, match="no champion to roll back"):
        registry.rollback()
    register("one", 0.8)
    registry.promote()
    with pytest.raises(InputError, match="there is no version 9"):
        registry.compare(9, 1)
    with pytest.raises(InputError, match="is the champion already"):
        registry.promote(1)


def test_the_environment_of_a_served_model_has_no_torch() -> None:
    names = {line.partition("==")[0] for line in requirements()}
    assert {"mlflow", "ctranslate2", "tokenizers", "polars", "msgspec"} <= names
    assert names.isdisjoint({"torch", "transformers", "peft", "dagster", "pytest"})
    assert all("==" in line for line in requirements())


def test_the_commands_register_compare_promote_list_and_roll_back(books: Path, tmp_path: Path) -> None:
    runner = CliRunner()

    def adloom(*words: str, code: int = 0) -> str:
        done = runner.invoke(app, ["model", *words, "--name", "by-command"])
        assert done.exit_code == code, done.output
        return done.output

    for version, passed in (("one", 0.7), ("two", 0.8)):
        model_folder(tmp_path / version, version)
        (tmp_path / f"{version}.json").write_bytes(msgspec.json.encode(report(version, passed)))
        adloom("register", "--models", str(tmp_path / version), "--evaluation", str(tmp_path / f"{version}.json"))
        if version == "two":
            assert json.loads(adloom("compare", "--json"))["verdict"] == "better"
        adloom("promote")
    assert [each["aliases"] for each in json.loads(adloom("list", "--json"))] == [["champion"], []]
    assert "model one" in adloom("rollback")
    assert "there is none before it" in adloom("rollback", code=3)


def test_a_file_store_is_refused_in_one_line(tmp_path: Path) -> None:
    before = mlflow.get_tracking_uri()
    done = CliRunner().invoke(app, ["model", "list", "--tracking", f"file://{tmp_path}"])
    mlflow.set_tracking_uri(before)
    assert done.exit_code == 3
    assert "MLflow at file://" in done.output
