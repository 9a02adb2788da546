"""The table of variables against the code that reads them."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FIELDS = {"what", "functions", "given_by", "read_by", "default"}
GIVERS = {"settings", "image", "knative"}


def reads(tree: ast.AST) -> Iterator[str]:
    """Names that code takes from its environment: ``environ["X"]``, ``environ.get("X")``, ``getenv("X")``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) in ("os.environ", "environ"):
            found: ast.AST | None = node.slice
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.environ.get", "environ.get", "os.getenv"):
            found = node.args[0] if node.args else None
        else:
            continue
        if isinstance(found, ast.Constant) and isinstance(found.value, str):
            yield found.value


def read_by_code() -> set[str]:
    """Every variable that the functions and the model's tools read."""
    sources = [path for folder in ("functions", "quantize") for path in (ROOT / folder).rglob("*.py")]
    return {name for path in sources for name in reads(ast.parse(path.read_text(encoding="utf-8")))}


def test_every_variable_that_the_code_reads_is_in_the_table(environment: dict[str, dict[str, Any]]) -> None:
    found = read_by_code()
    assert "ADLOOM_MODELS" in found
    assert found <= set(environment)


def test_every_variable_of_the_house_is_read_by_its_code(environment: dict[str, dict[str, Any]]) -> None:
    assert {name for name, entry in environment.items() if entry["read_by"] == "adloom"} <= read_by_code()


def test_each_entry_of_the_table_is_whole(environment: dict[str, dict[str, Any]]) -> None:
    for name, entry in environment.items():
        assert FIELDS - {"default"} <= set(entry) <= FIELDS, name
        assert entry["given_by"] in GIVERS, name
        assert entry["functions"], name
        assert entry["what"].endswith("."), name
        assert (entry["read_by"] == "adloom") or not name.startswith("ADLOOM_"), name
