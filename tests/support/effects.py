"""What a sandbox has handled that was no read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drcore.sandbox.core.call_hooks import CallHooks, Proceed
from drcore.sandbox.core.registry import AwsCall, HttpCall
from drcore.sandbox.core.world import World
from drcore.sandbox.protocol.exchange import Response

LOOKS = (  # not by verb
    *("ReceiveMessage", "SimulatePrincipalPolicy", "AssumeRole", "Scan", "Query", "TestDNSAnswer"),
    *("StartConfigurationSession", "StartQuery", "StopQuery"),
    # Of Google Play: a token, a draft that becomes the app by its commit only.
    *("give_token", "insert_edit", "update_track", "validate_edit", "delete_edit"),
)


@dataclass(frozen=True)
class Effect:
    """A call that the sandbox has handled and that was no read, whatever became of the answer."""

    call: str
    region: str
    asked: str
    account: str = ""  # another one than the world's


def watch(world: World, note: Callable[[Effect], object]) -> Callable[[], None]:
    """Tell of every write that the world handles from now on; returns how that is ended."""

    def handled(call: AwsCall | HttpCall, proceed: Proceed) -> Response:
        answer = proceed()
        looks = call.reads or call.operation in LOOKS
        if answer.status < 300 and not looks:
            account = call.account if isinstance(call, AwsCall) and call.account != world.account else ""
            note(Effect(f"{call.service}:{call.operation}", call.region, call.identity, account))
        return answer

    return world.state(CallHooks).intercept(handled)
