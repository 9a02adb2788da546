"""The manifests as kustomize renders them."""

import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
KNATIVE = ROOT / "knative"
OVERLAYS = ("staging", "production", "always-on", "kafka", "local")

Document = dict[str, Any]


def tool(name: str) -> str:
    """A program of the extra ``dev``, which lies beside the interpreter."""
    return str(Path(sys.executable).with_name(name))


@pytest.fixture(scope="session")
def kustomize() -> Callable[[str], list[Document]]:
    """Renders a folder below ``knative/``; the documents are shared, so no test changes them."""
    command = [tool("kubectl"), "kustomize"]

    @cache
    def render(folder: str) -> list[Document]:
        done = subprocess.run(
            [*command, str(KNATIVE / folder)], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr, done.stderr  # Deprecated fields are announced there.
        return [document for document in yaml.safe_load_all(done.stdout) if document]

    return render


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    """The name of each overlay in turn."""
    return str(request.param)


@pytest.fixture
def documents(overlay: str, kustomize: Callable[[str], list[Document]]) -> list[Document]:
    """The documents of each overlay in turn."""
    return kustomize(f"overlays/{overlay}")


@pytest.fixture
def production(kustomize: Callable[[str], list[Document]]) -> list[Document]:
    """The documents of production."""
    return kustomize("overlays/production")


@pytest.fixture(scope="session")
def environment() -> dict[str, dict[str, Any]]:
    """The table of variables."""
    text = (ROOT / "functions/common/environment.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
