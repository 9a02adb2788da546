"""Connections that only reach hosts they may: checked by name at each request, and by address when it connects."""

import ipaddress
import socket
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from functions.common.errors import InputError, PassingError

NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, also where it wraps an IPv4 address."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else None)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


class GuardedBackend(httpcore.SyncBackend):
    """Resolves a name once, refuses private addresses, and connects to the very address that was checked.

    The name for TLS is still that of the request, so certificates are checked as ever; a name that is resolved
    anew to another address (DNS rebinding) gains nothing.
    """

    def __init__(self, allow_private: bool) -> None:
        self.allow_private = allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect as the base class does, to a checked address.

        Raises:
            InputError: the host's address is private, loopback, link-local or otherwise not of the internet.
        """
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise PassingError(f"{host}: the host name cannot be resolved; check the address") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self.allow_private and (inner := next((one for one in addresses if not is_public(one)), None)):
            raise InputError(
                f"{host}: resolves to {inner}, which is no public address, so it is not fetched;"
                " allow private addresses where the catalogue is served from your own network"
            )
        fault: Exception | None = None
        for address in addresses:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
        raise fault or httpcore.ConnectError(f"{host}: no address")


class GuardedTransport(httpx.HTTPTransport):
    """httpx's transport over `GuardedBackend`; no proxies of the environment, which would go around it."""

    def __init__(self, allow_private: bool) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=4,
            keepalive_expiry=5.0,
            network_backend=GuardedBackend(allow_private),
        )


def check_url(url: httpx.URL, hosts: frozenset[str]) -> None:
    """Refuse what is not plain http or https to an allowed host.

    Args:
        hosts: names, each alone or with a port.

    Raises:
        InputError: the scheme, the host, or a user name in the address is not allowed.
    """
    if url.scheme not in {"http", "https"}:
        raise InputError(f"{url.scheme}: addresses are not fetched; give one with https://")
    if url.userinfo:
        raise InputError(f"{url.host}: the address holds a user name or password; give them as a token or header")
    name = url.host.lower().rstrip(".")
    if name not in hosts and f"{name}:{url.port}" not in hosts:
        raise InputError(
            f"{url.host}: is not among the allowed hosts ({', '.join(sorted(hosts))}); add it if it is meant"
        )
