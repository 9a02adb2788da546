import datetime

import pytest

from functions.common.errors import InputError
from functions.common.platforms import chosen, columns, platforms, widest


@pytest.mark.parametrize(
    ("text", "wide", "length"),
    [
        ("plain text", 2, 10),
        ("日本語", 2, 6),
        ("日本語", 1, 3),
        ("e\u0301te\u0301", 2, 3),
        ("ＡＢＣ", 2, 6),
        ("", 2, 0),
    ],
)
def test_length_is_counted_in_display_columns(text: str, wide: int, length: int) -> None:
    assert columns(text, wide) == length


def test_google_counts_a_double_width_character_twice_and_meta_once() -> None:
    known = platforms()
    assert known["google_rsa"].columns("漢字") == 4
    assert known["meta_feed"].columns("漢字") == 2


def test_every_platform_says_where_its_limits_come_from() -> None:
    for platform in platforms().values():
        assert platform.source.startswith("https://")
        assert isinstance(platform.checked, datetime.date)
        for limit in platform.fields.values():
            assert 0 <= limit.min <= limit.max
            assert limit.one_within is None or limit.one_within < limit.limit


def test_platforms_come_once_and_in_a_fixed_order() -> None:
    assert [p.name for p in chosen(["x", "google_rsa", "x"])] == ["google_rsa", "x"]


def test_an_unknown_platform_is_named_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'orkut' is not known; choose among google_rsa"):
        chosen(["orkut"])


def test_no_platform_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="no platform"):
        chosen([])


def test_the_widest_limit_is_that_of_the_roomiest_platform() -> None:
    assert widest("headline", chosen(["google_rsa", "pinterest"])) == 100
    assert widest("headline", chosen(["tiktok"])) == 0
