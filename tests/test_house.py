"""The rules between the rooms of the house."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STAGES = ("ingest", "validate", "generate", "score", "export", "feedback", "render")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def room(module: str) -> str:
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_common_and_nothing_of_another_stage(stage: str) -> None:
    allowed = {f"functions.{stage}", "functions.common", "functions"}
    for path in (ROOT / "functions" / stage).rglob("*.py"):
        if path.name == "main.py":
            continue
        foreign = {m for m in imports(path) if m.startswith(("functions", "quantize")) and room(m) not in allowed}
        assert not foreign, f"{path.relative_to(ROOT)} imports {foreign}"


DOORS = {
    "ingest": {"functions.generate"},
    "validate": set(),
    "generate": {"functions.score", "functions.feedback"},
    "score": set(),
    "feedback": set(),
}


@pytest.mark.parametrize("stage", DOORS)
def test_a_door_imports_only_the_stages_that_it_offers(stage: str) -> None:
    allowed = {f"functions.{stage}", "functions.common", "functions"} | DOORS[stage]
    found = {
        room(module) for module in imports(ROOT / "functions" / stage / "main.py") if module.startswith("functions")
    }
    assert found <= allowed


def test_no_stage_knows_how_it_is_served() -> None:
    for stage in STAGES:
        for path in (ROOT / "functions" / stage).glob("stage.py"):
            served = {module for module in imports(path) if module.startswith("functions.common.serving")}
            assert not served, path


@pytest.mark.parametrize("stage", DOORS)
def test_a_server_loads_no_model_and_nothing_that_waking_has_no_time_for(stage: str) -> None:
    """A model that is loaded before the server forks hangs for ever; images without a model have no numpy.

    What answers a person wakes without polars and YAML, which only tables and files need.
    """
    heavy = {"ctranslate2", "tokenizers", "numpy"}
    if stage in ("generate", "score", "feedback"):
        heavy |= {"polars", "yaml"}
    code = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(heavy)!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.path.insert(0, {str(ROOT)!r})
sys.meta_path.insert(0, Absent())
from functions_framework import create_app
create_app("handle", {str(ROOT / "functions" / stage / "main.py")!r}, "http")
"""
    environment = {**os.environ, "ADLOOM_STORE": "/nowhere", "ADLOOM_AUTH": "on"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


def test_common_imports_no_stage() -> None:
    for path in (ROOT / "functions" / "common").rglob("*.py"):
        foreign = {
            m for m in imports(path) if m.startswith(("functions.", "quantize")) and room(m) != "functions.common"
        }
        assert not foreign, f"{path.relative_to(ROOT)} imports {foreign}"


def test_the_whole_flow_loads_nothing_that_only_training_needs() -> None:
    heavy = "{'torch', 'transformers', 'pandas', 'pyarrow', 'mlflow', 'airflow', 'dagster'}"
    code = f"import sys, functions.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_every_room_says_what_it_is_for() -> None:
    for path in ROOT.glob("functions/**/__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_no_module_outgrows_a_reader() -> None:
    for path in [*ROOT.glob("functions/**/*.py"), *ROOT.glob("quantize/**/*.py")]:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 450, path
