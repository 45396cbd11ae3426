"""moto's secrets, found by name or ARN without a look at every other one.

moto goes through all secrets of a region for each that is asked for: with 20,000 of them a sweep had no end.
"""

from collections.abc import Iterable

from moto.secretsmanager.models import FakeSecret, ReplicaSecret, SecretsStore

Kept = FakeSecret | ReplicaSecret


class FoundSecrets(SecretsStore):
    """The secrets of a region, as moto keeps them, with an index beside them."""

    def __init__(self, held: Iterable[tuple[str, Kept]] = ()) -> None:
        super().__init__()
        self._found: dict[str, Kept] = {}
        for key, secret in held:
            self[key] = secret

    def __setitem__(self, key: str, value: Kept) -> None:
        super().__setitem__(key, value)
        self._found[value.name] = self._found[value.arn] = value

    def __getitem__(self, key: str) -> Kept:
        secret = self.get(key)
        if secret is None:
            raise KeyError(key)
        return secret

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key) is not None

    def get(self, key: str) -> Kept | None:  # type: ignore[override]  # as moto narrows dict
        """By its name, its ARN, or its ARN without the six characters that were drawn for it."""
        return self._found.get(key) or self._found.get(key.rpartition(":")[2])

    def pop(self, key: str) -> Kept | None:  # type: ignore[override]  # as moto narrows dict
        """Forget one, of whichever key it is kept under."""
        secret = self.get(key)
        if secret is not None:
            del self._found[secret.name], self._found[secret.arn]
            dict.pop(self, secret.arn, None)
            dict.pop(self, secret.name, None)
        return secret
