"""A look at the machine: what Adloom needs, what is there, and how to get the rest."""

import importlib.util
import os
import platform
import shutil
import sys
from pathlib import Path

from functions.common.errors import ModelError
from functions.common.models import damaged, read_manifest
from functions.common.records import Record

_ROOM = 2 * 2**30
"""Bytes that building the models takes at its widest."""


class Finding(Record, frozen=True, kw_only=True):
    """One thing that was looked at."""

    what: str
    found: str
    advice: str = ""
    missing: bool = False


def examine(models: Path) -> list[Finding]:
    """Everything that a run on this machine depends on."""
    return [_python(), *_packages(), _openmp(), _processor(), _room(models), *_models(models), _credentials()]


def _python() -> Finding:
    version = platform.python_version()
    old = sys.version_info < (3, 11)
    return Finding(what="Python", found=version, missing=old, advice="install Python 3.11 or newer" if old else "")


def _packages() -> list[Finding]:
    wanted = {"ctranslate2": "generate", "tokenizers": "generate", "gguf": "generate", "google.cloud.storage": "gcs"}
    findings = []
    for name, extra in wanted.items():
        there = _importable(name)
        advice = "" if there else f"pip install 'adloom[{extra}]'"
        optional = extra == "gcs"
        found = "installed" if there else "not installed" + (" (for gs:// only)" if optional else "")
        findings.append(Finding(what=name, found=found, missing=not there and not optional, advice=advice))
    return findings


def _importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _openmp() -> Finding:
    there = _importable("cmeel") and importlib.util.find_spec("cmeel") is not None
    if there:
        return Finding(what="LLVM OpenMP", found="installed: two threads are faster than one")
    advice = "pip install cmeel-libomp (generation is about half as fast without)"
    return Finding(what="LLVM OpenMP", found="not installed", advice=advice)


def _processor() -> Finding:
    return Finding(what="processor", found=f"{platform.machine()}, {os.cpu_count()} cores")


def _room(models: Path) -> Finding:
    folder = next(parent for parent in [models, *models.absolute().parents] if parent.exists())
    free = shutil.disk_usage(folder).free
    short = free < _ROOM
    advice = "free some space, or set ADLOOM_MODELS to a folder that has it" if short else ""
    return Finding(what="disk", found=f"{free / 2**30:.1f} GiB free for {models}", missing=short, advice=advice)


def _models(models: Path) -> list[Finding]:
    findings = []
    for role in ("writer", "embedder"):
        try:
            manifest = read_manifest(models / role)
        except ModelError:
            findings.append(Finding(what=f"model: {role}", found="none", missing=True, advice="adloom model build"))
            continue
        bad = damaged(models / role, manifest)
        found = f"{bad[0]} is damaged" if bad else f"{manifest.model}, version {manifest.version}"
        advice = "adloom model build --force" if bad else ""
        findings.append(Finding(what=f"model: {role}", found=found, missing=bool(bad), advice=advice))
    return findings


def _credentials() -> Finding:
    if os.environ.get("STORAGE_EMULATOR_HOST"):
        return Finding(what="Google Cloud", found=f"emulator at {os.environ['STORAGE_EMULATOR_HOST']}")
    usual = Path.home() / ".config" / "gcloud" / "application_default_credentials.json"
    there = usual.exists() or bool(os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"))
    advice = "" if there else "gcloud auth application-default login"
    found = "credentials found" if there else "no credentials (needed for gs:// only)"
    return Finding(what="Google Cloud", found=found, advice=advice)
