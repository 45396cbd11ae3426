"""Accounts that people name, as a table knows them."""

from __future__ import annotations

from collections.abc import Sequence

from drcore.plans.g import invariants
from drcore.plans.g.facts import GRun
from drcore.plans.g.tables import recovery_region
from drcore.services.dynamodb import items
from drcore.services.dynamodb.tables import Typed


def named_accounts(run: GRun) -> tuple[str, ...]:
    """The users of `-p accounts=`, in order, each once."""
    return tuple(dict.fromkeys(user.strip() for user in run.incident.accounts.split(",") if user.strip()))


def key_of(run: GRun, user: str) -> dict[str, dict[str, str]]:
    """The key of a user's item."""
    names, users = run.facts.key, run.facts.users
    return {names.partition: {"S": f"{users.prefix}{user}"}, names.sort: {"S": users.sort}}


def items_by_user(run: GRun, table: str, keys: Sequence[Typed]) -> dict[str, Typed]:
    """The items of some keys, by user; one that is not in the table is left out. Raises Unknown, Rejected."""
    there = items.some(run.aws, recovery_region(run), table, keys) if keys else ()
    return {invariants.user_of(run, item): item for item in there}
