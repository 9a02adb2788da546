import pytest

from functions.score.slips import mismatched, misweighed


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("A women's boot with a sealed seams, so the rain stays out.", 1),
        ("An 8 inch combat boots in suede, with a 2 drainage eyelets.", 2),
        ("A women's boot with sealed seams and a glass buckle.", 0),
        ("A pair of boots in a canvas bag, with an atlas.", 0),
        ("A three bulbs of garlic, with a four steel hooks.", 2),
        ("A two tone bag, a three bulb lamp and a five-piece set.", 0),
        ("A screwdriver comes with the kit; a clip stops the sheet.", 0),
        ("A set of 2 kids' cups with a lens.", 0),
        ("A 80 ml tank on a 18 in chain, with an brass hook.", 3),
        ("An 80 ml tank, a one-piece lid, a European plug and an LED.", 0),
        ("A road map on side A and on side B.", 0),
        ("Grade A amber syrup, and Grade A refurbished balls in a bag.", 0),
        ("A strap adjusts to fit, a lid closes with a click and a battery lasts for 8 hours.", 0),
        ("A few colours, a dozen brown eggs, an x-ray film.", 0),
        ("A 80ml tank and a 8L pot.", 2),
        ("A outdoor cover with a ounce of wax, for a European one-pint tank.", 2),
    ],
)
def test_an_article_that_does_not_fit_what_follows_is_counted(text: str, count: int) -> None:
    assert mismatched(text) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("The bag weighs 38 cm and the strap weighs 1.2 m.", 2),
        ("A frame weighing 66 x 38 mm.", 1),
        ("The case weighs 420.", 1),
        ("It weighs 2-3 kg with its cable, and the rope weighs 62 g/m.", 0),
        ("Weighing just 39g, or 1 1/2 lb; the other weighs 12 stone, 2 tonnes or 360 to 370 grammes.", 0),
        ("The scale weighs up to 5 kg and fits a 38 cm shelf.", 0),
    ],
)
def test_a_weight_in_no_unit_of_weight_is_counted(text: str, count: int) -> None:
    assert misweighed(text) == count
