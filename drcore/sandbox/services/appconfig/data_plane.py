"""AppConfig's data plane: in a session the same thing is asked for until something is new.

A token is good for one question, or for the same one anew; whoever asks sooner than the interval is refused.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.registry import AwsCall, operation
from drcore.sandbox.core.world import World
from drcore.sandbox.services.appconfig.state import AppConfig, ConfigProfile, Environment, refused

INTERVAL = 60
"""Seconds between two questions, if the session asks for nothing else."""
VALID = timedelta(hours=24)
REPEATS = 6
"""So often the same token is accepted."""


@dataclass(slots=True)
class Asking:
    """One token: whose session, what it has already, from when to when it is good."""

    session: int
    place: Environment
    profile: ConfigProfile
    interval: int
    has: int | None
    since: datetime
    not_before: datetime
    used: int = 0


class Sessions:
    """The tokens that were given out."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._given: dict[str, Asking] = {}
        self._sessions = 0

    def open(self, place: Environment, profile: ConfigProfile, interval: int) -> str:
        """A new session; returns its first token."""
        self._sessions += 1
        now = self._world.clock.now()
        return self._give(Asking(self._sessions, place, profile, interval, None, now, now))

    def ask(self, token: str) -> tuple[Asking, str]:
        """What a token stands for, with the session's next one. Raises AwsError."""
        known, now = self._given.get(token), self._world.clock.now()
        if known is None or now > known.since + VALID or known.used >= REPEATS:
            raise refused("The configuration token is not valid or has expired")
        if now < known.not_before:
            raise refused("Request too early")
        known.used += 1
        following = now + timedelta(seconds=known.interval)
        served = self.served(known)
        has = known.has if served is None else served[0]
        following_one = Asking(known.session, known.place, known.profile, known.interval, has, now, following)
        return known, self._give(following_one)

    def served(self, asking: Asking) -> tuple[int, bytes, str, str] | None:
        """Number, content, type, label of what the session gets now."""
        draw = self._world.rng("appconfig host", asking.session).uniform(0, 100)
        version = asking.place.served(asking.profile, self._world.clock.now(), draw)
        if version is None:
            return None
        return version.number, asking.profile.given_out(version), version.content_type, version.label

    def _give(self, asking: Asking) -> str:
        stream = self._world.rng("appconfig token", len(self._given))
        token = f"{stream.getrandbits(256):064x}"
        self._given[token] = asking
        return token


@operation("appconfigdata", "StartConfigurationSession")
def start_configuration_session(call: AwsCall) -> dict[str, Any]:
    """As the API: ids or names."""
    store, params = call.world.state(AppConfig), call.params
    home = store.application(call.region, params["ApplicationIdentifier"])
    place = store.environment(home, params["EnvironmentIdentifier"])
    profile = store.profile(home, params["ConfigurationProfileIdentifier"])
    interval = int(params.get("RequiredMinimumPollIntervalInSeconds") or INTERVAL)
    if not 15 <= interval <= 86_400:
        raise refused("RequiredMinimumPollIntervalInSeconds must be between 15 and 86400")
    return {"InitialConfigurationToken": call.world.state(Sessions).open(place, profile, interval)}


@operation("appconfigdata", "GetLatestConfiguration")
def get_latest_configuration(call: AwsCall) -> dict[str, Any]:
    """As the API: the body is empty when the session has that already."""
    sessions = call.world.state(Sessions)
    asking, token = sessions.ask(call.params["ConfigurationToken"])
    answer = {"NextPollConfigurationToken": token, "NextPollIntervalInSeconds": asking.interval}
    served = sessions.served(asking)
    if served is None or served[0] == asking.has:
        return {**answer, "ContentType": served[2] if served else "application/octet-stream", "Configuration": b""}
    document = {**answer, "ContentType": served[2], "Configuration": served[1]}
    return document | ({"VersionLabel": served[3]} if served[3] else {})
