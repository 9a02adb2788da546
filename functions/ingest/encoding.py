"""Which encoding a file's bytes are in: marks first, then strict UTF-8, then what the letters look like."""

import codecs
import re
from collections.abc import Iterator
from typing import IO, NamedTuple

from charset_normalizer import from_bytes

BLOCK = 1 << 20
SAMPLE = 1 << 16
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
HIGH = re.compile(rb"[\x80-\xff]")
WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
MOSTLY = 0.4
"""Share of non-ASCII bytes among letters that no text in Latin script reaches."""
BESIDE_LETTERS = frozenset("’´·–—‘“”„«»¿¡®™°ªº…\xa0")
# Non-ASCII letters and signs that are common in the languages written in each code page.
COMMON = {
    "cp1252": "äöüßÄÖÜéèêëàâçùûîïôœæÉÈÀÇñáíóúÁÍÓÚÑ¿¡ãõâêåøæÅØÆìòëïïý–—‘’“”„…•®™©°€£½¼¾²³×ºª«»´·§±\xa0",
    "cp1250": "ąćęłńóśźżĄĆĘŁŃŚŹŻčďěňřšťůžýáéíúČĎĚŇŘŠŤŮŽőűöüŐŰäľĺŕôăâîşţĂÎŞŢ–—‘’“”„…•®™©°€§×\xa0",
    "cp1254": "çğıöşüÇĞİÖŞÜâîû–—‘’“”…•®™©°€\xa0",
    "mac_roman": "äöüßÄÖÜéèêëàâçñáíóúÉåøæ–—‘’“”…•®™©°€£\xa0",
    "cp850": "äöüßÄÖÜéèêëàâçñáíóúÉåøæ°£½\xa0",
    "cp1251": "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЭЮЯІЇЄ–—’“”«»„…•®™©°№€\xa0",
    "koi8_r": "абвгдежзийклмнопрстуфхцчшщъыьэюяёАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЭЮЯ©°\xa0",
    "cp866": "абвгдежзийклмнопрстуфхцчшщъыьэюяёАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЭЮЯ№°\xa0",
    "iso8859_5": "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЭЮЯ№\xa0",
    "cp1253": "αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ–—’“”«»…®™©°€\xa0",
    "cp1255": "אבגדהוזחטיכלמנסעפצקרשתךםןףץ–—’“”…®™©°€₪\xa0",
    "cp1256": "ابتثجحخدذرزسشصضطظعغفقكلمنهويىةءآأؤإئ،؟–—’“”…®™©°€\xa0",
}
WESTERN = ("cp1252", "cp1250", "cp1254", "mac_roman", "cp850")
OTHER = ("cp1251", "koi8_r", "cp866", "iso8859_5", "cp1253", "cp1255", "cp1256")
ASIAN = ["shift_jis", "cp932", "gb18030", "euc_kr", "cp949", "big5", "euc_jp"]


class Encoding(NamedTuple):
    """What the bytes are in.

    Attributes:
        name: Python codec.
        errors: ``strict``, or ``replace`` for UTF-8 with a few damaged bytes.
        evidence: in words, how it was told.
        start: the first bytes of the file.
        size: bytes in all.
    """

    name: str
    errors: str
    evidence: str
    start: bytes
    size: int


class _Scan:
    """One pass over a file: is it UTF-8, and which of its lines are not ASCII."""

    def __init__(self) -> None:
        self.start = b""
        self.size = 0
        self.broken = 0
        self.multibyte = 0
        self.lines = bytearray()
        self._rest = b""

    def feed(self, block: bytes) -> None:
        self.size += len(block)
        if len(self.start) < SAMPLE * 4:
            self.start += block[: SAMPLE * 4 - len(self.start)]
        data = self._rest + block
        if data.isascii():
            self._rest = b""
            return
        cut = _character_end(data)
        self._rest = data[cut:]
        self._count(data[:cut])

    def close(self) -> None:
        if self._rest:
            self._count(self._rest)

    def _count(self, data: bytes) -> None:
        try:
            text = data.decode("utf-8")
            self.multibyte += len(data) - len(text)
        except UnicodeDecodeError:
            broken = data.decode("utf-8", "replace").count("\ufffd") - data.count("\ufffd".encode())
            self.broken += max(broken, 1)
            self.multibyte += len(re.findall(rb"[\xc2-\xf4][\x80-\xbf]+", data))
        if len(self.lines) < SAMPLE:
            for line in data.split(b"\n"):
                if HIGH.search(line):
                    self.lines += line[:2000] + b"\n"
                if len(self.lines) >= SAMPLE:
                    break


def _character_end(data: bytes) -> int:
    """Where the last whole UTF-8 character of a block ends."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            return len(data)
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) - back if back < needed else len(data)
    return len(data)


def find_encoding(stream: IO[bytes]) -> Encoding:
    """Read a file once and tell its encoding."""
    scan = _Scan()
    for block in blocks(stream):
        scan.feed(block)
    scan.close()
    name, errors, evidence = _decide(scan)
    return Encoding(name, errors, evidence, scan.start, scan.size)


def blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a stream in blocks of a megabyte."""
    while block := stream.read(BLOCK):
        yield block


def _decide(scan: _Scan) -> tuple[str, str, str]:
    for mark, name in MARKS:
        if scan.start.startswith(mark):
            return name, "replace", "byte order mark"
    if wide := _wide(scan.start):
        return wide, "replace", "a zero byte in every other place"
    if not scan.broken:
        return "utf-8", "strict", "valid UTF-8" if scan.multibyte else "ASCII only"
    if scan.multibyte >= 10 * scan.broken:
        return "utf-8", "replace", f"UTF-8 with {scan.broken} damaged bytes"
    name = legacy(bytes(scan.lines))
    return name, "replace", "not UTF-8; told by its letters"


def _wide(start: bytes) -> str | None:
    """UTF-16 without a mark: ASCII signs (separators, digits, line ends) leave zeros in one parity alone."""
    head = start[:4096]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) * 16 < len(head) or min(even, odd) * 20 > max(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def legacy(sample: bytes) -> str:
    """The 8-bit or Asian encoding that makes words of some non-ASCII lines."""
    words = [word for word in WORD.findall(sample) if HIGH.search(word)]
    high = sum(1 for word in words if len(word) >= 2 and not re.search(rb"[A-Za-z]", word))
    share = len(HIGH.findall(sample)) / max(len(re.findall(rb"[A-Za-z\x80-\xff]", sample)), 1)
    if high * 2 <= len(words) and share < MOSTLY:  # Now and then an accent among ASCII letters.
        return max(WESTERN, key=lambda name: (_score(words, name), -WESTERN.index(name)))
    best = max(OTHER, key=lambda name: (_score(words, name), -OTHER.index(name)))
    if _score(words, best) >= 0.8:
        return best
    guess = from_bytes(sample, cp_isolation=[*ASIAN, *OTHER, *WESTERN]).best()
    return guess.encoding if guess is not None else best


def _score(words: list[bytes], name: str) -> float:
    """From 1 (every non-ASCII character is a common letter, none stands oddly) downwards."""
    common = set(COMMON[name])
    points = total = 0.0
    for word in words[:4000]:
        text = word.decode(name, "replace")
        for before, char, after in zip(" " + text, text, text[1:] + " ", strict=False):
            if char.isascii():
                continue
            total += 1
            if not char.isalpha() and char not in BESIDE_LETTERS and (before.isalpha() or after.isalpha()):
                points -= 1.5  # A pound sign within a word is a letter in another encoding.
            points += 1 if char in common else 0.2 if char.isalpha() and name in WESTERN else -1
            if char.isupper() and before.islower():
                points -= 1.5
            elif char.isupper() and before.isupper():
                points -= 0.1
    return points / total if total else 0.0
