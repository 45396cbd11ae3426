"""Elastic Load Balancing: the DNS names of load balancers, answered with the addresses of their nodes.

A node is replaced now and then, and the new one has another address. Simplified: as many nodes as a balancer was made
with, replaced in turn; a node is never unhealthy. There are no operations: nobody here makes or describes one.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from drcore.sandbox.core.timestamps import epoch
from drcore.sandbox.core.world import World

TTL = 60
"""Seconds for which the answer to a balancer's name may be kept; that of an alias to it as well."""

NODE_LASTS = timedelta(minutes=14)
"""How long a node keeps its address."""

_NODES = 2


class LoadBalancers:
    """The load balancers of both regions, by their DNS name."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pools: dict[str, tuple[str, ...]] = {}

    def add(self, host: str, addresses: Sequence[str]) -> None:
        """A load balancer that was there before the doors opened; its nodes take their addresses in turn."""
        self._pools[_full(host)] = tuple(addresses)

    def nodes(self, host: str, at: datetime) -> tuple[str, ...] | None:
        """The addresses that its name has at a moment; None: there is no such load balancer."""
        pool = self._pools.get(_full(host))
        if pool is None:
            return None
        lasts = int(NODE_LASTS.total_seconds())
        start = self._world.rng("load balancer nodes", host).randrange(lasts)
        taken = (
            _NODES * ((epoch(at) + start + number * lasts // _NODES) // lasts) + number for number in range(_NODES)
        )
        return tuple(pool[number % len(pool)] for number in taken)


def _full(host: str) -> str:
    return f"{host.lower().rstrip('.')}."
