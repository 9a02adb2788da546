"""The Dockerfile: its targets, what each holds, and who it runs as."""

import ast
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.knative.conftest import tool

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "knative" / "Dockerfile"
TARGETS = {"ingest", "validate", "generate", "score", "feedback", "puller"}


class Stage(NamedTuple):
    """A stage of the Dockerfile: what it starts from, and its instructions."""

    base: str
    steps: list[tuple[str, str]]


def read_stages() -> dict[str, Stage]:
    """The stages by name, with continued lines joined and comments dropped."""
    lines = [line for line in DOCKERFILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    found: dict[str, Stage] = {}
    name = ""
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found[name] = Stage(base, [])
        elif word and name:
            found[name].steps.append((word, rest))
    return found


STAGES = read_stages()


def steps(target: str) -> list[tuple[str, str]]:
    """All instructions that make an image, those of its bases first."""
    stage = STAGES[target]
    return [*(steps(stage.base) if stage.base in STAGES else []), *stage.steps]


def folders(target: str) -> set[str]:
    """Folders below ``functions/`` that an image holds."""
    copied = [rest for word, rest in steps(target) if word == "COPY"]
    return {match[1] for rest in copied if (match := re.search(r" functions/(\w+)$", rest))}


def imports(path: Path) -> set[str]:
    """Folders and modules right below ``functions/`` that a module imports from."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    parts = [name.split(".") for name in names]
    return {part[1] for part in parts if part[0] == "functions" and len(part) > 1}


def test_there_is_a_target_for_each_image_that_the_manifests_name() -> None:
    kustomization = yaml.safe_load((ROOT / "knative/base/kustomization.yaml").read_text(encoding="utf-8"))
    assert {image["name"].rpartition("/")[2] for image in kustomization["images"]} == TARGETS
    assert set(STAGES) >= TARGETS


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_an_image_holds_what_its_code_imports(target: str) -> None:
    held = folders(target)
    assert {"common", target} <= held
    modules = [path for folder in held for path in (ROOT / "functions" / folder).rglob("*.py")]
    # The door of a stage that is there for another's sake is not opened.
    modules = [path for path in modules if path.name != "main.py" or path.parent.name == target]
    wanted = {name for path in modules for name in imports(path)}
    assert wanted <= held, f"add COPY lines to the target {target}"


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_an_image_runs_as_a_user_without_rights_and_has_no_tools_to_build(target: str) -> None:
    made = steps(target)
    users = [rest for word, rest in made if word == "USER"]
    assert users == ["65532:65532"]
    assert not [rest for word, rest in made if word in ("RUN", "ADD")]


@pytest.mark.parametrize("target", sorted(TARGETS - {"puller"}))
def test_an_image_starts_its_own_function(target: str) -> None:
    assert ("ENV", f"FUNCTION_SOURCE=/app/functions/{target}/main.py") in STAGES[target].steps


def test_only_the_images_that_write_hold_the_model() -> None:
    whole = {target for target in TARGETS if ("COPY", "--from=model /models /models") in steps(target)}
    assert whole == {"generate", "score"}


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_the_variables_of_an_image_are_in_the_table_for_it(target: str, environment: dict[str, dict[str, Any]]) -> None:
    usual = {"PATH", "HOME", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
    given = {
        name for word, rest in steps(target) if word == "ENV" for name in re.findall(r"(?:^|\s)([A-Z_]+)=", rest)
    } - usual
    assert given
    for name in given:
        assert target in environment[name]["functions"], name
        assert environment[name]["given_by"] == "image", name


def test_hadolint_finds_no_fault() -> None:
    done = subprocess.run([tool("hadolint"), str(DOCKERFILE)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout
