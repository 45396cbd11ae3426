"""The sandbox as one function from request to answer; both doors open onto it."""

import importlib
import pkgutil
import threading

from drcore.sandbox import services, syncwell, vendors
from drcore.sandbox.core import call_faults
from drcore.sandbox.core.dispatch import CALL_SECONDS, direct, public
from drcore.sandbox.core.world import TOKENS_A_SECRET, USERS, World
from drcore.sandbox.endpoints import control, name_server
from drcore.sandbox.moto import emulator
from drcore.sandbox.protocol.exchange import Request, Response
from drcore.sandbox.syncwell import incidents
from drcore.sandbox.vendors.statuspage import open_page

# Modules that register what they answer or break when they are imported.
REGISTERED = (
    call_faults,
    *(
        importlib.import_module(module.name)
        for folder in (services, vendors, incidents)
        for module in pkgutil.walk_packages(folder.__path__, f"{folder.__name__}.")
    ),
)


class Application:
    """One world behind one lock: requests are answered one after the other, so a run can be repeated.

    moto keeps its resources in the process, so a new Application empties the one before.
    """

    def __init__(self, seed: int, users: int = USERS, tokens_a_secret: int = TOKENS_A_SECRET) -> None:
        emulator.reset()
        self.world = World(seed, direct, users, tokens_a_secret)
        self._lock = threading.Lock()
        with self.world.clock.frozen():
            open_page(self.world)
            build_company(self.world)

    def answer(self, request: Request) -> Response:
        """Answer a request; raises Dropped or NoResponse where a fault takes the answer away."""
        with self._lock, self.world.clock.frozen():
            if request.path.startswith(control.PREFIX):
                return control.answer(self.world, request)
            return public(self.world, request)

    def resolve(self, wire: bytes, asker: str) -> bytes:
        """Answer a DNS message from an IP address; it costs virtual time as a call does. Raises NotDns."""
        with self._lock, self.world.clock.frozen():
            self.world.clock.advance(CALL_SECONDS)
            return name_server.answer(self.world, wire, asker)


def build_company(world: World) -> None:
    """Put SyncWell into an empty account."""
    syncwell.build(world)
