"""The cases of ``cases.toml``: rule -> (cases that pass, cases that are stopped)."""

import tomllib
from pathlib import Path
from typing import Any

Case = list[Any]

CASES: dict[str, tuple[list[Case], list[Case]]] = {
    rule: (cases["passes"], cases["stops"])
    for rule, cases in tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")).items()
}
