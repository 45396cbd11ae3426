"""The secrets that hold users' tokens, as a region lists them: a store that lists none is not believed.

A store is a region, of this account or of one that keeps copies of the secrets. Replication by Secrets Manager brings a
copy there what its primary gets; what a job has copied there nobody changes but who writes it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from drcore.calls.aws import Aws
from drcore.engine.outcome import Target
from drcore.engine.phrases import region_names
from drcore.engine.step import regions
from drcore.errors import Unknown
from drcore.plans.e.facts import ERun, OtherAccount
from drcore.plans.e.sweeping import looked_up
from drcore.services import secretsmanager
from drcore.services.secretsmanager import ListedSecret, Secret

_ACCOUNT = "account "


def in_other_accounts(run: ERun) -> list[Target]:
    """A target for each region of each account that keeps copies."""
    return [
        Target(region, f"{_ACCOUNT}{each.account}")
        for each in run.facts.tokens.other_accounts
        for region in each.regions
    ]


def stores(run: ERun) -> list[Target]:
    """A target for each region of this account, then those of the others."""
    return [*regions(run), *in_other_accounts(run)]


def other_account(run: ERun, target: Target) -> OtherAccount | None:
    """The account of a store; None: this one."""
    account = target.thing.removeprefix(_ACCOUNT)
    return next((each for each in run.facts.tokens.other_accounts if each.account == account), None)


def client(run: ERun, target: Target) -> Aws:
    """What calls go to a store with: in another account under the role there."""
    there = other_account(run, target)
    return run.aws.in_account(there.role, there.external_id) if there else run.aws


def secret_in(run: ERun, target: Target, name: str) -> Secret:
    """One secret as a store has it now; its list may be minutes late. Raises Rejected, Unknown."""
    return secretsmanager.secret(client(run, target), target.region, name)


def each_secret(run: ERun, target: Target, names: Iterable[str]) -> Iterator[tuple[str, Secret]]:
    """The same of each name, a few in flight together. Raises as above."""
    return looked_up(run.clock, names, partial(secretsmanager.secret, client(run, target), target.region))


def where(targets: Iterable[Target]) -> str:
    """`us-east-1, us-west-2 AND ACCOUNT 210987654321`, for a phrase."""
    every = [*targets]
    own = region_names(each for each in every if not each.thing)
    return " AND ".join(filter(None, [own, *dict.fromkeys(each.thing.upper() for each in every if each.thing)]))


def token_secrets(run: ERun, target: Target) -> Iterator[ListedSecret]:
    """Those that are written there, and the copies, page by page. The preflight has seen that there are some.

    Raises Rejected; Unknown, also where there are none: an empty list is no proof that nothing gives out old tokens.
    """
    prefix, any_there = run.facts.tokens.prefix, False
    for secret in secretsmanager.listed(client(run, target), target.region, prefix):
        any_there = True
        yield secret
    if not any_there:
        raise Unknown(f"secretsmanager {target}: expected secrets that begin with {prefix}, seen none")


def written_in(run: ERun, target: Target) -> Iterator[ListedSecret]:
    """The secrets with tokens that are written in a store, not replicated to it. Raises Rejected, Unknown.

    A list tells replicas of another region; those of another account's secret are looked up.
    """
    listed = (each for each in token_secrets(run, target) if each.primary in ("", target.region))
    if other_account(run, target) is None:
        yield from listed
        return
    by_name = {each.name: each for each in listed}
    yield from (by_name[name] for name, secret in each_secret(run, target, by_name) if not secret.follows)
