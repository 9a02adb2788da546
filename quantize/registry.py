"""The registry of models, on MLflow: versions, the aliases ``champion`` and ``challenger``, promotion and rollback.

The rule of promotion stands in `quantize.promotion`.
"""

import subprocess
import tempfile
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

import mlflow
import msgspec
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from functions.common.errors import InputError
from functions.common.models import Manifest, Models, damaged
from functions.common.records import Record
from functions.common.version import __version__
from quantize import promotion
from quantize.figures import Report
from quantize.promotion import GateReport
from quantize.tracking import faults

CHAMPION, CHALLENGER = "champion", "challenger"
_ROOT = Path(__file__).parents[1]


class Registered(Record, frozen=True, kw_only=True):
    """A version of the registered model.

    Attributes:
        number: of the version in the registry.
        model: the model's own version, which creatives carry.
        aliases: ``champion``, ``challenger``, both or none.
        tags: git_sha, data_hash, quantization, gate_report and what became of it.
    """

    number: int
    model: str
    aliases: list[str]
    tags: dict[str, str]


class Registry:
    """The versions of one registered model in the tracking store that MLflow is connected to.

    Args:
        name: of the registered model.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._client = MlflowClient()

    def register(self, models: Models, report: Report) -> Registered:
        """Log the models as a pyfunc with their evaluation, as a new version under the alias ``challenger``.

        Raises:
            InputError: the evaluation is not of this model.
            ModelError: the model is missing or damaged.
        """
        writer = models.manifest("writer")
        if bad := damaged(models.folder / "writer", writer):
            raise InputError(f"{models.folder / 'writer' / bad[0]}: is damaged; run `adloom model build --force`")
        gate_report = promotion.first(writer.version, report)
        with faults(), mlflow.start_run(run_name=f"register {writer.version}"):
            mlflow.log_params({"model": writer.model, "version": writer.version, "prompt": writer.prompt})
            mlflow.log_metric("passed", gate_report.challenger_passed)
            mlflow.log_text(_json(report), "evaluation.json")
            made = mlflow.register_model(_log_model(models), self.name, tags=_tags(writer, report, gate_report))
            self._client.set_registered_model_alias(self.name, CHALLENGER, made.version)
        return self.version(int(made.version))

    def versions(self) -> list[Registered]:
        """Every version, the newest first; none where nothing was registered."""
        with faults():
            found = self._client.search_model_versions(f"name='{self.name}'")
        numbers = sorted((int(each.version) for each in found), reverse=True)
        return [self.version(number) for number in numbers]

    def version(self, number: int) -> Registered:
        """A version by its number; InputError where it is not there."""
        return _registered(self._fetched(number))

    def at(self, alias: str) -> Registered | None:
        """The version that an alias points to."""
        try:
            return _registered(self._client.get_model_version_by_alias(self.name, alias))
        except MlflowException:
            return None

    def compare(self, number: int, against: int) -> GateReport:
        """What the gate report of one version against another says."""
        ours, theirs = self.version(number), self.version(against)
        reports = [self._report(number), self._report(against)]
        return promotion.compare(ours.model, theirs.model, reports)

    def promote(self, number: int | None = None, *, force: bool = False) -> GateReport:
        """Make a version the champion, the challenger where none is named.

        Args:
            force: even where the gate report does not say ``better``; the version's tag ``forced`` says so.

        Raises:
            InputError: there is no challenger, it is champion already, or the gate report does not say ``better``.
        """
        asked = self.version(number) if number else self.at(CHALLENGER)
        if asked is None:
            raise InputError(f"{self.name}: there is no challenger; register a model, or name a version")
        champion = self.at(CHAMPION)
        if champion and champion.number == asked.number:
            raise InputError(f"{self.name}: version {asked.number} is the champion already")
        report = self._judged(asked, champion)
        # Kept in either case: a refusal is something to look up later.
        self._tag(asked.number, "gate_report", _json(report))
        if report.verdict == "not better" and not force:
            raise InputError(
                f"{self.name}: version {asked.number} is not better than the champion, {report.champion}: "
                f"{report.reason}; --force promotes it even so"
            )
        if report.verdict == "not better":
            self._tag(asked.number, "forced", "true")
        if champion:
            self._tag(asked.number, "before", str(champion.number))
        with faults():
            self._client.set_registered_model_alias(self.name, CHAMPION, str(asked.number))
            if CHALLENGER in asked.aliases:
                self._client.delete_registered_model_alias(self.name, CHALLENGER)
        return report

    def rollback(self) -> Registered:
        """Make the version before the champion the champion again.

        Raises:
            InputError: there is no champion, or none was before it.
        """
        champion = self.at(CHAMPION)
        if champion is None:
            raise InputError(f"{self.name}: there is no champion to roll back")
        before = champion.tags.get("before")
        if not before:
            raise InputError(f"{self.name}: version {champion.number} is the first champion; there is none before it")
        self._tag(champion.number, "rolled_back_to", before)
        with faults():
            self._client.set_registered_model_alias(self.name, CHAMPION, before)
        return self.version(int(before))

    def _judged(self, asked: Registered, champion: Registered | None) -> GateReport:
        if champion is None:
            return promotion.first(asked.model, self._report(asked.number))
        return self.compare(asked.number, champion.number)

    def _report(self, number: int) -> Report:
        with faults(), tempfile.TemporaryDirectory() as folder:
            run = self._fetched(number).run_id
            path = mlflow.artifacts.download_artifacts(run_id=run, artifact_path="evaluation.json", dst_path=folder)
            return msgspec.json.decode(Path(path).read_bytes(), type=Report)

    def _fetched(self, number: int) -> ModelVersion:
        try:
            return self._client.get_model_version(self.name, str(number))
        except MlflowException as error:
            raise InputError(f"{self.name}: there is no version {number}; see `adloom model list`") from error

    def _tag(self, number: int, name: str, value: str) -> None:
        with faults():
            self._client.set_model_version_tag(self.name, str(number), name, value)


def _registered(found: ModelVersion) -> Registered:
    tags = dict(found.tags)
    return Registered(
        number=int(found.version), model=tags.get("model_version", ""), aliases=sorted(found.aliases), tags=tags
    )


def _tags(writer: Manifest, report: Report, gate_report: GateReport) -> dict[str, Any]:
    return {
        "model_version": writer.version,
        "git_sha": git_sha(),
        "data_hash": report.corpus,
        "quantization": writer.quantization,
        "gate_report": _json(gate_report),
    }


def _log_model(models: Models) -> str:
    """Log the pyfunc; its address."""
    from quantize.pyfunc import EXAMPLE, SIGNATURE

    info = mlflow.pyfunc.log_model(
        name="writer",
        python_model=str(Path(__file__).with_name("pyfunc.py")),
        artifacts={role: str(models.folder / role) for role in ("writer", "embedder")},
        code_paths=[str(_ROOT / "functions")],
        signature=SIGNATURE,
        input_example=EXAMPLE,
        pip_requirements=requirements(),
    )
    uri: str = info.model_uri
    return uri


def requirements() -> list[str]:
    """What the pyfunc's environment needs, at the versions installed here: Adloom's own needs, no torch."""
    try:
        declared = requires("adloom") or []
    except PackageNotFoundError as error:
        raise InputError("the package adloom is not installed here; pip install -e '.[train,generate]'") from error
    wanted = [line for line in declared if "extra ==" not in line or "generate" in line.partition("extra ==")[2]]
    names = sorted({_name(line) for line in wanted})
    return [f"mlflow=={version('mlflow')}", *(f"{name}=={version(name)}" for name in names)]


def _name(requirement: str) -> str:
    return "".join(char if char.isalnum() or char in "-_." else " " for char in requirement).split()[0]


def git_sha() -> str:
    """The commit of the code, with ``-dirty`` where it was changed since; the package's version outside a checkout."""
    command = ["git", "-C", str(_ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--match", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else f"adloom {__version__}"


def _json(record: Record) -> str:
    return msgspec.json.encode(record, order="deterministic").decode()
