# ruff: noqa: E501, S104 - a case is one line, and no address is bound
import socket
from typing import Any

import httpcore
import httpx
import pytest

from functions.common.errors import InputError, PassingError
from functions.ingest.network import GuardedBackend, check_url, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255",
        "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_addresses_within_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


def test_the_address_that_was_checked_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that resolves to something else at the second look (DNS rebinding) must not matter."""
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    reached: list[str] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(answers)]

    def connect(self: Any, host: str, *_: Any, **__: Any) -> Any:
        reached.append(host)
        raise httpcore.ConnectError("not today")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    backend = GuardedBackend(allow_private=False)
    with pytest.raises(httpcore.ConnectError):
        backend.connect_tcp("shop.example.com", 443)
    with pytest.raises(InputError, match=r"127\.0\.0\.1, which is no public address"):
        backend.connect_tcp("shop.example.com", 443)
    assert reached == ["93.184.216.34"]


def test_one_private_address_among_several_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(InputError):
        GuardedBackend(allow_private=False).connect_tcp("shop.example.com", 80)


def test_a_name_that_does_not_resolve_is_a_passing_fault() -> None:
    with pytest.raises(PassingError, match="cannot be resolved"):
        GuardedBackend(allow_private=False).connect_tcp("no-such-host.invalid", 80)


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example.com/",
        "http://shop.example.com.evil.test/",
        "https://a:b@shop.example.com/",
        "gopher://shop.example.com/",
    ],
)
def test_requests_outside_of_the_allowed_hosts_are_refused(url: str) -> None:
    with pytest.raises(InputError):
        check_url(httpx.URL(url), frozenset({"shop.example.com"}))


def test_requests_to_the_allowed_hosts_pass() -> None:
    check_url(httpx.URL("https://SHOP.example.com/x"), frozenset({"shop.example.com"}))
    check_url(httpx.URL("https://api.example.com:8443/x"), frozenset({"api.example.com:8443"}))
