"""The keys of a role: had from STS in the region of the call, renewed in time.

For one act they are those of a session that may do no more than the act was declared to do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drcore.errors import Rejected, Unknown

_RENEW_BEFORE = timedelta(minutes=10)  # so long before keys expire; longer than any call takes
_TOO_LARGE = "PackedPolicyTooLarge"  # STS packs a policy, and says by no rule that is published when it is too large
# What AWS allows to be read comes beside what an act declares, as in the runner's role itself (README, IAM).
_READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"

Ask = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Keys:
    """What a call is signed with, until when."""

    access_key: str
    secret_key: str
    token: str
    expires: datetime


class RoleKeys:
    """The keys of one role by region and by what limits them, each asked for once an hour.

    `external_id` is what the trust policy of a role in another account asks for; empty: none. `ask` makes the call to
    STS in a region; `failed` names the region that has failed, where nothing is asked; without
    `now` keys are not renewed.
    """

    def __init__(
        self,
        role: str,
        name: str,
        ask: Ask,
        failed: Callable[[], str],
        now: Callable[[], datetime] | None,
        external_id: str = "",
    ) -> None:
        self._asked = {"RoleArn": role, "RoleSessionName": name} | ({"ExternalId": external_id} if external_id else {})
        self._ask, self._failed, self._now = ask, failed, now
        self._known: dict[tuple[str, str], Keys] = {}
        self._policies: Sequence[str] = ()
        self._lock = threading.RLock()  # segments of a scan are read side by side

    @contextmanager
    def limited_to(self, policies: Sequence[str]) -> Iterator[None]:
        """For as long as it lasts no call may do more than the first of some policies says that STS takes."""
        before, self._policies = self._policies, policies
        try:
            yield
        finally:
            self._policies = before

    def of(self, region: str) -> Keys:
        """The keys for a call to a region. Raises Rejected, Unknown."""
        with self._lock:
            return self._limited(region) if self._policies else self._had(region, "")

    def _limited(self, region: str) -> Keys:
        """Keys are good in all regions: an act does not wait for the STS of one that does not answer."""
        others = [each for each, policy in self._known if not policy and each not in (region, self._failed())]
        unanswered: Unknown | None = None
        for sts_region in (region, *others):
            try:
                return self._first_taken(sts_region)
            except Unknown as error:
                unanswered = unanswered or error
        assert unanswered  # each region was asked
        raise unanswered

    def _first_taken(self, region: str) -> Keys:
        for policy in self._policies[:-1]:
            try:
                return self._had(region, policy)
            except Rejected as error:
                if error.code != _TOO_LARGE:
                    raise
        return self._had(region, self._policies[-1])

    def _had(self, region: str, policy: str) -> Keys:
        where = self._where(region, policy)
        known = self._known.get((where, policy))
        if known is None or (self._now and self._now() > known.expires - _RENEW_BEFORE):
            limits = {"Policy": policy, "PolicyArns": [{"arn": _READ_ONLY}]} if policy else {}
            given = self._ask(where, self._asked | limits)["Credentials"]
            known = Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], given["Expiration"])
            self._known[where, policy] = known
        return known

    def _where(self, region: str, policy: str) -> str:
        """Where the keys for a region are had: in it, unless it has failed. Those of any other are good there too."""
        failed = self._failed()
        if region != failed:
            return region
        had = [each for each, limit in self._known if each != failed and limit in (policy, "")]
        return had[0] if had else region
