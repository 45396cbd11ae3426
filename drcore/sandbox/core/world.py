"""One simulated account, its two regions, its time, its chance."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar, cast

from drcore.sandbox.core.clock import Tick, VirtualClock
from drcore.sandbox.core.own_client import own_client, own_session
from drcore.sandbox.protocol.exchange import Request, Response

USERS = 5000
"""Who the company serves when the doors open, unless a world is made smaller."""
TOKENS_A_SECRET = 800
"""Users' tokens in one secret, which holds 64 KB at most; 1 gives each user a secret."""

T = TypeVar("T")
Contribution = Callable[[], Any]


class World:
    """Everything that one simulation knows; the same seed gives the same world."""

    account = "123456789012"
    regions = ("us-east-1", "us-west-2")

    def __init__(
        self,
        seed: int,
        answer: Callable[["World", Request], Response],
        users: int = USERS,
        tokens_a_secret: int = TOKENS_A_SECRET,
    ) -> None:
        """`answer` is who answers the calls of the world's own actors."""
        self.seed, self.users, self.tokens_a_secret = seed, users, tokens_a_secret
        self.clock = VirtualClock()
        self._session = own_session(lambda request: answer(self, request))
        self._clients: dict[tuple[str, str], Any] = {}
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._states_by_class: dict[type[Any], Any] = {}
        self._truths: dict[str, Contribution] = {}
        self._states: dict[str, Contribution] = {}

    def rng(self, *purpose: object) -> random.Random:
        """A random stream for one purpose (`"traffic", region, minute`), whatever was drawn before."""
        return random.Random(self.purpose(*purpose))

    def purpose(self, *parts: object) -> str:
        """The name of a random stream of this world."""
        return ":".join(map(str, (self.seed, *parts)))

    def count(self, service: str, operation: str, region: str) -> int:
        """Count one such call; returns its number. What it draws follows from that, not from other calls."""
        self._counts[service, operation, region] += 1
        return self._counts[service, operation, region]

    def on_tick(self, fn: Tick) -> None:
        """Call `fn(instant)` each ten seconds of virtual time, in order of registration."""
        self.clock.on_tick(fn)

    def client(self, service: str, region: str) -> Any:
        """A boto3 client for the world's own set-up and actors: no virtual time, no faults."""
        if (service, region) not in self._clients:
            self._clients[service, region] = own_client(self._session, service, region)
        return self._clients[service, region]

    def state(self, key: type[T]) -> T:
        """The one instance of a service's state class, made on first use by `key(world)`."""
        if key not in self._states_by_class:
            self._states_by_class[key] = cast(Callable[[World], T], key)(self)
        return cast(T, self._states_by_class[key])

    def add_truth(self, name: str, fn: Contribution) -> None:
        """Add `fn()` to what tests may read at GET /_sandbox/truth."""
        self._truths[name] = fn

    def truth(self) -> dict[str, Any]:
        """What the simulation knows, as JSON values."""
        return {name: fn() for name, fn in self._truths.items()}

    def add_to_dump(self, name: str, fn: Contribution) -> None:
        """Add `fn()`, resources that a service keeps outside moto, to GET /_sandbox/state."""
        self._states[name] = fn

    def own_resources(self) -> dict[str, Any]:
        """What the services keep outside moto, by the names they gave."""
        return {name: fn() for name, fn in self._states.items()}
