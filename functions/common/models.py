"""Where models lie on this machine, and what each says of itself."""

import hashlib
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from platformdirs import user_cache_path

from functions.common.errors import ModelError
from functions.common.records import Record
from functions.common.writer import Writer, open_writer

if TYPE_CHECKING:
    from functions.common.embedder import Embedder

Role = Literal["writer", "embedder"]

MANIFEST = "adloom.json"
REFERENCES = "references.txt"


class Manifest(Record, frozen=True, kw_only=True):
    """What a model folder holds, and what it was made from.

    Attributes:
        role: ``writer`` or ``embedder``.
        family: ``llama``, ``t5`` or ``bert``.
        prompt: which prompts the model understands: ``examples`` for a base model, ``house`` for one of Adloom's own.
        version: short hash of recipe and files; creatives carry it.
        recipe: hash of all that decides the outcome of the build; the same recipe is not built twice.
        model, licence: of the base weights.
        quantization: numeric type of the matrices.
        files: name -> sha256.
    """

    role: Role
    family: Literal["llama", "t5", "bert"]
    prompt: str = ""
    version: str
    recipe: str
    model: str
    licence: str
    quantization: str
    files: dict[str, str]


def models_folder() -> Path:
    """``ADLOOM_MODELS``, else the user's cache folder."""
    named = os.environ.get("ADLOOM_MODELS")
    return Path(named) if named else user_cache_path("adloom") / "models"


def read_manifest(folder: Path, *, whole: bool = True) -> Manifest:
    """What a model folder says of itself.

    Args:
        whole: whether the files must be there too; an image that only names the models has none.

    Raises:
        ModelError: the manifest is missing or damaged, or files are.
    """
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError as error:
        raise ModelError(f"{folder}: no model here; run `adloom model build`") from error
    except msgspec.DecodeError as error:
        raise ModelError(f"{folder / MANIFEST}: {error}; run `adloom model build --force`") from error
    if whole and (missing := [name for name in manifest.files if not (folder / name).is_file()]):
        raise ModelError(f"{folder}: {missing[0]} is missing; run `adloom model build --force`")
    return manifest


def damaged(folder: Path, manifest: Manifest) -> list[str]:
    """Files whose bytes are not those that the manifest names."""
    return [name for name, sha256 in manifest.files.items() if file_sha256(folder / name) != sha256]


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Models:
    """The models of a folder, each loaded when it is first asked for.

    Loading waits for the first use because CTranslate2 does not survive a fork: a server's parent process must
    not have loaded it. ``ADLOOM_THREADS`` says how many threads a model takes; all cores where it is not set.
    """

    def __init__(self, folder: Path | None = None, threads: int = 0) -> None:
        self.folder = folder or models_folder()
        self.threads = threads or int(os.environ.get("ADLOOM_THREADS", "0")) or os.cpu_count() or 1

    def manifest(self, role: Role) -> Manifest:
        """What the model in a role says of itself; its weights need not be there."""
        return read_manifest(self.folder / role, whole=False)

    @cached_property
    def writer(self) -> Writer:
        """The language model."""
        return open_writer(self.folder / "writer", read_manifest(self.folder / "writer").family, self.threads)

    @cached_property
    def references(self) -> list[str]:
        """The texts that the language model was shown, which it must not repeat: worked examples or its corpus."""
        return (self.folder / "writer" / REFERENCES).read_text(encoding="utf-8").splitlines()

    @cached_property
    def embedder(self) -> "Embedder":
        """The sentence embedding."""
        # Imported here: numpy is not in the images that hold no model.
        from functions.common.embedder import Embedder

        read_manifest(self.folder / "embedder")
        return Embedder(self.folder / "embedder", self.threads)
