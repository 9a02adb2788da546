from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.common.currencies import currencies
from functions.ingest.money import PriceError, read_currency, read_price


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("19.99", "19.99", None),
        ("1.234,56 €", "1234.56", "EUR"),
        ("$1,299.00", "1299", "USD"),
        ("19.99 USD", "19.99", "USD"),
        ("USD 19.99", "19.99", "USD"),
        ("1 299 kr", "1299", "SEK"),
        ("1\u202f299,50\u00a0€", "1299.50", "EUR"),
        ("£5", "5", "GBP"),
        ("Rs. 499", "499", "INR"),
        ("Rs.1,299/-", "1299", "INR"),
        ("₹1,23,456.00", "123456", "INR"),
        ("¥1200", "1200", "JPY"),
        ("CHF 1’299.–", "1299", "CHF"),
        ("19,- €", "19", "EUR"),
        ("1.299.000 ₫", "1299000", "VND"),
        ("99 999 руб.", "99999", "RUB"),
        ("249,00 грн", "249", "UAH"),
        ("R$ 49,90", "49.90", "BRL"),
        ("$19.99 CAD", "19.99", "CAD"),
        ("12.500 KWD", "12.5", "KWD"),
        ("40.000", "40", None),
        ("1,299", "1299", None),
        ("0,500", "0.5", None),
        ("٣٨٠٠", "3800", None),
        ("12,50 € inkl. MwSt.", "12.50", "EUR"),
        ("5 EUR/Stück", "5", "EUR"),
        ("5 EUR / each", "5", "EUR"),
        ("12.50 incl. 20% VAT", "12.50", None),
        ("12,50 € TTC", "12.50", "EUR"),
        ("£12.50 each", "12.50", "GBP"),
        ("19,90 € / Stück *", "19.90", "EUR"),
        ("1600 RUR", "1600", "RUB"),
    ],
)
def test_a_price_is_read_as_its_writer_meant_it(text: str, amount: str, currency: str | None) -> None:
    assert read_price(text) == (Decimal(amount), currency)


@pytest.mark.parametrize("text", ["$5 - $8", "5–8 $", "$8 to $5", "from $5", "$5.00 ~ $8.00", "USD 5.00-8.00"])
def test_the_lowest_price_of_a_range_counts(text: str) -> None:
    assert read_price(text) == (Decimal(5), "USD")


@pytest.mark.parametrize("text", ["", " ", "-", "n/a", "NaN", "null", "None"])
def test_what_stands_for_no_price_is_none(text: str) -> None:
    assert read_price(text) is None


@pytest.mark.parametrize("text", ["-5", "$-5", "-$5", "(5.00)", "EUR -5", "− 5 €"])
def test_a_negative_price_is_refused_as_such(text: str) -> None:
    with pytest.raises(PriceError) as caught:
        read_price(text)
    assert caught.value.rule == "price_negative"


@pytest.mark.parametrize(
    "text",
    ["abc", "Call for price", "1e5", "1.2.3", "19.99.99", "0..0", "10 20", "5 EUR / 6 USD", "9" * 30, "1/2", "1,0/0,0"],
)
def test_what_is_no_price_is_refused_with_advice(text: str) -> None:
    with pytest.raises(PriceError, match="write") as caught:
        read_price(text)
    assert caught.value.rule == "price_number"


def test_a_shared_sign_means_the_currency_of_the_catalogue() -> None:
    assert read_price("$5", "AUD") == (Decimal(5), "AUD")
    assert read_price("$5", "EUR") == (Decimal(5), "USD")
    assert read_currency("kr", "NOK") == "NOK"


def test_a_code_that_no_list_knows_is_kept_for_the_contract_to_refuse() -> None:
    assert read_price("19.99 XQQ") == (Decimal("19.99"), "XQQ")


@given(st.decimals(0, 999_999, places=2), st.sampled_from(sorted(currencies().codes)))
def test_any_amount_with_any_code_is_read_back(amount: Decimal, code: str) -> None:
    assert read_price(f"{amount} {code}") == (amount, code)
    assert read_price(f"{code} {amount:,}") == (amount, code)


@given(st.integers(0, 999_999_999), st.integers(0, 99))
def test_points_and_commas_change_roles_with_the_land(whole: int, cents: int) -> None:
    english = f"{whole:,}.{cents:02d}"
    german = english.translate(str.maketrans(",.", ".,"))
    expected = Decimal(f"{whole}.{cents:02d}")
    assert read_price(f"£{english}") == (expected, "GBP")
    assert read_price(f"{german} €") == (expected, "EUR")


@given(st.text(max_size=40))
def test_any_text_gives_a_price_none_or_a_price_error(text: str) -> None:
    with suppress(PriceError):
        money = read_price(text)
        assert money is None or money.amount >= 0
