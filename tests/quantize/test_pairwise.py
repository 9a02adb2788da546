from pathlib import Path

import pytest
from typer.testing import CliRunner

from functions.cli import app
from functions.common.errors import InputError, NotFoundError
from functions.common.models import Models
from functions.common.records import Product, Source
from quantize.authors import Copy
from quantize.jsonlines import read_lines, write_lines
from quantize.pairwise import Key, Pair, Vote, pairs_of, results
from quantize.statistics import paired_bootstrap, wilson

PRODUCTS = [
    Product(product_id=str(n), title=f"Scarf {n}", attributes={"Colour": "Red"}, source=Source(file="s.csv", row=n))
    for n in range(40)
]
OURS: list[Copy] = [{"headline": f"Ours {n}", "hashtags": "#scarf"} for n in range(40)]
THEIRS: list[Copy] = [{"headline": f"Theirs {n}"} for n in range(40)]
NAMES = ["Adloom", "template"]


def test_the_order_is_shuffled_and_only_the_key_tells_who_wrote_what() -> None:
    pairs, keys = pairs_of(PRODUCTS, NAMES, [OURS, THEIRS], seed=3)
    assert [pair.pair for pair in pairs] == [key.pair for key in keys]
    assert 8 < sum(1 for key in keys if key.A == "Adloom") < 32
    for pair, key in zip(pairs, keys, strict=True):
        sides = {key.A: pair.A["headline"], key.B: pair.B["headline"]}
        assert sides["Adloom"].removeprefix("Ours ") == sides["template"].removeprefix("Theirs ")
        assert "hashtags" not in pair.A | pair.B
    assert [pair.product["title"] for pair in pairs] != [product.title for product in PRODUCTS]


def test_pairs_repeat_with_their_seed_and_change_with_another() -> None:
    assert pairs_of(PRODUCTS, NAMES, [OURS, THEIRS], 3) == pairs_of(PRODUCTS, NAMES, [OURS, THEIRS], 3)
    assert pairs_of(PRODUCTS, NAMES, [OURS, THEIRS], 3) != pairs_of(PRODUCTS, NAMES, [OURS, THEIRS], 4)


def test_a_product_with_nothing_to_compare_is_left_out() -> None:
    ours = [{}, {"headline": "Same"}, *OURS[2:]]
    theirs = [{"headline": "One"}, {"headline": "Same"}, *THEIRS[2:]]
    pairs, _ = pairs_of(PRODUCTS, NAMES, [ours, theirs])
    assert len(pairs) == 38


def test_wins_ties_and_losses_are_counted_through_the_key() -> None:
    keys = [
        Key(pair=str(n), A="Adloom", B="base") if n % 2 else Key(pair=str(n), A="base", B="Adloom") for n in range(10)
    ]
    votes = [Vote(pair="0", vote="B"), Vote(pair="1", vote="A"), Vote(pair="2", vote="A"), Vote(pair="3", vote="tie")]
    (found,) = results(keys, votes, "Adloom")
    assert (found.win, found.tie, found.win_or_tie) == (0.5, 0.25, 0.75)
    assert (found.pairs, found.unread, found.votes, found.against) == (4, 6, 4, "base")
    assert found.win_low < 0.5 < found.win_high
    assert results(keys, votes, "base")[0].win == 0.25


def test_several_rivals_are_read_mixed_and_counted_apart() -> None:
    pairs, keys = pairs_of(PRODUCTS, ["Adloom", "template", "base"], [OURS, THEIRS, THEIRS], seed=3)
    assert len(pairs) == len({pair.pair for pair in pairs}) == 80
    first_half = {key.A if key.B == "Adloom" else key.B for key in keys[:40]}
    assert first_half == {"template", "base"}
    votes = [Vote(pair=k.pair, vote="A" if (k.A == "Adloom") == ("base" in (k.A, k.B)) else "B") for k in keys]
    found = {each.against: each for each in results(keys, votes, "Adloom")}
    assert (found["base"].win, found["base"].pairs) == (1.0, 40)
    assert (found["template"].win, found["template"].pairs) == (0.0, 40)


def test_readers_of_the_same_pair_share_its_one_voice() -> None:
    keys = [Key(pair="0", A="Adloom", B="base"), Key(pair="1", A="Adloom", B="base")]
    votes = [Vote(pair="0", vote="A", reader=name) for name in ("ann", "ben", "cy")]
    (found,) = results(keys, [*votes, Vote(pair="1", vote="B", reader="ann")], "Adloom")
    assert (found.pairs, found.votes, found.win) == (2, 4, 0.5)
    assert found.win_low == wilson(0.5, 2)[0]


def test_votes_that_cannot_be_counted_are_refused() -> None:
    keys = [Key(pair="0", A="Adloom", B="base")]
    with pytest.raises(InputError, match="not in the key"):
        results(keys, [Vote(pair="9", vote="A")], "Adloom")
    with pytest.raises(InputError, match="'ann' voted on pair '0' twice"):
        results(keys, [Vote(pair="0", vote="A", reader="ann")] * 2, "Adloom")
    with pytest.raises(InputError, match="no votes"):
        results(keys, [], "Adloom")
    with pytest.raises(InputError, match="choose among Adloom, base"):
        results(keys, [Vote(pair="0", vote="A")], "ours")


def test_files_are_read_back_and_a_bad_line_is_named(tmp_path: Path) -> None:
    pairs, _ = pairs_of(PRODUCTS, NAMES, [OURS, THEIRS])
    write_lines(tmp_path / "pairs.jsonl", pairs)
    assert list(read_lines(tmp_path / "pairs.jsonl", Pair)) == pairs
    (tmp_path / "votes.jsonl").write_text('{"pair": "a", "vote": "A"}\n\n{"pair": "b", "vote": "left"}\n')
    with pytest.raises(InputError, match=r"votes\.jsonl line 3: Invalid enum value 'left'"):
        list(read_lines(tmp_path / "votes.jsonl", Vote))
    with pytest.raises(NotFoundError, match="no such file"):
        list(read_lines(tmp_path / "none.jsonl", Vote))


@pytest.mark.parametrize(
    ("share", "count", "low", "high"), [(0.5, 100, 0.4038, 0.5962), (1.0, 10, 0.7225, 1.0), (0.0, 0, 0.0, 1.0)]
)
def test_wilsons_interval_agrees_with_published_values(share: float, count: int, low: float, high: float) -> None:
    assert wilson(share, count) == (low, high)


def test_the_bootstrap_sees_a_steady_advantage_and_doubts_a_chance_one() -> None:
    base = [0.5, 0.6, 0.7, 0.8] * 25
    steady = paired_bootstrap([value + 0.05 for value in base], base, 0.05)
    assert (steady.mean, steady.low) == (0.05, 0.05)
    assert steady.p == pytest.approx(1 / 10_001, abs=1e-4)
    same = paired_bootstrap(base, base, 0.05)
    assert (same.mean, same.p) == (0.0, 1.0)
    chance = paired_bootstrap([0.6, 0.4] * 50, [0.5, 0.5] * 50, 0.05)
    assert 0.3 < chance.p < 0.8
    assert chance.low < 0


def test_a_model_can_be_read_against_another_of_the_same_kind_under_a_name_of_its_own(
    models: Models, tmp_path: Path
) -> None:
    said = ["--out", str(tmp_path / "pairs.jsonl"), "--key", str(tmp_path / "key.jsonl"), "--limit", "1", "--first"]
    command = ["model", "pairs", "--models", str(models.folder), *said, "--against"]
    done = CliRunner().invoke(app, [*command, f"float32={models.folder}"])
    assert done.exit_code == 0, done.output
    assert "0 pairs, Adloom against float32" in done.output, "the same texts make no pair"
    assert "not all different" in CliRunner().invoke(app, [*command, str(models.folder)]).output
