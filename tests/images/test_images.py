"""What is in the images, how large they are, and whether a registry gives back what was pushed."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import free_port, wait_for
from tests.images.podman import asked_of, image, podman

pytestmark = pytest.mark.timeout(1200)

HEAVY = {"generate", "score"}
TOOLS = ("cc", "gcc", "c++", "g++", "clang", "ld", "as", "make", "strip", "cargo", "git", "curl", "wget")
FOREIGN = {"torch", "transformers", "pandas", "mlflow", "dagster", "apache-airflow", "pytest", "pip", "gguf", "adloom"}
INSIDE = f"""
import importlib.metadata, json, os, pathlib, shutil
print(json.dumps({{
    "user": [os.getuid(), os.getgid(), os.geteuid()],
    "tools": [name for name in {TOOLS} if shutil.which(name)],
    "packages": sorted({{d.name.lower() for d in importlib.metadata.distributions()}}),
    "models": sorted(path.parent.name for path in pathlib.Path("/models").glob("*/model.bin")),
    "writable": [top for top, _, _ in os.walk("/") if not top.startswith(("/dev", "/proc", "/sys", "/tmp"))
                 and os.access(top, os.W_OK) and os.stat(top).st_mode & 0o1000 == 0],
    "stale": [str(path) for path in pathlib.Path("/app").rglob("*.py")
              if not (path.parent / "__pycache__" / f"{{path.stem}}.cpython-311.pyc").exists()],
}}))
"""


def test_an_image_is_small(target: str, images: dict[str, str], base: str) -> None:
    most = 600e6 if target in HEAVY else 250e6
    assert 0 < image(images[target])["Size"] - image(base)["Size"] <= most


def test_an_image_holds_what_it_needs_and_nothing_to_build_with(target: str, images: dict[str, str]) -> None:
    found = asked_of(images[target], INSIDE)
    assert found["user"] == [65532, 65532, 65532]
    assert found["tools"] == []
    assert not FOREIGN & set(found["packages"])
    assert {"functions-framework", "polars"} <= set(found["packages"])
    assert found["models"] == (["embedder", "writer"] if target in HEAVY else [])
    assert found["writable"] == []
    assert found["stale"] == [], "bytecode is missing, and each start would compile it again"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry on this machine; its host and port."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry, of Debian's package of that name, is not installed")
    folder = tmp_path_factory.mktemp("registry")
    host = f"127.0.0.1:{free_port()}"
    settings = folder / "config.yml"
    settings.write_text(
        f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nhttp: {{addr: '{host}'}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder / 'data'}}}}}\n",
        encoding="utf-8",
    )
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([program, "serve", str(settings)], stdout=log, stderr=log)
    try:
        wait_for(f"http://{host}/v2/")
        yield host
    finally:
        server.terminate()
        server.wait(timeout=20)
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Flags of a podman that has none of the images yet."""
    folder = tmp_path_factory.mktemp("elsewhere")
    yield [f"--root={folder / 'root'}", f"--runroot={folder / 'run'}"]
    shutil.rmtree(folder)


def test_an_image_comes_back_from_a_registry_by_its_digest(
    target: str, images: dict[str, str], registry: str, elsewhere: list[str], tmp_path: Path
) -> None:
    place, said = f"{registry}/adloom/{target}", tmp_path / "digest"
    podman("push", "--tls-verify=false", f"--digestfile={said}", images[target], f"docker://{place}:test", seconds=600)
    digest = said.read_text(encoding="utf-8").strip()
    pulled = podman(*elsewhere, "pull", "--quiet", "--tls-verify=false", f"{place}@{digest}", seconds=600)
    assert pulled.splitlines()[-1] == image(images[target])["Id"]
