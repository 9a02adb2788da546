"""The stage: one creative for each product and platform, the same bytes each time, reasons for what is missing."""

import random
from typing import Any

import msgspec
import pytest

from functions.common.batches import Batch, Part, Settings
from functions.common.brand import Brand
from functions.common.platforms import platforms
from functions.common.records import Candidate, CandidateSet, Creative, Field, Product, Source
from functions.common.tables import from_parquet, to_parquet
from functions.score.stage import run
from tests.score.embedding import Models

GOOD: dict[Field, list[str]] = {
    "headline": [
        "Stonewashed linen apron",
        "Linen apron, deep pockets",
        "Cross-back apron",
        "Oat linen",
        "240 gsm linen",
    ],
    "long_headline": ["A cross-back apron in stonewashed 240 gsm linen with two deep pockets"],
    "primary_text": [
        "Cross-back straps keep the weight off your neck. Stonewashed linen, with two deep pockets.",
        "Heavy 240 gsm linen in oat, made for flour and for the machine wash at 40C.",
    ],
    "description": [
        "Two deep pockets and a cross back.",
        "Machine wash at 40C.",
        "Stonewashed 240 gsm linen in oat, one size.",
    ],
    "hashtag": ["#linenapron", "#apron", "#linen"],
    "cta": ["Shop now"],
}


SURE = -0.2
"""Log-probability a token of a text that the writer is sure of."""


def product(product_id: str = "p1", **more: Any) -> Product:
    fields: dict[str, Any] = {
        "title": "Linen Bib Apron - Oat",
        "description": "Heavy 240 gsm stonewashed linen. Cross back, two deep pockets. Machine wash 40C.\nOne size.",
        "brand": "Harrow & Finch",
        "language": "en",
        "attributes": {"Material": "Linen", "Colour": "Oat"},
    }
    return Product(product_id=product_id, source=Source(file="a.csv", row=1), **(fields | more))


def candidates(texts: dict[Field, list[str]], logprob: float | None = -2.0) -> list[Candidate]:
    return [Candidate(field=field, text=text, logprob=logprob) for field, each in texts.items() for text in each]


def candidate_set(thing: Product | None = None, texts: dict[Field, list[str]] = GOOD, **more: Any) -> CandidateSet:
    return CandidateSet(
        product=thing or product(),
        candidates=candidates(texts, **more),
        model_version="m1",
        prompt_version="q1",
        brand_version="b1",
    )


def part(*sets: CandidateSet, brand: Brand | None = None, names: list[str] | None = None) -> Part[CandidateSet]:
    settings = Settings(platforms=names or list(platforms()), brand=brand or Brand())
    return Part(Batch.of("a.csv", "00", settings), 0, list(sets))


def scored(*sets: CandidateSet, **more: Any) -> dict[tuple[str, str], Creative]:
    result = run(part(*sets, **more), Models())
    return {(each.product_id, each.platform): each for each in result.outputs[0].records}


def test_each_product_gets_one_creative_for_each_platform() -> None:
    result = run(part(candidate_set(), candidate_set(product("p2"))), Models())
    (output,) = result.outputs
    assert (output.folder, output.kind) == ("scored", Creative)
    assert sorted((c.product_id, c.platform) for c in output.records) == sorted(
        (p, name) for p in ("p1", "p2") for name in platforms()
    )
    assert result.counts["creatives"] == 16 == sum(result.counts[s] for s in ("ready", "needs_review", "rejected"))
    assert len({c.creative_id for c in output.records}) == 16


def test_good_texts_are_ready_on_every_platform_and_keep_its_limits() -> None:
    for (_, name), creative in scored(candidate_set()).items():
        assert (creative.status, name) == ("ready", name)
        assert creative.score is not None
        assert creative.measures is not None
        for field, limit in platforms()[name].fields.items():
            texts = creative.fields.get(field, [])
            assert limit.min <= len(texts) <= limit.max
            assert all(platforms()[name].columns(text) <= limit.limit for text in texts)
            if limit.one_within:
                assert any(platforms()[name].columns(text) <= limit.one_within for text in texts)


def test_every_text_is_one_that_was_written_and_none_stands_twice() -> None:
    written = {text for texts in GOOD.values() for text in texts}
    for creative in scored(candidate_set()).values():
        texts = [text for each in creative.fields.values() for text in each]
        assert set(texts) <= written
        assert len(texts) == len(set(texts))


def test_the_same_part_gives_the_same_bytes() -> None:
    work = part(candidate_set(), candidate_set(product("p2", title="Oat apron")))
    first, second = (to_parquet(run(work, Models()).outputs[0].records, Creative) for _ in range(2))
    assert first == second
    assert from_parquet(first, Creative) == run(work, Models()).outputs[0].records


def test_the_order_of_candidates_decides_nothing_but_the_identifier() -> None:
    texts = candidates(GOOD)
    random.Random(7).shuffle(texts)
    shuffled = msgspec.structs.replace(candidate_set(), candidates=texts)
    one, other = scored(candidate_set()), scored(shuffled)
    assert {key: creative.fields for key, creative in one.items()} == {
        key: creative.fields for key, creative in other.items()
    }


def test_a_platform_that_lacks_texts_needs_review_and_says_what_failed() -> None:
    texts: dict[Field, list[str]] = GOOD | {"primary_text": ["Always the best apron!!"], "description": []}
    creative = scored(candidate_set(texts=texts))["p1", "meta_feed"]
    assert creative.status == "needs_review"
    assert creative.fields["primary_text"] == ["Always the best apron!!"]
    assert {"count", "claim_absolute", "claim_superlative", "repeated_punctuation"} <= {
        f.rule for f in creative.findings
    }
    (count,) = [f for f in creative.findings if f.rule == "count"]
    assert (count.field, count.severity) == ("primary_text", "gate")
    assert len({(f.rule, f.field, f.found) for f in creative.findings}) == len(creative.findings)


def test_too_long_a_text_is_left_out_and_never_cut() -> None:
    texts: dict[Field, list[str]] = GOOD | {"headline": ["Stonewashed linen apron in oat with pockets"]}
    creative = scored(candidate_set(texts=texts))["p1", "google_rsa"]
    assert creative.status == "needs_review"
    assert "length" in {f.rule for f in creative.findings}
    assert scored(candidate_set(texts=texts))["p1", "linkedin"].status == "ready"


def test_a_missing_short_headline_is_named() -> None:
    texts: dict[Field, list[str]] = GOOD | {"headline": [h for h in GOOD["headline"] if len(h) > 15]}
    creative = scored(candidate_set(texts=texts))["p1", "google_pmax"]
    assert creative.status == "needs_review"
    assert any("15 columns" in f.message for f in creative.findings)


def test_the_short_headline_is_taken_although_others_are_better() -> None:
    texts: dict[Field, list[str]] = GOOD | {
        "headline": [h for h in GOOD["headline"] if len(h) > 15] * 3 + ["Made of oats"]
    }
    texts["headline"].append("Linen")
    creative = scored(candidate_set(texts=texts))["p1", "google_pmax"]
    assert "Linen" in creative.fields["headline"]


def test_a_headline_of_a_long_field_may_come_from_the_long_headlines() -> None:
    texts: dict[Field, list[str]] = GOOD | {"headline": []}
    creatives = scored(candidate_set(texts=texts))
    assert creatives["p1", "linkedin"].fields["headline"] == GOOD["long_headline"]
    assert creatives["p1", "google_rsa"].status == "needs_review"


def test_no_other_text_stands_in_for_a_description_that_need_not_be_there() -> None:
    spoken = ["Stonewashed linen, with a cross back and two deep pockets.", "Machine wash 40C, one size."]
    found = scored(candidate_set(texts=GOOD | {"primary_text": spoken, "description": []}, logprob=SURE))
    assert "description" not in found["p1", "linkedin"].fields
    assert set(found["p1", "google_rsa"].fields["description"]) == set(spoken)


def test_a_description_that_need_not_be_there_brings_words_that_the_ad_has_not() -> None:
    texts: dict[Field, list[str]] = {
        "headline": ["Oat linen bib apron"],
        "primary_text": ["Stonewashed linen, with a cross back and two deep pockets."],
        "description": ["The pockets are deep, size one."],
        "cta": ["Shop now"],
    }
    assert "description" not in scored(candidate_set(texts=texts, logprob=SURE))["p1", "linkedin"].fields
    more = texts | {"description": ["Machine wash 40C, one size."]}
    assert scored(candidate_set(texts=more, logprob=SURE))["p1", "linkedin"].fields["description"] == [
        "Machine wash 40C, one size."
    ]


def test_a_description_that_the_writer_doubted_is_left_out_where_it_need_not_be_there() -> None:
    spoken: dict[Field, list[str]] = {
        "headline": ["Oat linen bib apron"],
        "primary_text": ["Stonewashed linen, with a cross back and two deep pockets."],
        "cta": ["Shop now"],
    }
    sure = candidate_set(texts=spoken, logprob=SURE)
    for logprob, there in ((SURE, True), (-1.5, False)):
        described = [*sure.candidates, *candidates({"description": ["Machine wash 40C, one size."]}, logprob)]
        found = scored(msgspec.structs.replace(sure, candidates=described))
        assert ("description" in found["p1", "linkedin"].fields) == there
        assert "Machine wash 40C, one size." in found["p1", "google_pmax"].fields["description"]


def test_a_headline_is_not_repeated_as_the_description() -> None:
    texts: dict[Field, list[str]] = GOOD | {"headline": ["Linen apron"], "description": ["Apron, linen."]}
    assert "description" not in scored(candidate_set(texts=texts, logprob=SURE))["p1", "meta_feed"].fields


def test_a_description_that_only_echoes_the_headline_is_left_out_where_it_need_not_be_there() -> None:
    texts: dict[Field, list[str]] = {
        "headline": ["Oat linen bib apron"],
        "primary_text": ["Stonewashed linen, a cross back and two deep pockets."],
        "description": ["Bib apron of oat linen."],
        "cta": ["Shop now"],
    }
    assert "description" not in scored(candidate_set(texts=texts, logprob=SURE))["p1", "meta_feed"].fields
    more = texts | {"description": ["Bib apron of oat linen.", "Machine wash 40C."]}
    assert scored(candidate_set(texts=more, logprob=SURE))["p1", "meta_feed"].fields["description"] == [
        "Machine wash 40C."
    ]


def test_a_description_that_says_the_text_above_again_is_left_out_although_it_adds_words() -> None:
    above = "Stonewashed linen, with a cross back and two deep pockets."
    texts: dict[Field, list[str]] = {
        "headline": ["Oat linen bib apron"],
        "primary_text": [above],
        "description": [f"{above[:-1]}, one size, heavy."],
        "cta": ["Shop now"],
    }
    assert "description" not in scored(candidate_set(texts=texts, logprob=SURE))["p1", "linkedin"].fields


@pytest.mark.parametrize("text", ["Two deep neobegin pockets.", "Oat with a deep pockets."])
def test_a_description_with_a_made_up_word_or_an_article_amiss_is_left_out_where_it_need_not_be_there(
    text: str,
) -> None:
    texts: dict[Field, list[str]] = GOOD | {"headline": ["Oat linen bib apron"], "description": [text]}
    found = scored(candidate_set(texts=texts, logprob=SURE))
    assert "description" not in found["p1", "meta_feed"].fields
    assert text in found["p1", "google_pmax"].fields["description"]


def test_a_headline_may_be_made_of_words_that_the_primary_text_has() -> None:
    texts: dict[Field, list[str]] = {
        "headline": ["Linen bib apron"],
        "primary_text": ["A bib apron in linen with two deep pockets."],
        "cta": ["Shop now"],
    }
    found = scored(candidate_set(texts=texts))["p1", "meta_feed"]
    assert (found.status, found.fields["headline"]) == ("ready", ["Linen bib apron"])


@pytest.mark.parametrize(
    ("beside", "sure", "better"),
    [
        ("A linen bib apron with two deep pockets.", ("Linen bib apron", -0.4), ("Oat linen bib apron", -0.6)),
        ("Two deep pockets and a cross back.", ("Linen apron", -0.3), ("Linen apron with pockets", -0.7)),
    ],
    ids=["with a word that the ad has not", "that fills half of its room"],
)
def test_a_headline_is_chosen_before_a_surer_one_without(
    beside: str, sure: tuple[str, float], better: tuple[str, float]
) -> None:
    texts: dict[Field, list[str]] = {"primary_text": [beside], "cta": ["Shop now"]}
    headlines = [Candidate(field="headline", text=text, logprob=logprob) for text, logprob in (sure, better)]
    source = candidate_set(texts=texts)
    found = scored(msgspec.structs.replace(source, candidates=[*source.candidates, *headlines]))
    assert found["p1", "meta_feed"].fields["headline"] == [better[0]]


def test_the_headline_says_what_most_texts_say_of_the_product() -> None:
    texts: dict[Field, list[str]] = {
        "headline": ["Oat linen bib", "Linen bib apron"],
        "primary_text": [
            "A bib apron in heavy linen.",
            "A linen apron with a cross back.",
            "The apron has two pockets.",
        ],
        "cta": ["Shop now"],
    }
    for number in range(2):
        first = texts["headline"][number], texts["headline"][1 - number]
        found = scored(candidate_set(texts=texts | {"headline": list(first)}))
        assert found["p1", "meta_feed"].fields["headline"] == ["Linen bib apron"]


def test_headlines_are_varied() -> None:
    same = ["Linen apron in oat", "Oat apron in linen", "In oat: linen apron", "Two deep pockets", "Cross-back straps"]
    texts: dict[Field, list[str]] = GOOD | {"headline": same}
    (first, second, third, *_) = scored(candidate_set(texts=texts), names=["google_rsa"])["p1", "google_rsa"].fields[
        "headline"
    ]
    assert len({first, second, third} & set(same[:3])) <= 1


def test_a_headline_that_says_something_else_comes_before_a_better_one_that_says_much_the_same() -> None:
    same, other = "Linen apron in oat linen", "Two deep pockets, 240 gsm"
    logprobs = {"Linen apron in oat, one size": -0.3, same: -0.4, other: -0.6}
    headlines = [Candidate(field="headline", text=text, logprob=logprob) for text, logprob in logprobs.items()]
    source = candidate_set(texts=GOOD | {"headline": []})
    source = msgspec.structs.replace(source, candidates=[*source.candidates, *headlines])
    found = scored(source, names=["google_rsa"])["p1", "google_rsa"].fields["headline"]
    assert found.index(other) < found.index(same)


def test_the_same_text_for_two_products_is_used_once() -> None:
    texts: dict[Field, list[str]] = GOOD | {"primary_text": GOOD["primary_text"][:1], "description": []}
    pair = candidate_set(texts=texts), candidate_set(product("p2"), texts=texts)
    creatives = scored(*pair, names=["pinterest"])
    one, other = (creatives[p, "pinterest"] for p in ("p1", "p2"))
    assert one.status == "ready"
    assert other.status == "needs_review"
    assert {"duplicate"} <= {f.rule for f in other.findings}


def test_a_restricted_product_is_rejected_with_the_reason() -> None:
    creative = scored(candidate_set(product(title="Pistol")))["p1", "meta_feed"]
    assert (creative.status, creative.fields, creative.score, creative.measures) == ("rejected", {}, None, None)
    assert [(f.rule, f.field, f.found) for f in creative.findings] == [("restricted_goods", "product", "Pistol")]


@pytest.mark.parametrize("texts", [{}, {"headline": ["BEST!!!"], "primary_text": ["www.example.com"]}])
def test_a_product_with_nothing_usable_is_rejected(texts: dict[Field, list[str]]) -> None:
    for creative in scored(candidate_set(texts=texts)).values():
        assert creative.status == "rejected"
        assert creative.findings


def test_a_missing_button_is_the_house_default() -> None:
    texts: dict[Field, list[str]] = GOOD | {"cta": ["Buy it at once"]}
    assert scored(candidate_set(texts=texts))["p1", "meta_feed"].fields["cta"] == ["Shop now"]


def test_hashtags_stay_a_list_of_the_good_ones() -> None:
    texts: dict[Field, list[str]] = GOOD | {"hashtag": ["#linenapron", "#love", "#Loud", "#linen"]}
    assert sorted(scored(candidate_set(texts=texts))["p1", "meta_feed"].fields["hashtag"]) == ["#linen", "#linenapron"]


def test_the_brand_own_terms_are_kept_out() -> None:
    brand = Brand(banned_terms=["stonewashed"])
    for creative in scored(candidate_set(), brand=brand).values():
        shown = [text for texts in creative.fields.values() for text in texts]
        assert creative.status != "ready" or not any("tonewashed" in text for text in shown)


def test_a_text_of_the_prompt_is_not_copied() -> None:
    text = "An oat apron with flour on its pockets by noon."
    texts: dict[Field, list[str]] = GOOD | {"primary_text": [text], "description": []}
    work = part(candidate_set(texts=texts), names=["meta_feed"])
    assert run(work, Models()).outputs[0].records[0].status == "ready"
    (creative,) = run(work, Models(), [f"An example. {text}"]).outputs[0].records
    assert creative.status == "needs_review"
    assert "copied_text" in {f.rule for f in creative.findings}


def test_the_language_model_is_asked_only_for_texts_without_a_log_probability() -> None:
    models = Models()
    run(part(candidate_set()), models)
    assert models.writer.asked == []
    run(part(candidate_set(logprob=None)), models)
    assert sorted(models.writer.asked) == sorted(text for texts in GOOD.values() for text in texts)


def test_a_part_is_embedded_in_one_call() -> None:
    models = Models()
    run(part(candidate_set(), candidate_set(product("p2"))), models)
    assert len(models.embedder.calls) == 1


def test_progress_is_told_product_by_product() -> None:
    told: list[int] = []
    run(part(candidate_set(), candidate_set(product("p2"))), Models(), told=told.append)
    assert told == [1, 1]


def test_an_empty_part_gives_an_empty_output() -> None:
    result = run(part(), Models())
    assert result.outputs[0].records == []
    assert result.counts == {"creatives": 0, "ready": 0, "needs_review": 0, "rejected": 0}


def test_the_identifier_follows_from_the_inputs() -> None:
    one = scored(candidate_set())["p1", "x"].creative_id
    assert one == scored(candidate_set())["p1", "x"].creative_id
    assert one != scored(candidate_set(logprob=-3.0))["p1", "x"].creative_id
    assert one != scored(candidate_set(), brand=Brand(voice="expert"))["p1", "x"].creative_id
