"""Generate's door, which says on standard error when each step of its waking is done; for `coldstart.py` alone."""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from functions.common import writer
from functions.common.serving.door import Door
from functions.common.serving.waiting import Line
from functions.generate import main
from functions.generate.main import handle as handle
from functions.score import stage as score

BORN = float(os.environ["ADLOOM_BENCH_BORN"])


def say(step: str) -> None:
    sys.stderr.write(f"step {1000 * (time.time() - BORN):.1f} {step}\n")  # In one piece: several threads tell.


def traced(owner: Any, name: str, step: str) -> None:
    """Say when a function is entered and when it is left; ``{}`` in the step is what a model is called for."""
    original: Callable[..., Any] = getattr(owner, name)

    def told(*arguments: Any, **named: Any) -> Any:
        said = step.format(arguments[1]) if "{}" in step else step
        say(f"{said}: begins")
        try:
            return original(*arguments, **named)
        finally:
            say(f"{said}: done")

    setattr(owner, name, told)


say("the function's modules imported")
traced(writer.Engine, "__init__", "weights")
traced(writer.LlamaWriter, "__init__", "writer")
traced(main.models, "_prepare", "word lists and references")
traced(Door, "__call__", "request")
traced(Line, "ask", "a model's turn, {}")
traced(score, "run", "scoring")
