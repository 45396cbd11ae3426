"""What stands around the calls from outside."""

from collections.abc import Callable, Sequence

from drcore.sandbox.core.registry import AwsCall, HttpCall
from drcore.sandbox.core.world import World
from drcore.sandbox.protocol.exchange import Response

Proceed = Callable[[], Response]
Interceptor = Callable[[AwsCall | HttpCall, Proceed], Response]
"""A fault around calls: it may proceed, change the answer, refuse (AwsError), drop or stay silent."""

Observer = Callable[[AwsCall, Response], None]
Admission = Callable[[AwsCall], None]
"""Whether a call may go on: AwsError where it may not."""


class CallHooks:
    """Who intercepts the calls from outside, who admits them, who watches them."""

    def __init__(self, _: World) -> None:
        self._interceptors: list[Interceptor] = []
        self._observers: list[Observer] = []
        self._admission: Admission = lambda call: None

    @property
    def interceptors(self) -> Sequence[Interceptor]:
        """What the faults that are on do to calls, oldest first."""
        return tuple(self._interceptors)

    def intercept(self, fn: Interceptor) -> Callable[[], None]:
        """Put `fn` around each call from outside; returns how it is taken away."""
        self._interceptors.append(fn)
        return lambda: self._interceptors.remove(fn)

    @property
    def observers(self) -> Sequence[Observer]:
        """Who looks at the calls from outside."""
        return tuple(self._observers)

    def observe(self, fn: Observer) -> None:
        """Show `fn` each AWS call from outside that was handled, with its answer, whatever the caller hears of it."""
        self._observers.append(fn)

    @property
    def admission(self) -> Admission:
        """Who is asked before a call from outside is handled; while nobody is, each may go on."""
        return self._admission

    def admit_by(self, fn: Admission) -> None:
        """Ask `fn` before each AWS call from outside is handled, behind the faults: a call that is lost asks nobody."""
        self._admission = fn
