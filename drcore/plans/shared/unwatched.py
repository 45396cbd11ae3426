"""Whether the alarms of a plan can tell that nothing is wrong.

An alarm that is neither OK nor ALARM tells nothing. That is no trouble by itself, as it is the effect of a remedy too:
nobody calls any more what was taken out. So where trouble is looked for it is UNKNOWN by the alarm's name; where health
is judged by its own measurements, only when no alarm is left that tells.
"""

from __future__ import annotations

from collections.abc import Sequence

from drcore.services.cloudwatch import Alarm

_TELLING = frozenset({"OK", "ALARM"})  # INSUFFICIENT_DATA is neither, and so is a state that AWS may add


def unwatched(alarms: Sequence[Alarm], prefix: str) -> str:
    """Why no alarm of a prefix tells anything, in words; empty where one does.

    None is there: nobody watches, or the prefix is wrong. Or all are silent.
    """
    if not alarms:
        return f"no alarm begins with {prefix}"
    return "" if any(each.state in _TELLING for each in alarms) else cannot_tell(alarms, prefix)


def cannot_tell(alarms: Sequence[Alarm], prefix: str) -> str:
    """Why the alarms cannot tell that nothing is wrong, in words; empty where each of them can."""
    if not alarms:
        return unwatched(alarms, prefix)
    silent = [f"{each.name} is {each.state}" for each in alarms if each.state not in _TELLING]
    return f"alarm {', '.join(silent)}" if silent else ""
