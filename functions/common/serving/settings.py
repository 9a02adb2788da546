"""What a door is told by its environment; every variable is described in ``functions/common/environment.toml``."""

import os
import re
from functools import cache
from pathlib import Path

from functions.common.batches import Settings
from functions.common.brand import Brand, read_brand
from functions.common.errors import InputError
from functions.common.platforms import chosen
from functions.common.records import PART_ROWS, Record
from functions.common.storage import Store, open_store


class Issuer(Record, frozen=True, kw_only=True):
    """Whose tokens are believed, and for whom.

    Attributes:
        issuer: as the tokens name it; empty: none is believed.
        audience: whom the tokens must be meant for.
        subjects: who may come; ``*`` stands for any characters. Empty: nobody.
        jwks: address of the signing keys, where the issuer's discovery document is not to be followed.
        authority: file of the certificate authority of that address, where it is not a public one.
    """

    issuer: str = ""
    audience: str = ""
    subjects: list[str] = []
    jwks: str = ""
    authority: str = ""


class Access(Record, frozen=True, kw_only=True):
    """Who may ask.

    Attributes:
        checked: False where everything is allowed, which is for loopback only.
        keys: file of API keys, or empty.
        rate: requests that one key may make, as ``60/minute``; ``counter`` is where they are counted.
    """

    checked: bool
    broker: Issuer
    people: Issuer
    keys: str
    rate: str
    counter: str


@cache
def store() -> Store:
    """The store that ``ADLOOM_STORE`` names."""
    uri = os.environ.get("ADLOOM_STORE", "")
    if not uri:
        raise InputError("ADLOOM_STORE is not set; name the bucket (gs://…) or folder of the records")
    return open_store(uri)


def log_level() -> str:
    """The least severity that is logged, as `logging` names it."""
    level = os.environ.get("ADLOOM_LOG", "info").upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise InputError(f"ADLOOM_LOG={level.lower()!r}: choose debug, info, warning or error")
    return level


def access() -> Access:
    """The rules of access; InputError where they cannot be read as they stand."""
    auth = os.environ.get("ADLOOM_AUTH", "on")
    if auth not in ("on", "off"):
        raise InputError(f"ADLOOM_AUTH={auth!r}: write on or off")
    rate = os.environ.get("ADLOOM_RATE", "60/minute")
    if not re.fullmatch(r"[1-9]\d*/(?:second|minute|hour|day)", rate):
        raise InputError(f"ADLOOM_RATE={rate!r}: write it as 60/minute (second, minute, hour or day)")
    return Access(
        checked=auth == "on",
        broker=Issuer(
            issuer=os.environ.get("ADLOOM_BROKER_ISSUER", ""),
            audience=os.environ.get("ADLOOM_BROKER_AUDIENCE", "adloom-events"),
            subjects=listed(os.environ.get("ADLOOM_BROKER_SUBJECTS", "")),
            jwks=os.environ.get("ADLOOM_BROKER_JWKS", ""),
            authority=os.environ.get("ADLOOM_BROKER_CA", ""),
        ),
        people=Issuer(
            issuer=os.environ.get("ADLOOM_OIDC_ISSUER", ""),
            audience=os.environ.get("ADLOOM_OIDC_AUDIENCE", ""),
            subjects=listed(os.environ.get("ADLOOM_OIDC_SUBJECTS", "")),
        ),
        keys=os.environ.get("ADLOOM_API_KEYS", ""),
        rate=rate,
        counter=_counter(os.environ.get("ADLOOM_RATE_LIMITS", "memory://")),
    )


def batch_settings() -> Settings:
    """What ads are written for and with, where a request does not say."""
    platforms = listed(os.environ.get("ADLOOM_PLATFORMS", "google_rsa,meta_feed,pinterest"))
    chosen(platforms)
    return Settings(
        platforms=platforms,
        brand=_brand(os.environ.get("ADLOOM_BRAND", "")),
        candidates=_between("ADLOOM_CANDIDATES", os.environ.get("ADLOOM_CANDIDATES", "4"), 16),
        part_rows=_between("ADLOOM_PART_ROWS", os.environ.get("ADLOOM_PART_ROWS", "16"), PART_ROWS),
    )


def listed(text: str) -> list[str]:
    """The items of a comma-separated list."""
    return [item.strip() for item in text.split(",") if item.strip()]


def _brand(path: str) -> Brand:
    return read_brand(Path(path) if path else None)


def _between(name: str, text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise InputError(f"{name}={text!r}: write a whole number from 1 to {most}")
    return int(text)


def _counter(where: str) -> str:
    """An address, or the address in a file: one that holds a password is mounted and not set."""
    if "://" in where:
        return where
    try:
        return Path(where).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InputError(
            f"ADLOOM_RATE_LIMITS={where!r}: is no address, and no file that can be read ({error.strerror})"
        ) from error


def host() -> str:
    """The address that the framework listens on where its command line names none."""
    return os.environ.get("HOST", "0.0.0.0")  # noqa: S104 - the framework's own default
