"""What training runs left behind, and how they compare."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from functions.common.errors import InputError, NotFoundError
from functions.common.records import Record


class Training(Record, frozen=True, kw_only=True):
    """What a training run left in ``train.json``.

    Attributes:
        plan: settings; ``figures``: validation loss, seconds, steps; ``curve``: losses by step.
        before: of a later stage, what the adapter that it began with had come from.
    """

    plan: dict[str, float | str]
    figures: dict[str, float]
    curve: list[dict[str, float]] = []
    before: "Training | None" = None


class Trial(Training, frozen=True, kw_only=True):
    """A run of a comparison, by the name of its folder."""

    run: str


def read_trials(folders: Sequence[Path]) -> list[Trial]:
    """The records of several runs, the lowest validation loss first."""
    read = {folder.name: read_training(folder / "train.json") for folder in folders}
    trials = [Trial(run=name, plan=t.plan, figures=t.figures, curve=t.curve) for name, t in read.items()]
    for trial in trials:
        if "validation_loss" not in trial.figures:
            raise InputError(f"{trial.run}: an average of runs has no validation loss; compare the runs")
    return sorted(trials, key=lambda trial: trial.figures["validation_loss"])


def kept_trials(path: Path) -> list[Trial]:
    """What `adloom model trials` wrote; InputError where it is something else."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Trial])
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: no such file; `adloom model trials --out` writes it") from error
    except msgspec.MsgspecError as error:
        raise InputError(f"{path}: is no comparison of runs ({error})") from error


def trials_table(trials: Sequence[Trial]) -> list[list[str]]:
    """Rows for people: the run, the settings in which the runs differ, the loss, the minutes; a head first."""
    names = [name for name in trials[0].plan if len({trial.plan.get(name) for trial in trials}) > 1]
    rows = [["run", *names, "validation loss", "minutes"]]
    for trial in trials:
        settings = [number(trial.plan.get(name, "")) for name in names]
        loss, minutes = trial.figures["validation_loss"], trial.figures["seconds"] / 60
        rows.append([trial.run, *settings, f"{loss:.4f}", f"{minutes:.1f}"])
    return rows


def read_training(path: Path) -> Training:
    """The record of a training run; InputError where it is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Training)
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: no such file; name the folder of a finished `adloom model train`") from error
    except msgspec.MsgspecError as error:
        raise InputError(f"{path}: is no training record ({error})") from error


def training_of(adapter: Path) -> Training | None:
    """The record of an adapter: an average's lies beside it, a run's one folder above; None where there is none."""
    found = [folder / "train.json" for folder in (adapter, adapter.parent) if (folder / "train.json").exists()]
    return read_training(found[0]) if found else None


def averaged(runs: Sequence[Training], rank: int) -> Training:
    """The record of an average of runs, cut to a rank: settings in which they differ one beside the other, all work.

    A loss of its own is measured by nobody; those of the runs stand in their records.
    """
    names = dict.fromkeys(name for run in runs for name in run.plan)
    values = {name: [number(run.plan[name]) for run in runs if name in run.plan] for name in names}
    plan = {name: ", ".join(dict.fromkeys(found)) for name, found in values.items()}
    work = {name: sum(run.figures[name] for run in runs) for name in ("steps", "seconds")}
    own = {"rank": rank, "alpha": rank, "averaged": len(runs)}
    before = runs[0].before if all(run.before == runs[0].before for run in runs) else None
    return Training(plan={**plan, **own}, figures=work, before=before)


def number(value: float | str) -> str:
    """A setting or figure as people write it."""
    return value or "none" if isinstance(value, str) else f"{value:g}"
