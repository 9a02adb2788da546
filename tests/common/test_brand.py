from pathlib import Path

import pytest

from functions.common.brand import Brand, read_brand
from functions.common.errors import InputError


def test_without_a_file_the_brand_is_neutral() -> None:
    assert read_brand(None) == Brand()


def test_a_brand_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "brand.yaml"
    path.write_text("name: Nook\nvoice: premium\nbanned_terms: [cheap]\n")
    assert read_brand(path) == Brand(name="Nook", voice="premium", banned_terms=["cheap"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [", "is not YAML"),
        ("voice: shouty", "voice"),
        ("colour: red", "colour"),
        ("- a\n- b", "Expected `object`"),
        ("!!python/object/apply:os.system ['true']", "is not YAML"),
    ],
)
def test_a_wrong_brand_file_is_explained(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "brand.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_brand(path)


def test_a_missing_brand_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.yaml: no such file"):
        read_brand(tmp_path / "nowhere.yaml")


def test_another_voice_is_another_version() -> None:
    assert Brand(voice="plain").version != Brand(voice="expert").version
