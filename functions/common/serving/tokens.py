"""Bearer tokens of an OpenID issuer: whose they are, whom they are meant for, and whether they still hold."""

import re
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from functions.common.errors import InputError, PassingError
from functions.common.serving.problems import Problem
from functions.common.serving.settings import Issuer

if TYPE_CHECKING:
    from jwt import PyJWK

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
"""Signatures by a private key only: with a shared secret, a public key could be passed off as one."""

LEEWAY = 30
"""Seconds by which clocks may differ."""

LONGEST = 6144
"""Characters of a token."""

FRESH = 600.0
"""Seconds that keys are good for; where the issuer does not answer then, the old ones serve on."""

PAUSE = 30.0
"""Seconds between looks for an unknown key: whoever invents key names makes no more requests than that."""

_LARGEST_DOCUMENT = 1 << 18


class Keys:
    """The public keys of an issuer, fetched when they are first asked for; may be used by several threads."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._keys: dict[str, PyJWK] = {}
        self._fetched = self._tried = float("-inf")
        self._lock = threading.Lock()

    def key(self, name: str) -> "PyJWK | None":
        """The key of that name, or None; PassingError where no keys can be had."""
        with self._lock:
            now = time.monotonic()
            stale = now - self._fetched > FRESH
            if (stale or name not in self._keys) and now - self._tried > PAUSE:
                self._tried = now
                try:
                    self._keys = self._fetch()
                    self._fetched = now
                except PassingError:
                    if not self._keys:
                        self._tried = float("-inf")
                        raise
            return self._keys.get(name)

    def _fetch(self) -> "dict[str, PyJWK]":
        import jwt

        address = self._issuer.jwks or self._discovered()
        found = {}
        for entry in self._document(address).get("keys", []):
            # A key of an unknown kind, or one that is no public key, is not ours to use.
            if entry.get("kty") in ("RSA", "EC", "OKP") and entry.get("use", "sig") == "sig" and entry.get("kid"):
                try:
                    found[str(entry["kid"])] = jwt.PyJWK.from_dict(entry)
                except jwt.PyJWTError:
                    continue
        return found

    def _discovered(self) -> str:
        document = self._document(f"{self._issuer.issuer.rstrip('/')}/.well-known/openid-configuration")
        return str(document.get("jwks_uri", ""))

    def _document(self, address: str) -> dict[str, Any]:
        import httpx

        parts = urlsplit(address)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise InputError(f"{address!r}: keys of tokens are fetched over https only")
        try:
            with (
                httpx.Client(verify=_trust(self._issuer.authority), timeout=5.0, trust_env=False) as client,
                client.stream("GET", address) as answer,
            ):
                answer.raise_for_status()
                body = b""
                for block in answer.iter_bytes():
                    body += block
                    if len(body) > _LARGEST_DOCUMENT:
                        raise PassingError(f"{address}: is larger than {_LARGEST_DOCUMENT} bytes")
                document = httpx.Response(200, content=body).json()
        except (httpx.HTTPError, ValueError, OSError) as error:
            raise PassingError(f"{address}: the issuer's keys cannot be had ({error})") from error
        if not isinstance(document, dict):
            raise PassingError(f"{address}: is no JSON object")
        return document


class Verifier:
    """Checks tokens against what an issuer's settings ask for."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._keys = Keys(issuer)
        self._subjects = [re.compile(".*".join(map(re.escape, s.split("*"))), re.DOTALL) for s in issuer.subjects]

    def claims(self, token: str) -> dict[str, Any]:
        """What a token says, where it holds.

        Raises:
            Problem: 401 where it does not hold, 403 where its subject may not come.
            PassingError: the issuer's keys cannot be had.
        """
        if not self._issuer.issuer or not self._issuer.audience:
            raise _refused("no tokens are accepted here")
        claims = self._checked(token)
        if not self._welcome(claims):
            raise Problem(HTTPStatus.FORBIDDEN, "this token's subject may not come here")
        return claims

    def _checked(self, token: str) -> dict[str, Any]:
        import jwt

        if len(token) > LONGEST:
            raise _refused("the token is too long")
        try:
            header = jwt.get_unverified_header(token)
            name = header.get("kid")
            if header.get("alg") not in ALGORITHMS or not isinstance(name, str) or "crit" in header:
                raise _refused("the token is not signed in a way that is accepted")
            key = self._keys.key(name)
            if key is None:
                raise _refused("the token is signed by a key that the issuer does not have")
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._issuer.audience,
                issuer=self._issuer.issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise _refused(f"the token does not hold: {type(error).__name__}") from error
        except (ValueError, TypeError) as error:
            raise _refused("the token cannot be read") from error
        return claims

    def _welcome(self, claims: dict[str, Any]) -> bool:
        names = [str(claims["sub"])]
        if claims.get("email_verified") is True and isinstance(claims.get("email"), str):
            names.append(claims["email"])
        return any(pattern.fullmatch(name) for pattern in self._subjects for name in names)


def _refused(detail: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, detail, WWW_Authenticate='Bearer error="invalid_token"')


def _trust(authority: str) -> Any:
    import ssl

    return ssl.create_default_context(cafile=authority or None)
