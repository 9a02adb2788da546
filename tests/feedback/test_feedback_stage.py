"""A person's verdict, kept."""

import pytest

from functions.common.errors import InputError
from functions.common.records import Creative, Product, Source
from functions.common.storage import Store
from functions.feedback.stage import Verdict, keep_shown, keep_verdict, verdicts

ID = "0123456789abcdef"


def test_a_verdict_is_kept_with_who_gave_it(store: Store) -> None:
    verdict = Verdict(creative_id=ID, verdict="rejected", reason="it says vegan, and the bag is leather")
    kept = keep_verdict(store, verdict, "key:shop")
    assert verdicts(store, ID) == [kept]
    assert (kept.by, kept.verdict) == ("key:shop", verdict)


def test_the_same_verdict_twice_is_one_and_another_persons_is_another(store: Store) -> None:
    verdict = Verdict(creative_id=ID, verdict="approved")
    assert keep_verdict(store, verdict, "ann") == keep_verdict(store, verdict, "ann")
    keep_verdict(store, verdict, "bob")
    assert sorted(each.by for each in verdicts(store, ID)) == ["ann", "bob"]


@pytest.mark.parametrize("verdict", [{"verdict": "edited"}, {"verdict": "approved", "fields": {"headline": ["A"]}}])
def test_a_verdict_that_contradicts_itself_is_refused(store: Store, verdict: dict[str, object]) -> None:
    with pytest.raises(InputError, match="give fields with edited"):
        keep_verdict(store, Verdict(creative_id=ID, **verdict), "ann")  # type: ignore[arg-type]


def test_the_creative_that_was_shown_is_no_verdict(store: Store) -> None:
    product = Product(product_id="p", title="Linen apron", source=Source(file="request", row=1))
    creative = Creative(
        creative_id=ID, product_id="p", platform="tiktok", fields={}, status="ready", score=None, measures=None,
        findings=[], language="en", model_version="m", prompt_version="p", brand_version="b",
    )  # fmt: skip
    keep_shown(store, product, creative)
    assert verdicts(store, ID) == []
    assert store.exists(f"feedback/{ID}/shown.json")
