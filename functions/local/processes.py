"""Processes that are kept running: what ends is started again, a little later each time."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence

from functions.local.voices import heard

log = logging.getLogger("adloom.up")

FIRST_WAIT = 0.5
"""Seconds before the first restart; each further one waits twice as long."""

LONGEST_WAIT = 30.0

STEADY = 60.0
"""Seconds after which a process counts as one that runs, and its faults are forgotten."""

PATIENCE = 10.0
"""Seconds in which a process may end by itself when told to."""

_LEASH = (
    "import ctypes, os, sys; prctl = getattr(ctypes.CDLL(None), 'prctl', None); "
    "prctl and prctl(1, 15); os.execv(sys.argv[1], sys.argv[1:])"
)
"""On Linux, has the process terminated when the one that started it dies in whatever way (PR_SET_PDEATHSIG)."""


class Child:
    """A process that is wanted."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self._command = [sys.executable, "-S", "-c", _LEASH, *command]
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._faults = 0
        self._began = 0.0
        self._due = 0.0

    @property
    def pid(self) -> int:
        """Of the process, 0 while it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else 0

    def tend(self) -> None:
        """Start the process where it should run and does not, unless it is to wait."""
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return
            self._ended(code)
        if time.monotonic() >= self._due:
            self._start()

    def tell(self) -> None:
        """Ask the process to end."""
        if self.pid:
            self._signal(signal.SIGTERM)

    def end(self, deadline: float) -> None:
        """See that the process ends by a moment of the monotonic clock, and all that it started with it."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("%s does not end; it is killed", self.name)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _start(self) -> None:
        self._began = time.monotonic()
        # A session of its own: Ctrl-C in the terminal reaches the one who tends, and it alone says when to end.
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.info("%s starts, process %d", self.name, self._process.pid)
        threading.Thread(target=self._hear, args=(self._process,), daemon=True).start()

    def _ended(self, code: int) -> None:
        self._signal(signal.SIGKILL)  # Workers that outlive their master would keep its port.
        self._process = None
        self._faults = 1 if time.monotonic() - self._began > STEADY else self._faults + 1
        wait = min(FIRST_WAIT * 2.0 ** (self._faults - 1), LONGEST_WAIT)
        self._due = time.monotonic() + wait
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        log.warning("%s %s; it starts again in %.1f s", self.name, how, wait)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            try:
                os.killpg(self._process.pid, number)
            except (ProcessLookupError, PermissionError):
                return  # All of the group are gone.

    def _hear(self, process: subprocess.Popen[bytes]) -> None:
        voice = logging.getLogger(f"adloom.{self.name}")
        with process.stdout or open(os.devnull, "rb") as lines:  # noqa: PTH123
            for line in lines:
                if text := line.decode(errors="replace").rstrip():
                    level, words = heard(text)
                    voice.log(level, "%s", words)


def end_all(children: Sequence[Child]) -> None:
    """End processes side by side: asked first, killed where they do not."""
    for child in children:
        child.tell()
    deadline = time.monotonic() + PATIENCE
    for child in children:
        child.end(deadline)
