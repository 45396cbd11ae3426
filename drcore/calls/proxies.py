"""The proxy by which an address is asked: the environment says so, as for every other command.

One rule for AWS and for everybody else. botocore reads the same variables for itself.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass  # noqa: TID251  # the rule for proxies alone: nothing is asked


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine. Such a one is never asked by a proxy, which has a loopback of its own."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def proxy_for(url: str) -> str | None:
    """The proxy's address from HTTPS_PROXY or HTTP_PROXY, None where NO_PROXY or the loopback asks for none."""
    parts = urlsplit(url)
    if is_loopback(url) or not parts.hostname or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return None if not proxy else proxy if "://" in proxy else f"http://{proxy}"
