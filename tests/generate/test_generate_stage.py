from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import pytest

from functions.common.batches import Batch, Part, Settings
from functions.common.models import Models
from functions.common.records import Product, Source
from functions.common.writer import Joining, Sample, Sampling, Search
from functions.flow import settings_for
from functions.generate.prompt import PROMPTS, SLOTS
from functions.generate.stage import draft_product, run, tidy, write_product


@pytest.fixture(scope="module")
def batch(models: Models) -> Batch:
    settings = Settings(platforms=["meta_feed", "google_rsa"], candidates=2)
    return Batch.of("shop.csv", "0" * 64, settings_for(models, settings))


MUG = Product(
    product_id="mug",
    title="Enamel mug, blue",
    description="Enamelled steel, 350 ml. For the camp fire and the kitchen.",
    attributes={"Colour": "Blue"},
    language="en",
    source=Source(file="shop.csv", row=1),
)
TOWEL = Product(product_id="towel", title="Linen tea towel", language="en", source=Source(file="shop.csv", row=2))


def test_every_product_gets_candidates_for_every_field(models: Models, batch: Batch) -> None:
    told: list[int] = []
    result = run(Part(batch, 0, [MUG, TOWEL]), models.writer, told.append)
    sets = result.outputs[0].records
    assert [item.product for item in sets] == [MUG, TOWEL]
    assert result.counts == {"products": 2}
    assert sum(told) == 2
    for item in sets:
        fields = {candidate.field for candidate in item.candidates}
        assert {"headline", "primary_text", "description"} <= fields
        assert item.model_version == models.manifest("writer").version
        assert len({(c.field, c.text) for c in item.candidates}) >= len(item.candidates) - 4


def test_a_product_is_written_the_same_in_any_company(models: Models, batch: Batch) -> None:
    alone = write_product(MUG, batch, models.writer)
    write_product(TOWEL, batch, models.writer)
    assert write_product(MUG, batch, models.writer) == alone


@pytest.mark.parametrize(("platform", "fewest"), [("meta_feed", 1), ("google_rsa", 2)])
def test_a_draft_is_one_round_of_the_fewest_texts_that_can_fill_a_platform(
    models: Models, platform: str, fewest: int
) -> None:
    asked: list[tuple[int, int]] = []

    class Counting:
        def write(
            self, prefix: str, tails: Sequence[str], sampling: Sampling, joining: Joining = None
        ) -> list[list[Sample]]:
            asked.append((sampling.samples, max(Counter(tails).values())))
            return models.writer.write(prefix, tails, sampling, joining)

        def likeliest(
            self, prefix: str, tails: Sequence[str], search: Search, joining: Joining = None
        ) -> list[list[Sample]]:
            asked.append((search.texts, 0))
            return models.writer.likeliest(prefix, tails, search, joining)

        def logprobs(self, texts: Sequence[str]) -> list[float]:
            return models.writer.logprobs(texts)

    settings = settings_for(models, Settings(platforms=[platform], candidates=4))
    batch = Batch.of("shop.csv", "0" * 64, settings)
    draft = draft_product(MUG, batch, Counting())
    assert asked == [(fewest, 2)], "a person waits: no slot is drawn more than twice as often"
    assert draft.candidates
    assert draft.prompt_version == settings.prompt


class Canned:
    """A writer that gives the same answers to every round, and keeps what it was asked.

    Args:
        answers: tail of a prompt -> the texts that are drawn for it; none for any other.
    """

    def __init__(self, answers: Mapping[str, Sequence[str]]) -> None:
        self.answers = answers
        self.rounds: list[tuple[Sequence[str], Sampling]] = []

    def write(
        self, prefix: str, tails: Sequence[str], sampling: Sampling, joining: Joining = None
    ) -> list[list[Sample]]:
        assert prefix
        assert joining
        self.rounds.append((tails, sampling))
        return [[Sample(text=text, logprob=-0.5) for text in self.answers.get(tail, ())] for tail in tails]

    def likeliest(
        self, prefix: str, tails: Sequence[str], search: Search, joining: Joining = None
    ) -> list[list[Sample]]:
        assert min(len(prefix), search.texts, search.max_tokens) > 0
        assert joining
        return [[] for _ in tails]

    def logprobs(self, texts: Sequence[str]) -> list[float]:
        raise NotImplementedError


@pytest.mark.parametrize(("candidates", "temperature"), [(1, 0.3), (2, 0.7)])
def test_texts_to_choose_from_are_drawn_at_a_higher_temperature_than_one_alone(
    batch: Batch, candidates: int, temperature: float
) -> None:
    writer = Canned({})
    settings = msgspec.structs.replace(
        batch.settings, candidates=candidates, prompt=f"house-{PROMPTS['house'].version}"
    )
    write_product(MUG, Batch.of("shop.csv", "0" * 64, settings), writer)
    drawn = [sampling.temperature for _, sampling in writer.rounds]
    assert drawn[0] == temperature
    assert drawn == sorted(set(drawn)), "further rounds, where nothing came, are drawn at a higher one"


@pytest.mark.parametrize(
    ("headlines", "rounds"),
    [
        (["Enamel mug, 12 oz", "12 oz enamel mug", "The enamel mug, 12 oz", "Enamel mug: 12 oz"], 3),
        (["Enamel mug, 12 oz", "12 oz enamel mug", "Camp mug in enamel", "Dishwasher safe mug", "Blue enamel mug"], 1),
        (["Enamel mug", "Camp mug in enamel", "Dishwasher safe mug", "A blue enamel mug for the camp, 12 oz"], 3),
    ],
)
def test_headlines_are_drawn_again_until_enough_that_have_room_differ_in_their_words(
    batch: Batch, headlines: list[str], rounds: int
) -> None:
    prompt = PROMPTS["house"]
    headline = prompt.tail(SLOTS[0], "plain")
    writer = Canned({headline: headlines})
    settings = msgspec.structs.replace(batch.settings, prompt=f"house-{prompt.version}")
    write_product(MUG, Batch.of("shop.csv", "0" * 64, settings), writer)
    assert sum(headline in tails for tails, _ in writer.rounds) == rounds


def test_the_likeliest_texts_are_among_the_candidates(models: Models, batch: Batch) -> None:
    prompt = PROMPTS[models.manifest("writer").prompt]
    wanted = [slot for slot in SLOTS if slot.searched]
    tails = [prompt.tail(slot, "plain") for slot in wanted]
    search = Search(texts=2, max_tokens=max(slot.max_tokens for slot in wanted))
    searched = models.writer.likeliest(prompt.prefix(MUG), tails, search, prompt.joining(MUG, "plain"))
    found = {(each.field, each.text) for each in write_product(MUG, batch, models.writer).candidates}
    assert {slot.field for slot in wanted} == {"headline", "primary_text", "description"}
    for slot, samples in zip(wanted, searched, strict=True):
        assert {(slot.field, text) for sample in samples for text in tidy(slot.field, sample.text)} <= found


def test_another_seed_writes_other_texts(models: Models, batch: Batch) -> None:
    other = Batch.of("shop.csv", "0" * 64, msgspec.structs.replace(batch.settings, seed=1))
    assert write_product(MUG, other, models.writer).candidates != write_product(MUG, batch, models.writer).candidates


@pytest.mark.parametrize(
    ("field", "sample", "texts"),
    [
        ("headline", ' "Enamel mug, blue." ', ["Enamel mug, blue"]),
        ("primary_text", "Two  sentences.\tHere they are.", ["Two sentences. Here they are."]),
        ("hashtag", "#Mug #mug #enamel-ware and #café", ["#mug", "#enamel", "#café"]),
        ("hashtag", "no tags here", []),
        ("description", "  ", []),
        ("headline", "x" * 80, ["x" * 80]),
    ],
)
def test_a_sample_is_tidied_and_never_cut(field: str, sample: str, texts: list[str]) -> None:
    assert tidy(field, sample) == texts  # type: ignore[arg-type]
