"""Lambda: aliases, the versions behind them, provisioned concurrency."""

from __future__ import annotations

from dataclasses import dataclass, field

from drcore.aws import Aws
from drcore.errors import Rejected


@dataclass(frozen=True, slots=True)
class Alias:
    """Where an alias sends traffic: `version`, but the share in `weights` to others. `revision` guards a change."""

    version: str
    weights: tuple[tuple[str, float], ...] = ()
    revision: str = field(default="", compare=False)

    def __str__(self) -> str:
        others = "".join(f", {weight:.0%} to {version}" for version, weight in self.weights)
        return f"version {self.version}{others}"


@dataclass(frozen=True, slots=True)
class Version:
    """Whether a published version can take traffic: its state and that of its last update; empty: it does not exist."""

    state: str = ""
    last_update: str = ""


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Provisioned concurrency of an alias: what was asked for, what is there, READY, IN_PROGRESS or FAILED.

    An empty status: none is configured.
    """

    requested: int = 0
    available: int = 0
    status: str = ""


def alias(aws: Aws, region: str, function: str, name: str) -> Alias:
    """Raises Rejected when the function or the alias does not exist, Unknown."""
    found = aws.call("lambda", region, "get_alias", FunctionName=function, Name=name)
    weights = found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return Alias(found["FunctionVersion"], tuple(sorted(weights.items())), found.get("RevisionId", ""))


def version(aws: Aws, region: str, function: str, number: str) -> Version:
    """The state of one published version. Raises Unknown."""
    try:
        found = aws.call("lambda", region, "get_function_configuration", FunctionName=function, Qualifier=number)
    except Rejected as error:
        if error.code == "ResourceNotFoundException":
            return Version()
        raise
    # A plain emulator leaves these out; Lambda itself always sends them.
    return Version(found.get("State", "Active"), found.get("LastUpdateStatus", "Successful"))


def newest_versions(aws: Aws, region: str, function: str, count: int) -> tuple[str, ...]:
    """The numbers of the last published versions, newest first."""
    found = aws.pages("lambda", region, "list_versions_by_function", "Versions", FunctionName=function)
    numbers = sorted((int(each["Version"]) for each in found if each["Version"].isdigit()), reverse=True)
    return tuple(str(number) for number in numbers[:count])


def provisioned(aws: Aws, region: str, function: str, name: str) -> Provisioned:
    """Provisioned concurrency of an alias. Raises Unknown, Rejected."""
    try:
        found = aws.call("lambda", region, "get_provisioned_concurrency_config", FunctionName=function, Qualifier=name)
    except Rejected as error:
        if error.code == "ProvisionedConcurrencyConfigNotFoundException":
            return Provisioned()
        raise
    return Provisioned(
        found["RequestedProvisionedConcurrentExecutions"],
        found.get("AvailableProvisionedConcurrentExecutions", 0),
        found["Status"],
    )


def concurrency_limit(aws: Aws, region: str) -> int:
    """How many requests all functions of the account may serve at once in a region. Raises Unknown, Rejected."""
    return int(aws.call("lambda", region, "get_account_settings")["AccountLimit"]["ConcurrentExecutions"])


def point_alias(aws: Aws, region: str, function: str, name: str, to: Alias, revision: str) -> None:
    """Point an alias, unless somebody else has changed it since `revision` was read.

    The routing weights are always sent: left out, a canary's share would go on reaching the bad version.
    """
    aws.call(
        "lambda",
        region,
        "update_alias",
        FunctionName=function,
        Name=name,
        FunctionVersion=to.version,
        RoutingConfig={"AdditionalVersionWeights": dict(to.weights)},
        RevisionId=revision,
    )
