"""The measures rank as a reader would, keep within 0 and 1, and combine into one score."""

import pytest

from functions.common.brand import Brand
from functions.common.records import Candidate, Measures
from functions.score.facts import Subject
from functions.score.measures import Yardstick, agreement, embedded, gist, kind, kinds, voice_sentences
from functions.score.validity import scaled, validity
from functions.score.words import stem
from tests.score.embedding import HashedWords
from tests.score.subjects import subject

ABOUT = subject(
    "Heavy stonewashed linen, two deep pockets, a cross back.", title="Linen apron", attributes={"Colour": "Oat"}
)


def yardstick(*texts: str, logprob: float = -2.0, agreed: dict[str, float] | None = None) -> Yardstick:
    own, others = voice_sentences(ABOUT.brand)
    vectors = embedded([*own, *others, gist(ABOUT.product), *texts], HashedWords())
    return Yardstick(ABOUT, vectors, dict.fromkeys(texts, logprob), agreed or {})


def test_a_text_about_the_product_is_nearer_than_another() -> None:
    stick = yardstick("A linen apron with deep pockets.", "A trip to the moon.")
    assert stick.similarity("A linen apron with deep pockets.") > 0.5 > stick.similarity("A trip to the moon.")


def test_a_text_that_was_not_embedded_has_no_similarity() -> None:
    assert yardstick().similarity("Linen apron") == 0.0
    assert not yardstick().measurable("Linen apron")


@pytest.mark.parametrize(
    ("texts", "covered"),
    [(["Linen apron in oat"], 1.0), (["An apron"], 1 / 3), (["Aprons", "Oats"], 2 / 3), (["Nothing"], 0.0)],
)
def test_coverage_is_the_share_of_what_names_the_product(texts: list[str], covered: float) -> None:
    assert yardstick().coverage(texts) == pytest.approx(covered, abs=1e-3)


def test_a_product_without_salient_words_is_covered() -> None:
    bare = subject("", title="42")
    own, others = voice_sentences(bare.brand)
    vectors = embedded([*own, *others, gist(bare.product)], HashedWords())
    assert Yardstick(bare, vectors, {}).coverage(["Anything"]) == 1.0


def test_texts_that_say_the_same_are_not_diverse() -> None:
    texts = ["Linen apron, deep pockets", "Deep pockets, linen apron", "Cross back straps"]
    stick = yardstick(*texts)
    assert stick.diversity(texts[:2]) == 0.0
    assert stick.diversity(texts[1:]) == 1.0
    assert stick.diversity(texts[:1]) == 1.0


def test_fluency_grows_with_the_log_probability() -> None:
    values = [yardstick("x", logprob=logprob).fluency("x") for logprob in (-9.0, -4.0, -2.0, 0.0)]
    assert values == sorted(values)
    assert (values[0], values[-1]) == (0.0, 1.0)


def test_the_brand_s_own_examples_set_the_voice() -> None:
    examples = ["Ahoy from the salty deck."]
    assert voice_sentences(Brand(voice_examples=examples))[0] == examples
    own, others = voice_sentences(Brand(voice="expert"))
    assert not set(own) & set(others)
    seafaring = subject("", title="Mug")
    seafaring.brand = Brand(voice_examples=examples)
    own, others = voice_sentences(seafaring.brand)
    texts = ["Ahoy from a salty mug.", "A mug of clay."]
    vectors = embedded([*own, *others, gist(seafaring.product), *texts], HashedWords())
    stick = Yardstick(seafaring, vectors, {})
    assert stick.voice(texts[0]) > stick.voice(texts[1])


@pytest.mark.parametrize("name", ["relevance", "fluency", "voice", "diversity"])
def test_a_scale_ends_at_nought_and_one(name: str) -> None:
    assert (scaled(name, -100), scaled(name, 100)) == (0.0, 1.0)


@pytest.mark.parametrize("better", ["relevance", "coverage", "fluency", "voice", "diversity"])
def test_a_better_measure_never_lowers_the_score(better: str) -> None:
    middling = dict.fromkeys(Measures.__struct_fields__, 0.5)
    low, high = (validity(Measures(**(middling | {better: value}))) for value in (0.1, 0.9))
    assert 0 <= low <= high <= 1


def test_the_score_tells_good_from_poor() -> None:
    good = Measures(relevance=0.7, coverage=0.8, fluency=0.8, voice=0.6, diversity=0.9)
    poor = Measures(relevance=0.1, coverage=0.1, fluency=0.4, voice=0.4, diversity=0.5)
    assert validity(good) > 0.8
    assert validity(poor) < 0.3


def text(words: str, logprob: float | None) -> Candidate:
    return Candidate(field="primary_text", text=words, logprob=logprob)


def test_a_quality_has_four_digits_and_no_more() -> None:
    stick = yardstick("A linen apron with deep pockets.")
    assert len(str(stick.quality(text("A linen apron with deep pockets.", None))).partition(".")[2]) <= 4


def test_a_text_that_the_writer_doubted_is_worth_less_than_a_plainer_one_that_it_was_sure_of() -> None:
    twisted, plain = "Deep pockets of linen cross the apron's back.", "Heavy linen in oat."
    stick = yardstick(twisted, plain)
    assert stick.quality(text(twisted, -0.3)) > stick.quality(text(plain, -0.3))
    assert stick.quality(text(twisted, -1.1)) < stick.quality(text(plain, -0.5))


def test_doubt_costs_a_long_text_more_since_each_word_may_go_astray() -> None:
    short, long = "Linen apron.", "Linen apron with deep pockets and a cross back."
    stick = yardstick(short, long)
    lost = [stick.quality(text(words, -0.4)) - stick.quality(text(words, -0.8)) for words in (short, long)]
    assert lost[1] > 1.5 * lost[0]


@pytest.mark.parametrize(
    ("words", "share"),
    [
        ("Linen apron with two deep pockets.", 0.6),
        ("Stonewashed linen, deep pockets and a cross back.", 4 / 7),
        ("Two deep pockets, a cross back.", 1.0),
        ("A heavy back and a stonewashed cross.", 0.0),
        ("A trip to the moon.", 0.0),
        ("Apron", 0.5),
    ],
)
def test_a_text_is_worded_as_the_page_where_its_words_follow_each_other_there(words: str, share: float) -> None:
    assert yardstick().wording(words) == share


def test_what_most_texts_say_is_agreed_on() -> None:
    said = [text(words, None) for words in ("Linen apron", "An apron with pockets.", "The apron ties.", "Oat bib")]
    agreed = agreement([*said, Candidate(field="hashtag", text="#bib")])
    assert (agreed[stem("apron")], agreed[stem("bib")]) == (0.75, 0.25)
    assert agreement([]) == {}


def test_a_text_names_the_thing_by_the_words_of_its_title_that_the_texts_agree_on() -> None:
    agreed = {stem("apron"): 0.75, stem("linen"): 0.25, stem("pocket"): 1.0}
    stick = yardstick(agreed=agreed)
    assert [stick.names(words) for words in ("Linen apron", "Apron", "Linen pockets")] == [1.0, 0.75, 0.25]
    assert yardstick(agreed={}).names("Oat") == 1.0


@pytest.mark.parametrize(
    ("words", "noun"),
    [
        ("Smart lock with a keypad", "lock"),
        ("Black smart lock keypad", "keypad"),
        ("A fermentation crock in stoneware, 5 l", "crock"),
        ("The five birch boats, painted", "boats"),
        ("Crock, 5 l", "crock"),
        ("Vela de cera de soja", "vela"),
        ("30cm, 12", ""),
    ],
)
def test_the_kind_of_a_thing_is_the_noun_before_what_is_joined_to_it(words: str, noun: str) -> None:
    assert kind(words) == stem(noun)


def test_a_headline_that_calls_the_thing_what_most_texts_call_it_is_worth_more() -> None:
    said = [text(words, None) for words in ("A smart lock with a keypad.", "Smart lock in black", "Smart lock keypad")]
    shares = kinds([*said, Candidate(field="hashtag", text="#keypad")])
    assert shares == pytest.approx({stem("lock"): 2 / 3, stem("keypad"): 1 / 3})
    lock = subject("A keypad.", title="Smart lock keypad")
    own, others = voice_sentences(lock.brand)
    # The same words, so that nothing else tells the one from the other.
    right, wrong = (Candidate(field="headline", text=words, logprob=-0.5) for words in ("Keypad lock", "Lock keypad"))
    vectors = embedded([*own, *others, gist(lock.product), right.text, wrong.text], HashedWords())
    level, stick = (Yardstick(lock, vectors, {}, {}, counted) for counted in ({}, shares))
    assert stick.quality(right) - stick.quality(wrong) > level.quality(right) - level.quality(wrong)


@pytest.mark.parametrize(("language", "less"), [("en", True), ("de", False)])
def test_an_english_text_whose_article_does_not_fit_is_worth_less(language: str, less: bool) -> None:
    page = subject("Linen with a deep pocket and deep pockets.", title="Linen apron", language=language)
    wrong, right = "Linen apron with a deep pockets.", "Linen apron with a deep pocket."
    own, others = voice_sentences(page.brand)
    vectors = embedded([*own, *others, gist(page.product), wrong, right], HashedWords())
    stick = Yardstick(page, vectors, {})
    assert (stick.quality(text(right, -0.5)) - stick.quality(text(wrong, -0.5)) > 0.1) == less


def test_a_text_that_hardly_says_anything_is_not_worth_more_for_being_surer_still() -> None:
    stick = yardstick("Linen apron")
    assert stick.quality(text("Linen apron", -0.05)) == stick.quality(text("Linen apron", -0.15))
    assert stick.quality(text("Linen apron", -0.15)) > stick.quality(text("Linen apron", -0.3))


def test_the_voice_counts_where_a_brand_asks_for_one_that_is_not_plain() -> None:
    thing = ABOUT.product
    words = voice_sentences(Brand(voice="expert"))[0][0]
    worth = {}
    for voice in ("plain", "expert"):
        brand = Brand(voice=voice)
        own, others = voice_sentences(brand)
        stick = Yardstick(Subject(thing, brand), embedded([*own, *others, gist(thing), words], HashedWords()), {})
        worth[voice] = stick.quality(text(words, -0.5))
    assert worth["expert"] > worth["plain"]


def test_a_text_that_does_not_name_the_thing_is_worth_less() -> None:
    words = "Heavy linen with pockets."
    unnamed, named = ({stem("apron"): 0.9, stem("linen"): share} for share in (0.1, 0.9))
    assert yardstick(words, agreed=unnamed).quality(text(words, -0.5)) < yardstick(words, agreed=named).quality(
        text(words, -0.5)
    )


def test_a_text_that_ties_a_fact_to_the_wrong_thing_is_worth_less() -> None:
    # The same words, so that nothing else tells the one from the other.
    twisted, plain = "Heavy pockets, linen cross, deep back.", "Heavy linen, deep pockets, cross back."
    stick = yardstick(twisted, plain)
    assert stick.quality(text(twisted, -0.5)) < stick.quality(text(plain, -0.5))


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("The apron comes in heavy linen, with two pockets.", 0),
        ("Aprons of stonewashed linen in oat.", 0),
        ("A cherry apron with a lid.", 2),
        ("An apron in pbled linen.", 1),
    ],
)
def test_words_that_are_not_on_the_page_and_join_nothing_are_strangers(words: str, count: int) -> None:
    assert yardstick().strangers(words) == count


def test_numbers_and_units_of_the_page_are_no_strangers() -> None:
    page = subject("Leash included, 455 g. Spike 4 cm.", title="Ice axe")
    own, others = voice_sentences(page.brand)
    stick = Yardstick(page, embedded([*own, *others, gist(page.product)], HashedWords()), {})
    assert stick.strangers("Leash included, 455 g and 4 cm.") == 0
    assert stick.strangers("A 5 cm spike.") == 1


def test_a_text_with_words_of_its_own_making_is_worth_less() -> None:
    strange, plain = "A cherry apron with deep pockets.", "A linen apron with deep pockets."
    stick = yardstick(strange, plain)
    assert stick.quality(text(strange, -0.4)) < stick.quality(text(plain, -1.2))


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("The apron has deep pockets and a cross back.", 0),
        ("The linen apron is made from linen.", 1),
        ("A linen apron in linen aprons, the apron of linen.", 4),
    ],
)
def test_words_that_a_text_says_again_are_counted(words: str, count: int) -> None:
    assert yardstick().again(words) == count


def test_a_text_that_comes_back_to_a_word_is_worth_less() -> None:
    again, plain = "A linen apron with deep pockets, a linen apron.", "A linen apron with deep pockets."
    stick = yardstick(again, plain)
    assert stick.quality(text(again, -0.4)) < stick.quality(text(plain, -0.5))
