"""Who may ask, at a public door and for events."""

import base64
import datetime
import hashlib
import hmac
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from functions.common.serving.keys import make_key
from tests.serving.servers import ROOT, TINY, Issuer, Keys, Serve, Server

EVENT = {
    "ce-specversion": "1.0", "ce-id": "a1", "ce-source": "/tests", "ce-type": "tiny.event.v1",
    "content-type": "application/json",
}  # fmt: skip
API = "https://api.example"


@pytest.fixture(scope="module")
def server(serve: Serve, issuer: Issuer, keys: Keys) -> Server:
    return serve(
        TINY,
        ADLOOM_API_KEYS=str(keys.path),
        ADLOOM_BROKER_ISSUER=issuer.url,
        ADLOOM_BROKER_SUBJECTS="system:serviceaccount:adloom:*",
        ADLOOM_OIDC_ISSUER=issuer.url,
        ADLOOM_OIDC_AUDIENCE=API,
        ADLOOM_OIDC_SUBJECTS="shop-*, *@shop.example",
        ADLOOM_RATE="1000/minute",
    )


@pytest.fixture(scope="module")
def key(keys: Keys) -> str:
    return keys.add("shop", ["creatives"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ask(server: Server, **headers: str) -> int:
    return server.client.post(
        "/v1/nap", json={}, headers={k.replace("_", "-"): v for k, v in headers.items()}
    ).status_code


def test_without_a_credential_everything_but_health_and_description_is_refused(server: Server) -> None:
    for path, headers in (("/v1/nap", {}), ("/", {}), ("/", EVENT), ("/dead-letter", EVENT)):
        answer = server.client.post(path, json={}, headers=headers)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for path in ("/healthz", "/readyz", "/openapi.json", "/docs"):
        assert server.client.get(path).status_code == 200, path


def test_a_key_opens_the_door_in_either_header(server: Server, key: str) -> None:
    assert ask(server, X_API_Key=key) == 200
    assert ask(server, Authorization=f"Bearer {key}") == 200


def test_two_credentials_at_once_are_refused(server: Server, key: str) -> None:
    assert ask(server, X_API_Key=key, Authorization=f"Bearer {key}") == 401


def test_several_keys_hold_side_by_side_and_a_removed_one_ends_at_once(server: Server, keys: Keys, key: str) -> None:
    second = keys.add("second", ["creatives"])
    assert [ask(server, X_API_Key=each) for each in (key, second)] == [200, 200]
    keys.entries[:] = [entry for entry in keys.entries if entry.id != "second"]
    keys.add("third", ["creatives"])
    assert [ask(server, X_API_Key=each) for each in (key, second)] == [200, 401]


def test_an_ended_key_and_one_without_the_scope_are_refused(server: Server, keys: Keys) -> None:
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)
    assert ask(server, X_API_Key=keys.add("ended", ["creatives"], expires=past)) == 401
    assert ask(server, X_API_Key=keys.add("other", ["feedback"])) == 403


def test_a_key_is_not_in_its_file(keys: Keys, server: Server, key: str) -> None:
    text = keys.path.read_text()
    assert key not in text
    assert hashlib.sha256(key.encode()).hexdigest() in text


def test_the_hash_of_a_key_is_no_key(server: Server, key: str) -> None:
    assert ask(server, X_API_Key=hashlib.sha256(key.encode()).hexdigest()) == 401


def test_keys_do_not_open_the_door_for_events(server: Server, key: str) -> None:
    assert server.client.post("/", headers={**EVENT, **bearer(key)}, content=b"{}").status_code == 401


def test_the_command_makes_a_key_that_its_entry_lets_in(server: Server, keys: Keys) -> None:
    command = [sys.executable, "-m", "functions.common.serving.keys", "made-here"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    secret, entry = done.stdout.splitlines()
    assert json.loads(entry)["sha256"] == hashlib.sha256(secret.encode()).hexdigest()
    assert len(secret) > 40
    assert make_key("x", ["score"], 1)[0] != make_key("x", ["score"], 1)[0]


def test_the_broker_may_send_events_and_nothing_else(server: Server, issuer: Issuer) -> None:
    token = issuer.token()
    assert server.client.post("/", headers={**EVENT, **bearer(token)}, content=b"{}").status_code == 200
    assert ask(server, **bearer(token)) == 401  # made for another audience


def test_a_person_with_a_token_may_ask_and_not_send_events(server: Server, issuer: Issuer) -> None:
    token = issuer.token(aud=API, sub="shop-7")
    assert ask(server, **bearer(token)) == 200
    assert server.client.post("/", headers={**EVENT, **bearer(token)}, content=b"{}").status_code == 401


def test_a_verified_address_counts_as_a_subject_and_another_does_not(server: Server, issuer: Issuer) -> None:
    claims: dict[str, Any] = {"aud": API, "sub": "118", "email": "ann@shop.example"}
    assert ask(server, **bearer(issuer.token(**claims, email_verified=True))) == 200
    assert ask(server, **bearer(issuer.token(**claims, email_verified=False))) == 403
    assert ask(server, **bearer(issuer.token(**claims))) == 403
    assert ask(server, **bearer(issuer.token(aud=API, sub="x-shop-7"))) == 403


def test_a_token_that_is_limited_to_other_scopes_is_refused(server: Server, issuer: Issuer) -> None:
    assert ask(server, **bearer(issuer.token(aud=API, sub="shop-7", scope="openid feedback"))) == 403
    assert ask(server, **bearer(issuer.token(aud=API, sub="shop-7", scope="openid creatives"))) == 200


def forged(issuer: Issuer, header: dict[str, Any], secret: bytes = b"") -> str:
    """A token that holds in all but its signature."""
    claims = {
        "iss": issuer.url,
        "aud": "adloom-events",
        "sub": "system:serviceaccount:adloom:x",
        "exp": time.time() + 60,
    }
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (header, claims)]
    signed = b".".join(parts)
    mark = hmac.digest(secret, signed, "sha256") if secret else b""
    return (signed + b"." + base64.urlsafe_b64encode(mark).rstrip(b"=")).decode()


def public_pem(issuer: Issuer) -> bytes:
    key = issuer.private.public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def attacks(issuer: Issuer) -> dict[str, str]:
    """Tokens that must not open the door for events, by what is wrong with them."""
    stranger = Issuer(issuer.url, rsa.generate_private_key(65537, 2048), [])
    good = issuer.token()
    head, body, mark = good.split(".")
    other = base64.urlsafe_b64encode(b'{"sub": "system:serviceaccount:adloom:x"}').rstrip(b"=").decode()
    now = int(time.time())
    return {
        "alg none": forged(issuer, {"alg": "none", "kid": "one"}),
        "alg None": forged(issuer, {"alg": "None", "kid": "one"}),
        "public key as a secret": forged(issuer, {"alg": "HS256", "kid": "one"}, public_pem(issuer)),
        "expired": issuer.token(exp=now - 60),
        "not yet": issuer.token(nbf=now + 120),
        "no end": issuer.token(exp=None),
        "no subject": issuer.token(sub=None),
        "no audience": issuer.token(aud=None),
        "other audience": issuer.token(aud="somebody-else"),
        "other issuer": issuer.token(iss="https://issuer.example"),
        "other key, same name": stranger.token(),
        "unknown key": issuer.token({"kid": "two"}),
        "no key name": forged(issuer, {"alg": "RS256"}),
        "key in the header": stranger.token({"jwk": {"kty": "RSA"}, "jku": "http://127.0.0.1:1/keys"}),
        "critical extension": issuer.token({"crit": ["exp"]}),
        "signature cut off": f"{head}.{body}.",
        "claims exchanged": f"{head}.{other}.{mark}",
        "two parts": f"{head}.{body}",
        "no token": "not-a-token",
        "too long": "x" * 7000,
        "path as key name": issuer.token({"kid": "../../etc/passwd"}),
    }


def test_tokens_that_do_not_hold_are_refused(server: Server, issuer: Issuer) -> None:
    for what, token in attacks(issuer).items():
        answer = server.client.post("/", headers={**EVENT, **bearer(token)}, content=b"{}")
        assert answer.status_code == 401, f"{what}: {answer.status_code} {answer.text}"


def test_a_service_of_another_namespace_is_refused(server: Server, issuer: Issuer) -> None:
    for subject in (
        "system:serviceaccount:default:x",
        "system:serviceaccount:adloom-2:x",
        "x:system:serviceaccount:adloom:y",
    ):
        token = issuer.token(sub=subject)
        assert server.client.post("/", headers={**EVENT, **bearer(token)}, content=b"{}").status_code == 403, subject


def test_invented_key_names_do_not_make_the_door_ask_the_issuer_each_time(server: Server, issuer: Issuer) -> None:
    server.client.post("/", headers={**EVENT, **bearer(issuer.token())}, content=b"{}")
    before = len(issuer.asked)
    for n in range(20):
        token = issuer.token({"kid": f"invented-{n}"})
        assert server.client.post("/", headers={**EVENT, **bearer(token)}, content=b"{}").status_code == 401
    assert len(issuer.asked) - before <= 2


def test_metrics_are_for_the_cluster_and_not_for_who_comes_by_the_gateway(server: Server, keys: Keys, key: str) -> None:
    assert server.client.get("/metrics").status_code == 200
    outside = {"X-Forwarded-For": "203.0.113.9"}
    assert server.client.get("/metrics", headers=outside).status_code == 401
    assert server.client.get("/metrics", headers={**outside, "X-API-Key": key}).status_code == 403
    allowed = keys.add("watcher", ["metrics"])
    assert server.client.get("/metrics", headers={**outside, "X-API-Key": allowed}).status_code == 200


def test_where_no_issuer_is_set_no_event_is_taken(serve: Serve, issuer: Issuer) -> None:
    bare = serve(TINY)
    assert bare.client.post("/", headers={**EVENT, **bearer(issuer.token())}, content=b"{}").status_code == 401
    assert bare.client.post("/v1/nap", json={}, headers={"X-API-Key": "adl_x"}).status_code == 401


def test_a_key_has_so_many_requests_and_is_told_how_many_are_left(serve: Serve, keys: Keys) -> None:
    limited = serve(TINY, ADLOOM_API_KEYS=str(keys.path), ADLOOM_RATE="3/minute")
    slow, quick = keys.add("slow", ["creatives"]), keys.add("quick", ["creatives"], rate="100/minute")
    answers = [limited.client.post("/v1/nap", json={}, headers={"X-API-Key": slow}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {"3"}
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    other = limited.client.post("/v1/nap", json={}, headers={"X-API-Key": quick})
    assert (other.status_code, other.headers["ratelimit-limit"]) == (200, "100")


def test_guessing_keys_is_slowed_down_and_a_right_one_still_opens(serve: Serve, keys: Keys) -> None:
    target = serve(TINY, ADLOOM_API_KEYS=str(keys.path))
    right = keys.add("right", ["creatives"])
    codes = [ask(target, X_API_Key=f"adl_{n:043d}") for n in range(70)]
    assert set(codes[:60]) == {401}
    assert set(codes[60:]) == {429}
    assert ask(target, X_API_Key=right) == 200


def refused_to_start(folder: Path, *arguments: str, **settings: str) -> str:
    environment = {"PATH": "/usr/bin", "PYTHONPATH": str(ROOT), "ADLOOM_STORE": str(folder), "PORT": "0", **settings}
    command = [sys.executable, "-m", "functions_framework", "--source", str(TINY), "--target", "handle", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode != 0
    return done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "example.org", ""])  # noqa: S104
def test_without_checks_nothing_but_loopback_is_listened_on(tmp_path: Path, host: str) -> None:
    if host:
        assert "loopback" in refused_to_start(tmp_path, "--host", host, ADLOOM_AUTH="off")
        assert "loopback" in refused_to_start(tmp_path, HOST=host, ADLOOM_AUTH="off")
    else:
        assert "loopback" in refused_to_start(tmp_path, ADLOOM_AUTH="off")


@pytest.mark.parametrize("setting", [{"ADLOOM_AUTH": "no"}, {"ADLOOM_RATE": "many"}, {"ADLOOM_LOG": "loud"}])
def test_a_setting_that_cannot_be_read_stops_the_start(tmp_path: Path, setting: dict[str, str]) -> None:
    (name,) = setting
    assert name in refused_to_start(tmp_path, "--host", "127.0.0.1", **setting)


def test_without_checks_pages_of_other_sites_still_may_not_ask(serve: Serve) -> None:
    local = serve(TINY, ADLOOM_AUTH="off")
    assert ask(local, Host="localhost") == 200
    assert ask(local, Host="[::1]:8080") == 200
    assert ask(local, Host="evil.example") == 403
    assert ask(local, Host="127.0.0.1.evil.example") == 403
    assert ask(local, Origin="https://evil.example") == 403
    assert ask(local, Origin="null") == 403
    assert ask(local, Origin="http://localhost:3000") == 200


def test_jwt_of_the_tests_is_one_that_holds(issuer: Issuer) -> None:
    """The forged tokens are refused for their fault, and not because none of them could be read."""
    key = issuer.private.public_key()
    assert jwt.decode(issuer.token(), key, ["RS256"], audience="adloom-events")["iss"] == issuer.url
