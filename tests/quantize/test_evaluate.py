import json
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from functions.common.batches import Settings
from functions.common.errors import InputError, ModelError, NotFoundError
from functions.common.models import Models
from functions.common.platforms import columns, platforms
from functions.common.records import Product, Source
from functions.common.writer import Joining, Sample, Search
from functions.flow import settings_for
from functions.generate.prompt import SLOTS
from quantize import corpus
from quantize.authors import Copy, CorpusAuthor, ModelAuthor, SelectedAuthor, limits_on
from quantize.baseline import TemplateAuthor, fitted
from quantize.evaluate import Bench, distinct_2, kept_report, latency, outputs, read_report, section, training_texts
from quantize.figures import Report
from quantize.figures import Sample as Drawn
from quantize.held import from_catalogues, held_out, key
from quantize.options import need

MUG = Product(
    product_id="mug",
    title="Enamel mug, blue",
    description="Enamelled steel, 350 ml. For the camp fire and the kitchen.",
    attributes={"Colour": "Blue"},
    language="en",
    source=Source(file="shop.csv", row=1),
)
TOWEL = Product(
    product_id="towel",
    title="Linen tea towel",
    description="Washed linen, 50 x 70 cm, with a hanging loop.",
    language="en",
    source=Source(file="shop.csv", row=2),
)
GOOD: dict[str, Copy] = {
    "mug": {
        "headline": "Enamelled steel mug, 350 ml",
        "short headline": "Blue enamel mug",
        "long headline": "A blue enamel mug for the camp fire and the kitchen",
        "primary text": "Enamelled steel that goes from the kitchen to the camp fire. Holds 350 ml.",
        "description": "Blue enamel over steel, for the kitchen and the camp fire.",
        "short description": "Blue enamel over steel.",
        "hashtags": "#enamelmug #campfire #kitchen",
        "call to action": "Shop now",
    },
    "towel": {
        "headline": "Washed linen tea towel",
        "short headline": "Linen tea towel",
        "long headline": "A tea towel of washed linen with a loop to hang it by",
        "primary text": "Hang it by its loop. Washed linen, 50 x 70 cm.",
        "description": "Washed linen with a hanging loop.",
        "short description": "Linen with a hanging loop.",
        "hashtags": "#teatowel #linen #kitchen",
        "call to action": "Shop now",
    },
}


class Scripted:
    """Writes what it was given."""

    name = "scripted"
    version = "v1"
    quantization = ""

    def __init__(self, changes: Copy | None = None, shown: list[str] | None = None) -> None:
        self.shown = shown or []
        self._changes = changes or {}

    def write(self, product: Product) -> Copy:
        return GOOD[product.product_id] | self._changes


@pytest.fixture(scope="module")
def bench(models: Models) -> Bench:
    return Bench([MUG, TOWEL], models, ["Carry the whole picnic in one basket of willow"])


def test_good_copy_passes_every_gate(bench: Bench) -> None:
    found, rows = bench.evaluate(Scripted())
    assert [(each.slot.name, each.rules) for row in rows for each in row if each.rules] == []
    assert (found.passed, found.supported, found.formed) == (1.0, 1.0, 1.0)
    assert found.texts == 2 * len(SLOTS)
    assert found.copied_5grams == 0.0
    assert 0.0 < found.length_use <= 1.0
    assert found.relevance > 0.3
    assert [each.key for each in found.per_product] == [key(MUG), key(TOWEL)]
    assert found.latency.p95 >= found.latency.median >= 0


def test_a_claim_that_the_product_does_not_make_is_counted_once_for_a_text(bench: Bench) -> None:
    found, _ = bench.evaluate(Scripted({"headline": "Lead-free mug, 900 g"}))
    assert found.slots["headline"].supported == 0.0
    assert found.slots["description"].supported == 1.0
    assert found.supported == 1 - 1 / len(SLOTS)
    assert found.per_product[0].passed == 1 - 1 / len(SLOTS)


@pytest.mark.parametrize(
    ("slot", "text", "rule"),
    [
        ("headline", "A mug of enamelled steel for camp", "length"),
        ("short headline", "Enamelled mug, blue", "length"),
        ("primary text", "", "empty"),
        ("hashtags", "no tags", "empty"),
        ("call to action", "Buy it", "cta_form"),
        ("description", "Call 0800 123 4567 for the mug.", "phone"),
        ("primary text", "Carry the whole picnic in one basket of willow.", "copied_text"),
        ("description", "The quarterly report on interest rates is due.", "relevance_floor"),
    ],
)
def test_a_broken_rule_is_named(bench: Bench, slot: str, text: str, rule: str) -> None:
    found, rows = bench.evaluate(Scripted({slot: text}))
    assert rule in next(each.rules for each in rows[0] if each.slot.name == slot)
    assert found.rules[rule] >= 1 / (2 * len(SLOTS))
    assert found.slots[slot].passed < 1.0


def test_the_same_text_for_two_products_is_a_duplicate_for_the_second(bench: Bench) -> None:
    _, rows = bench.evaluate(Scripted({"primary text": "Made for the kitchen and everything in it."}))
    rules = [next(each.rules for each in row if each.slot.name == "primary text") for row in rows]
    assert "duplicate" not in rules[0]
    assert "duplicate" in rules[1]


def test_copied_runs_of_words_are_counted_unless_the_product_page_has_them(models: Models) -> None:
    page = "Enamelled steel that goes from the kitchen"
    product = msgspec.structs.replace(MUG, description=f"{MUG.description} {page}.")
    training = [page, "Blue enamel over steel, for the kitchen and the camp fire."]
    copied, _ = Bench([MUG], models, training).evaluate(Scripted())
    own, _ = Bench([product], models, [page]).evaluate(Scripted())
    assert copied.copied_5grams > 0.2
    assert own.copied_5grams == 0.0


def test_texts_that_the_author_was_shown_must_not_be_repeated(bench: Bench) -> None:
    primary = GOOD["mug"]["primary text"]
    product = next(row for row in bench.evaluate(Scripted(shown=[primary]))[1])
    assert "copied_text" in next(each.rules for each in product if each.slot.name == "primary text")


@pytest.mark.parametrize("tags", ["#mug #blue", "#mug #blue #steel #camp #kitchen #fire", "Tags: #mug #blue #steel"])
def test_an_answer_in_another_form_is_not_usable_as_it_came(bench: Bench, tags: str) -> None:
    found, _ = bench.evaluate(Scripted({"hashtags": tags}))
    assert found.slots["hashtags"].formed == 0.0
    assert found.slots["headline"].formed == 1.0


def test_an_author_is_asked_only_for_what_it_writes(bench: Bench) -> None:
    class Brief(Scripted):
        def write(self, product: Product) -> Copy:
            return {"headline": GOOD[product.product_id]["headline"]}

    found, _ = bench.evaluate(Brief())
    assert found.texts == 2
    assert list(found.slots) == ["headline"]


def test_distinct_2_falls_with_repetition() -> None:
    assert distinct_2(["a warm scarf"]) == 1.0
    assert distinct_2(["a warm scarf", "a warm scarf"]) == 0.5
    assert distinct_2(["scarf"]) == 0.0


def test_latency_is_told_as_median_and_95th_percentile() -> None:
    found = latency([1.0] * 19 + [9.0])
    assert found.median == 1.0
    assert 1.0 < found.p95 < 9.0


def test_a_model_is_measured_with_its_whole_flow_and_repeats_itself(models: Models) -> None:
    bench = Bench([MUG], models, training_texts())
    settings = settings_for(models, Settings(platforms=["meta_feed", "tiktok"], candidates=2))
    sample = Drawn(name="one", products=1, fingerprint="f")
    told: list[str] = []

    def begin(what: str) -> Callable[[int], None]:
        return lambda number: told.append(f"{what} {number}")

    found, rows = section(sample, bench, [ModelAuthor(models), TemplateAuthor()], (models, settings), begin)
    ours, template = found.evaluations
    assert (ours.author, ours.version) == ("Adloom", models.manifest("writer").version)
    assert told == ["Adloom 1", "Adloom, whole flow 1", "template 1"]
    assert ours.pipeline is not None
    assert template.pipeline is None
    assert ours.pipeline.creatives == sum(ours.pipeline.statuses.values()) == 2
    assert set(ours.pipeline.platforms) == {"meta_feed", "tiktok"}
    again, _ = bench.evaluate(ModelAuthor(models))
    assert msgspec.structs.replace(again, latency=ours.latency, pipeline=ours.pipeline) == ours
    shown = outputs(rows[0])
    assert shown[0].title == MUG.title
    assert set(shown[0].copy) == {slot.name for slot in SLOTS}


def test_what_the_flow_posts_is_shown_by_the_plain_names_of_its_fields(models: Models) -> None:
    settings = settings_for(models, Settings(platforms=["tiktok"], candidates=1))
    assert {"primary text", "call to action", "cta"} & set(SelectedAuthor(models, settings).write(MUG))


def test_hand_written_copy_of_the_test_split_is_found_by_product() -> None:
    _, products = held_out(3)
    author = CorpusAuthor(corpus.read())
    for product in products:
        copy = author.write(product)
        assert copy["headline"]
        assert set(copy) <= {slot.name for slot in SLOTS}


def test_copy_that_is_read_beside_the_flow_s_could_be_posted_where_the_flow_s_is() -> None:
    entries = list(corpus.read())
    _, products = held_out(40)
    limits = limits_on(platforms()["meta_feed"])
    assert (limits["headline"], limits["description"], limits["hashtags"]) == (27, 27, 120)
    whole, posted = CorpusAuthor(entries), CorpusAuthor(entries, limits)
    for product in products:
        copy = posted.write(product)
        assert all(columns(text, wide=2) <= limits[name] for name, text in copy.items())
        assert copy["primary text"] == whole.write(product)["primary text"]
    assert any(posted.write(product) != whole.write(product) for product in products)


def test_the_test_split_is_drawn_the_same_with_the_same_seed() -> None:
    sample, products = held_out(5, seed=1)
    again, same = held_out(5, seed=1)
    other, _ = held_out(5, seed=2)
    assert (sample, products) == (again, same)
    assert other.fingerprint != sample.fingerprint
    splits = {entry.id: entry.split for entry in corpus.read()}
    assert {splits[product.product_id] for product in products} == {"test"}


def test_catalogues_are_drawn_from_in_turn(tmp_path: Path) -> None:
    big, small = tmp_path / "big.json", tmp_path / "small.csv"
    rows = [{"id": n, "title": f"Woollen blanket for bed number {n}", "description": "A warm one."} for n in range(9)]
    big.write_text(json.dumps(rows))
    small.write_text("id,title,description\n1,Oak stool for the kitchen,Made of oak\n2,Pine stool,Made of pine\n")
    sample, products = from_catalogues("shops", [big, small], 6, language="")
    assert [product.source.file for product in products].count("small.csv") == 2
    assert (sample.products, sample.files) == (6, ["big.json", "small.csv"])
    with pytest.raises(InputError, match="no product in the language 'fi'"):
        from_catalogues("shops", [small], 6, language="fi")


def test_a_report_keeps_its_other_samples_and_refuses_another_corpus(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    with pytest.raises(NotFoundError, match="adloom model evaluate"):
        read_report(path)
    fresh = kept_report(path)
    assert fresh.sections == {}
    path.write_bytes(msgspec.json.encode(Report(adloom="0", corpus=fresh.corpus, sections={})))
    assert kept_report(path).adloom == "0"
    path.write_bytes(msgspec.json.encode(Report(adloom="0", corpus="another", sections={})))
    with pytest.raises(InputError, match="made with corpus another"):
        kept_report(path)
    path.write_text("{}")
    with pytest.raises(InputError, match="is no evaluation"):
        read_report(path)


def test_the_template_fits_its_limits_with_whole_words_and_facts_only() -> None:
    copy = TemplateAuthor().write(
        msgspec.structs.replace(MUG, brand="Harrow & Finch", attributes={"Material": "Steel"})
    )
    assert copy["headline"] == "Enamel mug, blue"
    assert copy["long headline"] == "Enamel mug, blue by Harrow & Finch, Steel"
    assert copy["description"] == "Enamelled steel, 350 ml."
    assert copy["short description"] == "Steel."
    assert copy["hashtags"] == "#enamel #blue"
    bare = TemplateAuthor().write(Product(product_id="x", title="Chair", source=MUG.source))
    assert bare["primary text"] == "Chair."
    long = TemplateAuthor(limits_on(platforms()["meta_feed"])).write(
        msgspec.structs.replace(MUG, title="Enamel mug for the camp fire, blue", attributes={}, description="")
    )
    assert long["headline"] == "Enamel mug for the camp"
    assert "description" not in long
    assert fitted(["a far too long first choice", "one two three"], 9) == "one two"


def test_a_missing_extra_is_named_with_its_remedy() -> None:
    with pytest.raises(ModelError, match=r"pip install 'adloom\[train\]'"):
        need("json", "no_such_module_anywhere")


def test_a_first_answer_is_the_likeliest_that_its_slot_has_room_for(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []

    class Writer:
        def likeliest(
            self, prefix: str, tails: Sequence[str], search: Search, joining: Joining = None
        ) -> list[list[Sample]]:
            assert prefix
            assert joining
            asked.append((len(tails), search.texts))
            long = [Sample(text=f"Enamel mug {'x' * 200}", logprob=-0.1)]
            return [[*long, Sample(text="Mug", logprob=-0.2)][: search.texts] for _ in tails]

    own = Models(models.folder)
    monkeypatch.setattr(own, "writer", Writer(), raising=False)
    copy = ModelAuthor(own).write(MUG)
    assert asked == [(len(SLOTS), 1), (len(SLOTS), 4)]
    assert set(copy.values()) == {"Mug"}
