"""The images of ``knative/Dockerfile`` and containers of them, by podman, run as the manifests would have them run."""

import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.conftest import free_port

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "knative" / "Dockerfile"
TARGETS = ("generate", "score", "ingest", "validate", "feedback", "puller")
"""The largest first: the others find most of their layers made."""


def base_image() -> str:
    """What the Dockerfile starts from where it is not told otherwise."""
    found = re.search(r"^ARG PYTHON=(\S+)$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return found[1]


def podman(*words: str, seconds: float = 120) -> str:
    """What a call of podman prints; AssertionError with its complaint where it fails."""
    done = subprocess.run(["podman", *words], capture_output=True, text=True, check=False, timeout=seconds)
    assert done.returncode == 0, f"podman {shlex.join(words)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout.strip()


def build(target: str) -> str:
    """The name of the image of a target, built anew but for layers that are the same."""
    name = f"localhost/adloom/{target}:test"
    flags = shlex.split(os.environ.get("ADLOOM_BUILD_FLAGS", ""))
    where = ["--file", str(DOCKERFILE), "--ignorefile", f"{DOCKERFILE}.dockerignore", "--target", target, "--tag", name]
    podman("build", "--layers", "--network=host", "--pull=never", *where, *flags, str(ROOT), seconds=900)
    return name


def image(name: str) -> dict[str, Any]:
    """What podman knows of an image."""
    (found,) = json.loads(podman("image", "inspect", name))
    assert isinstance(found, dict)
    return found


def asked_of(name: str, code: str) -> Any:
    """What Python code prints inside an image, as JSON."""
    return json.loads(podman("run", "--rm", "--network=none", "--read-only", "--entrypoint=python", name, "-c", code))


@dataclass
class Container:
    """A container that is ready: how long that took, and what it held in memory then."""

    target: str
    name: str
    client: httpx.Client
    seconds: float
    memory: str


@contextmanager
def running(target: str, name: str, settings: dict[str, str], volumes: list[str]) -> Iterator[Container]:
    """A container of a target's image, with the limits and the settings of its manifest, and those that are given."""
    port = free_port()
    environment = {**_settings(target), "HOST": "127.0.0.1", "PORT": str(port), **settings}
    words = [f"--env={key}={value}" for key, value in environment.items()] + [f"--volume={each}" for each in volumes]
    before = time.monotonic()
    container = podman("run", "--detach", "--network=host", *_confinement(target), *words, name)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=280.0, trust_env=False) as client:
            _wait(client, container)
            seconds = time.monotonic() - before
            (stats,) = json.loads(podman("stats", "--no-stream", "--format=json", container))
            yield Container(target, container, client, seconds, stats["mem_usage"].partition(" /")[0])
    finally:
        podman("rm", "--force", "--time=1", container)


def _manifest(target: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The pod of a target, and its container, before an overlay changes them."""
    text = (ROOT / "knative" / "base" / f"{target}.yaml").read_text(encoding="utf-8")
    pod = next(yaml.safe_load_all(text))["spec"]["template"]["spec"]
    return pod, pod["containers"][0]


def _settings(target: str) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in _manifest(target)[1]["env"]}


def _confinement(target: str) -> list[str]:
    """What a container may not do, and how much memory it may take."""
    pod, container = _manifest(target)
    (tmp,) = (volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"] if volume["name"] == "tmp")
    return [
        "--read-only",
        "--read-only-tmpfs=false",
        f"--tmpfs=/tmp:rw,mode=1777,size={_bytes(tmp)}",
        f"--memory={_bytes(container['resources']['limits']['memory'])}",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
    ]


def _bytes(quantity: str) -> int:
    """Bytes of a quantity as Kubernetes writes it."""
    powers = {"Ki": 10, "Mi": 20, "Gi": 30}
    return int(quantity[:-2]) << powers[quantity[-2:]]


def _wait(client: httpx.Client, container: str, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and podman("inspect", "--format={{.State.Running}}", container) == "true":
        try:
            if client.get("/readyz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"the container does not get ready:\n{logs(container)}")


def logs(container: str) -> str:
    """What a container has said, on both streams."""
    done = subprocess.run(["podman", "logs", container], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr
