"""Sessions: `nox -s demo` shows the product, `nox -s tests` proves it, `nox -s bench` measures it."""

import os
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "tests"]
nox.options.reuse_existing_virtualenvs = True

LOCK = "requirements.lock"
SAMPLE = "tests/data/sample-catalogue.csv"
BRAND = "tests/data/brand.yaml"


def install(session: nox.Session, *extras: str) -> None:
    """The project with these extras, at the locked versions; torch's processor build lies beside other wheels."""
    if links := os.environ.get("PIP_FIND_LINKS"):
        session.env.setdefault("UV_FIND_LINKS", links)
    session.env.setdefault("UV_COMPILE_BYTECODE", "1")
    session.install("--constraint", LOCK, "--editable", f".[{','.join(extras)}]")


@nox.session
def demo(session: nox.Session) -> None:
    """Creatives for the sample catalogue, from nothing: no server, no account."""
    install(session, "generate")
    out = session.posargs[0] if session.posargs else "demo"
    session.run("adloom", "model", "build")
    session.run("adloom", "inspect", SAMPLE)
    session.run("adloom", "run", SAMPLE, "--brand", BRAND, "--out", out, "--resume")
    session.run("adloom", "audit", out)
    session.log(f"the report is {Path(out).absolute() / 'report.html'}")


@nox.session
def tests(session: nox.Session) -> None:
    """Every test that this machine can run, against real components."""
    install(session, "generate", "gcs", "serve", "dev")
    session.run("adloom", "model", "build")
    session.run("pytest", "--ignore=tests/train", "--ignore=tests/images", *session.posargs)


@nox.session
def train_tests(session: nox.Session) -> None:
    """The tests of training, tracking and the registry, which need torch and MLflow."""
    install(session, "generate", "train", "dev")
    session.run("adloom", "model", "build")
    session.run("pytest", "tests/train", *session.posargs)


@nox.session
def images(session: nox.Session) -> None:
    """The container images: built, run as the manifests have them run, pushed to a registry and pulled back.

    Needs podman and the base image (`podman pull docker.io/library/python:3.11-slim-bookworm`), and docker-registry for
    the last part; what is not there is said, and skipped. ADLOOM_BUILD_FLAGS holds flags for `podman build`, such as a
    volume with the certificate of a proxy. The images stay, as localhost/adloom/<function>:test.
    """
    install(session, "gcs", "serve", "dev")
    session.run("pytest", "tests/images", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types and forms of every file."""
    install(session, "generate", "gcs", "serve", "dev")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy", "functions", "quantize", "tests", "noxfile.py")


@nox.session
def bench(session: nox.Session) -> None:
    """Speed as ratios within one run: `nox -s bench -- ingest`, `-- coldstart`, `-- load`."""
    install(session, "generate", "serve")
    session.run("adloom", "model", "build")
    names = session.posargs or ["coldstart", "ingest", "load"]
    for name in names:
        session.run("python", f"tests/bench/{name}.py")


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve every extra anew. Torch is left out: which build of it fits is the machine's to say."""
    session.install("uv")
    command = ["uv", "pip", "compile", "pyproject.toml", "--all-extras", "--universal", "--python-version", "3.11"]
    session.run(*command, "--no-header", "--no-annotate", "--no-emit-package", "torch", "--output-file", LOCK)
