"""Lambda's functions with their versions behind weighted aliases.

They live in moto, so that event source mappings and permissions find them; this keeps what moto leaves out:
version numbers that are never used twice, revision ids, rules for weights.
"""

import base64
import copy
import uuid
from collections import Counter
from datetime import datetime
from typing import Any

from moto.awslambda.models import LambdaAlias, LambdaFunction

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.world import World
from drcore.sandbox.moto.functions import FunctionStore
from drcore.sandbox.services.lambda_.provisioned_concurrency import ProvisionedConcurrency

Weights = dict[str, float]
"""Share of the requests, 0 to 1, by version."""


class Lambda:
    """The functions of both regions, as operations and the world's own actors change them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stores: dict[str, FunctionStore] = {}
        self._revisions: Counter[str] = Counter()
        self._moved: dict[str, datetime] = {}
        self.concurrency = world.state(ProvisionedConcurrency)
        world.add_to_dump("lambda", self._state)

    def store(self, region: str) -> FunctionStore:
        """Moto's own store of the functions of one region."""
        if region not in self._stores:
            self._stores[region] = FunctionStore(self._world.account, region)
        return self._stores[region]

    def create(self, region: str, name: str, role: str, code: bytes) -> None:
        """Make a function without a published version."""
        spec = {
            "FunctionName": name,
            "Role": role,
            "Runtime": "python3.12",
            "Handler": "handler.handle",
            "MemorySize": 512,
            "Timeout": 29,
            "Code": {"ZipFile": base64.b64encode(code).decode()},
        }
        self.store(region).create(spec)

    def update_code(self, region: str, name: str, code: bytes) -> None:
        """Replace the code of $LATEST."""
        self.function(region, name).update_function_code({"ZipFile": base64.b64encode(code).decode()})

    def publish(
        self, region: str, name: str, *, description: str | None = None, number: int | None = None
    ) -> LambdaFunction:
        """Publish $LATEST as a version; the last one again if the code and its settings are the same.

        `number` is that of the new version, for functions that have a history; by default the next.
        """
        latest = self.function(region, name)
        versions = self.store(region).published(name)
        if versions and not latest.code_or_config_updated:
            return versions[-1]
        latest.code_or_config_updated = False
        version = copy.copy(latest)
        version.code = dict(latest.code)
        version.set_version(number or self._next_number(region, name, versions))
        if description:
            version.description = description
        self.store(region).add(name, version)
        self._revisions[f"{region}:{name}:numbered"] = int(version.version)
        return version

    def function(self, region: str, name: str, version: str | None = None) -> LambdaFunction:
        """A function's $LATEST, or one published version. Raises AwsError (ResourceNotFoundException)."""
        function = self.store(region).find(name, version)
        if function is None:
            raise not_found(f"Function not found: {self._arn(region, name, version)}")
        return function

    def code_of(self, region: str, name: str, version: str) -> str:
        """CodeSha256 of a version, base64 as the API shows it."""
        return str(self.function(region, name, version).code_sha_256)

    def alias(self, region: str, name: str, alias: str) -> LambdaAlias:
        """An alias. Raises AwsError (ResourceNotFoundException)."""
        self.function(region, name)
        known = self.aliases(region, name).get(alias)
        if known is None:
            raise not_found(f"Cannot find alias arn: {self._arn(region, name, alias)}")
        return known

    def aliases(self, region: str, name: str) -> dict[str, LambdaAlias]:
        """The aliases of a function, by name."""
        return self.store(region).aliases(self._arn(region, name, None))

    def create_alias(
        self, region: str, name: str, alias: str, version: str, weights: Weights, description: str
    ) -> LambdaAlias:
        """A new alias. Raises AwsError: ResourceConflictException if it exists."""
        self._check(region, name, version, weights)
        aliases = self.aliases(region, name)
        if alias in aliases:
            raise AwsError("ResourceConflictException", f"Alias already exists: {self._arn(region, name, alias)}", 409)
        aliases[alias] = LambdaAlias(self._world.account, region, alias, name, version, description, "")
        return self._set(region, aliases[alias], version, weights)

    def shift_alias(
        self,
        region: str,
        name: str,
        alias: str,
        *,
        version: str | None = None,
        weights: Weights | None = None,
        description: str | None = None,
    ) -> LambdaAlias:
        """Change an alias; what is None stays. Raises AwsError for an unknown version or wrong weights."""
        known = self.alias(region, name, alias)
        wanted = version or known.function_version
        kept = self.weights(known) if weights is None else weights
        self._check(region, name, wanted, {k: w for k, w in kept.items() if k != wanted or weights is not None})
        if description is not None:
            known.description = description
        return self._set(region, known, wanted, {k: w for k, w in kept.items() if k != wanted})

    @staticmethod
    def weights(alias: LambdaAlias) -> Weights:
        """The additional version of an alias with its share; empty if there is none."""
        routing: Any = alias.routing_config or {}
        return {str(k): float(w) for k, w in (routing.get("AdditionalVersionWeights") or {}).items()}

    def serving(self, region: str, name: str, alias: str = "live") -> Weights:
        """The share of each version of the requests to an alias; the shares add up to 1."""
        known = self.alias(region, name, alias)
        additional = {version: share for version, share in self.weights(known).items() if share > 0}
        return {known.function_version: 1.0 - sum(additional.values())} | additional

    def throttled(self, region: str, name: str) -> bool:
        """Whether the function's reserved concurrency is 0, so that no request gets in."""
        return self.reserved(region, name) == 0

    def reserved(self, region: str, name: str) -> int | None:
        """How many executions at once are kept for the function, which are its most; None if it has no such limit."""
        kept: Any = self.function(region, name).reserved_concurrency
        return None if kept is None else int(kept)

    def reserve(self, region: str, name: str, executions: int | None) -> None:
        """Set that limit; None takes it away."""
        kept: Any = executions
        self.function(region, name).reserved_concurrency = kept

    def moved_at(self, region: str, name: str, alias: str) -> datetime:
        """Since when an alias names its version: since then its execution environments are new."""
        return self._moved[self.alias(region, name, alias).arn]

    def _set(self, region: str, alias: LambdaAlias, version: str, weights: Weights) -> LambdaAlias:
        moved = alias.function_version != version
        alias.function_version = version
        routing: Any = {"AdditionalVersionWeights": dict(weights)} if weights else None
        alias.routing_config = routing
        alias.revision_id = self._revision(alias.arn)
        if moved or alias.arn not in self._moved:
            self._moved[alias.arn] = self._world.clock.now()
        if moved:
            self.concurrency.reallocate(alias.arn)
        return alias

    def _check(self, region: str, name: str, version: str, weights: Weights) -> None:
        self.function(region, name, version)
        if len(weights) > 1:
            raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
        for other, share in weights.items():
            if not 0 <= share <= 1:
                raise invalid(f"AdditionalVersionWeights: expected a weight from 0 to 1, saw {share}")
            if "$LATEST" in (other, version):
                raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
            if other == version:
                raise invalid(f"AdditionalVersionWeights: version {other} is the version of the alias itself")
            self.function(region, name, other)

    def _next_number(self, region: str, name: str, versions: list[LambdaFunction]) -> int:
        """Numbers are never used twice, even if a version was deleted."""
        highest = max((int(version.version) for version in versions), default=0)
        return max(highest, self._revisions[f"{region}:{name}:numbered"]) + 1

    def _revision(self, arn: str) -> str:
        self._revisions[arn] += 1
        stream = self._world.rng("lambda revision", arn, self._revisions[arn])
        return str(uuid.UUID(int=stream.getrandbits(128), version=4))

    def _arn(self, region: str, name: str, qualifier: str | None) -> str:
        arn = f"arn:aws:lambda:{region}:{self._world.account}:function:{name}"
        return f"{arn}:{qualifier}" if qualifier else arn

    def _state(self) -> dict[str, Any]:
        return {region: self._region_state(region) for region in self._world.regions}

    def _region_state(self, region: str) -> dict[str, Any]:
        store = self.store(region)
        state = {}
        for name in store.names():
            aliases, latest = self.aliases(region, name).values(), self.function(region, name)
            state[name] = {
                "latest": latest.code_sha_256,
                "versions": {str(v.version): v.code_sha_256 for v in store.published(name)},
                "aliases": {alias.name: alias_document(alias) for alias in aliases},
                "provisioned": self.concurrency.requested(self._arn(region, name, None)),
                "reserved": latest.reserved_concurrency,
            }
        return state


def plain_name(name: str) -> str:
    """The function's name out of a name, a partial ARN or an ARN, with or without a qualifier."""
    parts = name.split(":")
    if "function" in parts:
        return parts[parts.index("function") + 1]
    return parts[0]


def alias_document(alias: LambdaAlias) -> dict[str, Any]:
    """As the API shows an alias."""
    return {key: value for key, value in alias.to_json().items() if value is not None}


def invalid(message: str) -> AwsError:
    """A parameter that Lambda refuses."""
    return AwsError("InvalidParameterValueException", message)


def not_found(message: str) -> AwsError:
    """Something that Lambda does not know."""
    return AwsError("ResourceNotFoundException", message, 404)
