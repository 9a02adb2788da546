"""What `adloom up` says: one line for each start, event and fault, with the time and who says it."""

import logging

import msgspec
from rich.console import Console
from rich.text import Text

_STYLES = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "red"}
_LEVELS = {"WARNING": logging.WARNING, "ERROR": logging.ERROR, "CRITICAL": logging.CRITICAL}


class Lines(logging.Handler):
    """Shows records as lines that are not wrapped, in colour where there is a terminal."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        moment = self.formatter.formatTime(record, "%H:%M:%S") if self.formatter else ""
        who = record.name.removeprefix("adloom.")
        line = Text(f"{moment} ", style="dim") + Text(f"{who:9}", style="cyan")
        self._console.print(line + Text(self.format(record), style=_STYLES.get(record.levelno, "")), soft_wrap=True)


def speak() -> None:
    """Show what everything here logs, on standard error."""
    logging.basicConfig(level=logging.INFO, handlers=[Lines(Console(stderr=True, highlight=False))])
    logging.getLogger("httpx").setLevel(logging.WARNING)


def heard(line: str) -> tuple[int, str]:
    """Level and words of a line that a function logged: as JSON, or however else."""
    try:
        found = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return logging.INFO, line
    if not isinstance(found, dict) or not isinstance(found.get("message"), str):
        return logging.INFO, line
    return _LEVELS.get(str(found.get("severity")), logging.INFO), found["message"]
