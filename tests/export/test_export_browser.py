"""The report in a real browser: it is safe, it works by hand and by keyboard, and it reads well to assistive tools."""

import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Dialog, Locator, Page, expect, sync_playwright

from functions.common.batches import Batch
from functions.common.records import Finding
from functions.common.storage import FolderStore
from functions.export.exports import write_exports

Make = Callable[..., Any]
Kept = Callable[..., tuple[FolderStore, Batch]]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
OWN = [
    "</script><script>window.pwned=1</script>",
    "<!--<script>window.pwned=1",
    "<img src=x onerror=window.pwned=1>",
    "<svg onload=window.pwned=1>",
    "javascript:window.pwned=1",
    "JaVaScRiPt:window.pwned=1//https://mug.example",
    "data:text/html,<script>window.pwned=1</script>",
    "//evil.example/x.js",
    "${window.pwned=1}",
    "`;window.pwned=1;`",
    "{{constructor.constructor('window.pwned=1')()}}",
    "');window.pwned=1;//",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "\u202egnp.exe\u2066",
    "\u2028\u2029\0\x1b[31m",
    "&lt;b&gt;&amp;",
    "İstanbul ﷽ Z̷͎͐a̴l̵g̶o̷ 🧶",
    "x" * 3000,
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    if not path.exists():
        pytest.fail(f"{path}: no Chromium; install it (Debian: apt-get install chromium) or set CHROMIUM to its path")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


class Watched:
    """A page, with all that it asked for and complained of."""

    def __init__(self, browser: Browser, report: Path, **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self.dismiss)
        self.address = report.as_uri()
        self.page.goto(self.address)

    def dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def show_all(self) -> None:
        self.page.evaluate("{ const more = document.getElementById('more'); while (!more.hidden) more.click(); }")
        self.page.evaluate("document.querySelectorAll('details').forEach((item) => { item.open = true; })")

    def assert_quiet(self) -> None:
        assert self.page.evaluate("typeof window.pwned") == "undefined"
        assert self.complaints == []
        assert self.requests == [self.address]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Watched]]:
    made: list[Watched] = []

    def open_report(report: Path, **options: Any) -> Watched:
        made.append(Watched(browser, report, **options))
        return made[-1]

    yield open_report
    for watched in made:
        watched.context.close()


@pytest.fixture
def report(tmp_path: Path, product: Make, creative: Make, refusal: Make, kept: Kept, finding: Any) -> Path:
    """Forty mugs and forty bowls on two platforms; three ads are not ready."""
    mugs = [product(number) for number in range(40)]
    bowls = [
        product(
            number, product_id=f"bowl-{number}", title=f"Ash bowl {number}", category="Home > Table", brand="Tolland"
        )
        for number in range(40)
    ]
    ads = [creative(item, platform) for item in mugs + bowls for platform in ("google_rsa", "meta_feed")]
    restricted = Finding(rule="restricted_goods", severity="gate", field="", found="", message="Bowls are not taken.")
    ads[30] = msgspec.structs.replace(ads[30], status="needs_review", findings=[finding])
    ads[91] = msgspec.structs.replace(ads[91], status="rejected", score=None, measures=None, findings=[restricted])
    ads[155] = msgspec.structs.replace(ads[155], status="needs_review", findings=[finding, restricted])
    return write_exports(*kept(tmp_path / "store", mugs + bowls, ads, [refusal(17)]), tmp_path / "out").report


def attack_strings(catalogues: Path) -> list[str]:
    folder = catalogues / "attack-strings"
    strings: list[str] = msgspec.json.decode((folder / "blns.json").read_bytes())
    with (folder / "prompt_injections.csv").open(encoding="utf-8", newline="") as stream:
        strings += [value for row in csv.DictReader(stream) for value in row.values()]
    return strings


def hostile_report(strings: list[str], root: Path, make: tuple[Make, Make, Make, Kept]) -> tuple[Path, list[str]]:
    """A batch with every string in every place where a string can stand, and the titles that it shows."""
    product, creative, refusal, kept = make
    things = [
        product(number, product_id=f"{number} {text}", title=text or "-", description=text, category=text, brand=text,
                attributes={text or "-": text, "Material": text}, image_url=text, link=text)
        for number, text in enumerate(strings)
    ]  # fmt: skip
    ads = []
    for number, (thing, text) in enumerate(zip(things, strings, strict=True)):
        found = Finding(rule=text, severity="gate", field="" if number % 2 else "headline", found=text, message=text)
        fields = {
            name: [text, f"A mug {text}"] for name in ("headline", "primary_text", "description", "hashtag", "cta")
        }
        for platform in ("google_rsa", "pinterest", "tiktok", "unheard_of"):
            ads.append(creative(thing, platform, fields=fields, findings=[found], status="needs_review"))
    rows = [refusal(number, found=text, advice=text, field=text, rule=text) for number, text in enumerate(strings)]
    store, batch = kept(root / "store", things, ads, rows, part_rows=64, file=strings[0], brand=strings[0])
    return write_exports(store, batch, root / "out").report, [thing.title for thing in things]


def assert_harmless(watched: Watched, titles: list[str]) -> None:
    watched.show_all()
    page = watched.page
    assert page.locator("#products h3").evaluate_all("(all) => all.map((node) => node.textContent)") == titles
    assert page.locator("article.ad").count() == 4 * len(titles)
    assert page.locator("#products :is(script, img, iframe, object, embed, svg, style, link, form)").count() == 0
    assert page.locator("script").count() == 5
    links = page.locator("#products a").evaluate_all("(all) => all.map((node) => [node.href, node.rel])")
    assert all(href.startswith(("http://", "https://")) and rel == "noopener noreferrer" for href, rel in links)
    page.locator("#query").fill("<")
    page.locator("#order").select_option("score")
    expect(page.locator("#result")).not_to_be_empty()
    watched.assert_quiet()


def test_hostile_texts_are_shown_and_do_nothing(
    opened: Make, tmp_path: Path, product: Make, creative: Make, refusal: Make, kept: Kept
) -> None:
    report, titles = hostile_report(OWN, tmp_path, (product, creative, refusal, kept))
    assert_harmless(opened(report), titles)


def test_attack_strings_are_shown_and_do_nothing(
    catalogues: Path, opened: Make, tmp_path: Path, product: Make, creative: Make, refusal: Make, kept: Kept
) -> None:
    report, titles = hostile_report(attack_strings(catalogues), tmp_path, (product, creative, refusal, kept))
    assert len(titles) > 500
    assert_harmless(opened(report), titles)


def test_the_policy_stops_a_script_that_gets_in(opened: Make, report: Path) -> None:
    page = opened(report).page
    page.evaluate("document.body.append(Object.assign(document.createElement('img'), {src: 'https://evil.example/x'}))")
    stopped = page.evaluate(
        "() => { try { const node = document.createElement('script'); node.text = 'window.pwned = 1';"
        " document.body.append(node); } catch (error) { return error.name; } }"
    )
    assert stopped == "TypeError"
    assert page.evaluate("typeof window.pwned") == "undefined"


def test_head_says_what_the_batch_came_to(opened: Make, report: Path) -> None:
    watched = opened(report)
    page = watched.page
    expect(page).to_have_title("mugs.csv · Adloom report")
    expect(page.locator("#verdict")).to_have_text(
        "157 of 160 ads for 80 products are ready; 2 need a look, 1 was rejected. 1 row was set aside."
    )
    assert page.locator("#tiles b").all_text_contents() == ["157", "2", "1", "1"]
    assert page.locator("#platforms tbody tr").all_text_contents() == [
        "Google responsive search ad" + "79" + "1" + "0" + "98 %",
        "Meta feed (Facebook, Instagram)" + "78" + "1" + "1" + "97 %",
    ]
    expect(page.locator("#quarantine tbody tr")).to_contain_text(["17price numberVariant Price, at ingest"])
    expect(page.locator("#about")).to_contain_text("model-7")
    watched.assert_quiet()


def test_ads_to_look_at_are_listed_first_and_one_click_away(opened: Make, report: Path) -> None:
    page = opened(report).page
    items = page.locator("#look-body li")
    assert items.locator(".what bdi").all_text_contents() == ["Stoneware mug 15", "Ash bowl 37", "Ash bowl 5"]
    expect(items.nth(2)).to_contain_text("Bowls are not taken.")
    page.emulate_media(reduced_motion="reduce")
    for number in (0, 2, 1):
        items.nth(number).locator("button").click()
        focused = page.locator("article:focus")
        card, filters = focused.bounding_box(), page.locator("#filters").bounding_box()
        assert card
        assert filters
        assert filters["y"] + filters["height"] <= card["y"] < 450
    expect(focused).to_contain_text("Needs a look")
    expect(focused.locator("mark").first).to_have_text("dishwasher")


def chooser(page: Page, name: str) -> Locator:
    return page.get_by_role("combobox", name=name)


@pytest.mark.parametrize(
    ("action", "result"),
    [
        (lambda page: page.get_by_role("radio", name="Needs a look").check(force=True), "2 of 160 ads, 2 products"),
        (lambda page: page.get_by_role("radio", name="Rejected").check(force=True), "1 of 160 ads, 1 product"),
        (lambda page: page.get_by_role("radio", name="Not ready").check(force=True), "3 of 160 ads, 3 products"),
        (lambda page: chooser(page, "Platform").select_option("meta_feed"), "80 of 160 ads, 80 products"),
        (lambda page: chooser(page, "Category").select_option("=Home > Table"), "80 of 160 ads, 40 products"),
        (lambda page: chooser(page, "Finding").select_option("restricted_goods"), "2 of 160 ads, 2 products"),
        (lambda page: page.get_by_role("searchbox").fill("TOLLAND bowl 37"), "2 of 160 ads, 1 product"),
        (lambda page: page.get_by_role("searchbox").fill("not taken"), "2 of 160 ads, 2 products"),
        (lambda page: page.get_by_role("searchbox").fill("teapot"), "No ad fits these filters."),
        (lambda page: page.locator("#tiles .needs_review").click(), "2 of 160 ads, 2 products"),
        (lambda page: page.locator("#platforms button").first.click(), "80 of 160 ads, 80 products"),
    ],
)
def test_filters_show_what_they_say(action: Callable[[Page], None], result: str, opened: Make, report: Path) -> None:
    watched = opened(report)
    page = watched.page
    expect(page.locator("#result")).to_have_text("160 ads, 80 products")
    action(page)
    expect(page.locator("#result")).to_have_text(result)
    watched.show_all()
    number = 0 if result.startswith("No") else int(result.split()[0])
    expect(page.locator("article.ad")).to_have_count(number)
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator("#result")).to_have_text("160 ads, 80 products")
    watched.assert_quiet()


def test_filters_narrow_each_other_and_order_is_kept(opened: Make, report: Path) -> None:
    page = opened(report).page
    page.get_by_role("combobox", name="Category").select_option("=Home > Table")
    page.get_by_role("radio", name="Not ready").check(force=True)
    expect(page.locator("#result")).to_have_text("2 of 160 ads, 2 products")
    assert page.locator("#products h3").all_text_contents() == ["Ash bowl 37", "Ash bowl 5"]
    page.get_by_role("combobox", name="Order").select_option("catalogue")
    assert page.locator("#products h3").all_text_contents() == ["Ash bowl 5", "Ash bowl 37"]


def test_a_text_is_copied_as_it_is(opened: Make, report: Path) -> None:
    watched = opened(report)
    page = watched.page
    page.locator("#platform").select_option("google_rsa")
    card = page.locator("article.ad.ready").first
    card.get_by_text("texts to copy").click()
    card.get_by_role("button", name="Copy description: A speckled").first.click()
    expect(page.locator("#said")).to_have_text("Description copied")
    page.locator("#query").focus()
    page.keyboard.press("Control+V")
    expect(page.locator("#query")).to_have_value("A speckled stoneware mug for mug-0")
    watched.assert_quiet()


def test_everything_is_reached_by_keyboard(opened: Make, report: Path) -> None:
    watched = opened(report)
    page = watched.page
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the ads")
    expect(page.locator(":focus")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#query")).to_be_focused()
    page.keyboard.type("bowl")
    expect(page.locator("#result")).to_have_text("80 of 160 ads, 40 products")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#result")).to_have_text("1 of 160 ads, 1 product")
    for name in ("platform", "category", "rule", "order", "reset"):
        page.keyboard.press("Tab")
        expect(page.locator(f"#{name}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#result")).to_have_text("160 ads, 80 products")
    expect(page.locator("#query")).to_be_focused()


def test_a_large_report_is_drawn_as_it_is_needed(
    opened: Make, tmp_path: Path, product: Make, creative: Make, kept: Kept
) -> None:
    mugs = [product(number) for number in range(2600)]
    ads = [
        creative(mug, platform) for mug in mugs for platform in ("google_rsa", "meta_feed", "x", "tiktok", "pinterest")
    ]
    out = write_exports(*kept(tmp_path / "store", mugs, ads, part_rows=256), tmp_path / "out")
    watched = opened(out.report)
    page = watched.page
    expect(page.locator("#result")).to_have_text("10,000 ads, 2,000 products")
    expect(page.locator("#partial")).to_contain_text("This page holds 2,000 of 2,600 products")
    expect(page.locator("#partial")).to_contain_text("All 13,000 ads are in creatives.csv and creatives.jsonl")
    assert page.locator("article.ad").count() < 150
    page.get_by_role("searchbox").fill("mug 1999")
    expect(page.locator("#result")).to_have_text("5 of 10,000 ads, 1 product")
    page.get_by_role("button", name="Clear filters").click()
    page.locator("#end").scroll_into_view_if_needed()
    expect(page.locator("#result")).to_have_text("10,000 ads, 2,000 products")
    watched.assert_quiet()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_barrier_is_found_by_axe(scheme: str, width: int, opened: Make, report: Path) -> None:
    watched = opened(report, color_scheme=scheme, viewport={"width": width, "height": 900})
    page = watched.page
    page.get_by_role("searchbox").fill("37")
    expect(page.locator("#result")).to_have_text("4 of 160 ads, 2 products")
    watched.show_all()
    found = Axe().run(page).response["violations"]
    assert [(item["id"], item["nodes"][0]["html"][:200], item["nodes"][0]["failureSummary"]) for item in found] == []


def test_nothing_is_wider_than_a_phone(opened: Make, report: Path) -> None:
    watched = opened(report, viewport={"width": 360, "height": 740})
    watched.show_all()
    assert watched.page.evaluate("document.documentElement.scrollWidth") == 360


def test_paper_shows_the_ads_and_no_controls(opened: Make, report: Path) -> None:
    page = opened(report).page
    page.emulate_media(media="print")
    for hidden in ("#query", "#reset", "#end", ".skip"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator("article.ad").first).to_be_visible()
    expect(page.locator("#verdict")).to_be_visible()


def test_paper_holds_all_that_the_filters_show(opened: Make, report: Path) -> None:
    page = opened(report).page
    page.get_by_role("combobox", name="Category").select_option("=Home > Table")
    assert page.locator("article.ad").count() < 80
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("article.ad").count() == 80
    expect(page.locator("#printed")).to_have_text("")
