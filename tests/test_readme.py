"""The commands of the README, run as they stand there."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from functions.common.models import Models

ROOT = Path(__file__).parent.parent
COMMANDS = re.findall(r"^\$ (.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_readme_shows_commands() -> None:
    assert sum(command.startswith("adloom") for command in COMMANDS) >= 6


def test_the_adloom_commands_work_in_their_order(models: Models, tmp_path: Path) -> None:
    assert models.manifest("writer")
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for command in COMMANDS:
        program, *arguments = shlex.split(command)
        if program == "adloom":
            line = [sys.executable, "-m", "functions.cli", *arguments]
            done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert (tmp_path / "ads" / "report.html").is_file()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("nox")])
def test_the_sessions_that_the_readme_names_exist(command: str) -> None:
    session = shlex.split(command)[2]
    assert f"def {session}(session: nox.Session)" in (ROOT / "noxfile.py").read_text(encoding="utf-8")


def test_linked_documents_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target
