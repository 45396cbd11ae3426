"""The Lambda functions of one region in moto's own store, whose parts are private."""

from collections.abc import Iterator, Sequence
from typing import Any

from moto.awslambda.models import LambdaAlias, LambdaFunction
from moto.awslambda.utils import get_backend


class FunctionStore:
    """Functions with their versions, which event source mappings and permissions of moto find."""

    def __init__(self, account: str, region: str) -> None:
        self._backend = get_backend(account, region)
        self._storage = self._backend._lambdas

    def create(self, spec: dict[str, Any]) -> None:
        """Make a function without a published version."""
        self._backend.create_function(spec)

    def names(self) -> list[str]:
        """The names of all functions, sorted."""
        return sorted(self._storage._functions)

    def latest(self) -> Sequence[LambdaFunction]:
        """Each function's $LATEST."""
        return list(self._storage.latest())

    def find(self, name: str, version: str | None = None) -> LambdaFunction | None:
        """A function's $LATEST, or one published version; None if there is none."""
        group = self._storage._functions.get(name)
        if not group:
            return None
        function: LambdaFunction | None = (
            group["latest"] if version in (None, "$LATEST") else self._storage._get_version(name, version)
        )
        return function

    def published(self, name: str) -> list[LambdaFunction]:
        """The published versions of a function, oldest first; another belongs to them when it is added."""
        versions: list[LambdaFunction] = self._storage._functions[name]["versions"]
        return versions

    def add(self, name: str, version: LambdaFunction) -> None:
        """A version is published."""
        self.published(name).append(version)
        self._storage._arns[version.function_arn] = version

    def versions(self, name: str) -> Iterator[LambdaFunction]:
        """$LATEST, then the published versions, oldest first."""
        yield from self._storage.list_versions_by_function(name)

    def aliases(self, arn: str) -> dict[str, LambdaAlias]:
        """The aliases of the function with that ARN, by name."""
        by_name: dict[str, LambdaAlias] = self._storage._aliases[arn]
        return by_name
