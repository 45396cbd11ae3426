"""How AWS behaves where its documents do not say: as assumed, or as a real account has answered (`drcore probe`)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drcore.sandbox.core.call_hooks import CallHooks, Proceed
from drcore.sandbox.core.lateness import USUAL, Lateness, Told
from drcore.sandbox.core.registry import AwsCall, AwsError, HttpCall
from drcore.sandbox.core.world import World
from drcore.sandbox.protocol.exchange import Response

FORMAT = 1


class UnknownBehaviour(ValueError):
    """A file of answers is none, or holds a value that this behaviour cannot have; says expected and seen."""


@dataclass(frozen=True, slots=True)
class Known:
    """One behaviour: as assumed, and which words it may be; seconds where there are none. `either`: now and then."""

    assumed: str | float
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownError:
    """An error by its assumed code: of a service, of one operation of it where that is named.

    `text`: the answer is not the code, but the error's text, and AS_MATCHED where that is as assumed.
    """

    service: str
    code: str
    operation: str = ""
    text: bool = False

    @property
    def kind(self) -> str:
        """What of the error the answer is."""
        return "text" if self.text else "code"

    def is_of(self, call: AwsCall, error: AwsError) -> bool:
        """Whether a call was refused by this error."""
        return (
            (call.service, error.code) == (self.service, self.code)
            and self.operation in ("", call.operation)
            and (not self.text or AS_MATCHED.search(error.message) is not None)
        )


KNOWN: Mapping[str, Known] = {
    "reserved-below-provisioned": Known("refused", ("refused", "accepted")),
    "stop-deployment": Known("either", ("either", "Pending", "Succeeded")),
    "restore-survives-its-session": Known("survives", ("survives", "fails")),
    "table-policy-takes": Known(10.0),
    "metric-delay": Known(USUAL[Told.METRIC][1]),
    "export-time": Known("changes", ("changes", "not the changes")),
}
"""By the keys of the questions of `drcore probe`."""
ERRORS: Mapping[str, KnownError] = {
    "missing-function": KnownError("lambda", "ResourceNotFoundException"),
    "missing-table": KnownError("dynamodb", "ResourceNotFoundException"),
    "missing-object": KnownError("s3", "NoSuchKey"),
    "missing-table-policy": KnownError("dynamodb", "PolicyNotFoundException"),
    "missing-provisioned": KnownError("lambda", "ProvisionedConcurrencyConfigNotFoundException"),
    "stale-alias": KnownError("lambda", "PreconditionFailedException", "UpdateAlias"),
    "simulation-of-a-session": KnownError("iam", "InvalidInput", "SimulatePrincipalPolicy"),
    "cancelled-transaction-text": KnownError("dynamodb", "TransactionCanceledException", text=True),
}
"""The same, of errors: their codes, and a text that is matched. docs/aws.md says of the other questions why not."""
AS_MATCHED = re.compile(r"\[[\w, ]+\]$")
_CODE = re.compile(r"[A-Za-z][\w.]*")


class Behaviours:
    """The behaviours of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._values = {key: known.assumed for key, known in KNOWN.items()}

    def take(self, answers: Mapping[str, object]) -> None:
        """Behave as an account has answered. Raises UnknownBehaviour."""
        self._take_errors(answers)
        for key, value in answers.items():
            known = KNOWN.get(key)
            if known is None:
                continue
            if known.words and value not in known.words:
                raise UnknownBehaviour(f"answers.{key}: expected one of {', '.join(known.words)}; saw {value!r}")
            if not known.words and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
                raise UnknownBehaviour(f"answers.{key}: expected seconds; saw {value!r}")
            self._values[key] = str(value) if known.words else float(str(value))
        if "metric-delay" in answers:
            self._world.state(Lateness).settle(Told.METRIC, self.seconds("metric-delay"))

    def _take_errors(self, answers: Mapping[str, object]) -> None:
        """From now on errors are called as the account calls them."""
        other: dict[str, str] = {}
        for key, known in ERRORS.items():
            value = answers.get(key)
            if value is None or value in (known.code, "as matched"):
                continue
            if value == "answered" or not isinstance(value, str) or not (known.text or _CODE.fullmatch(value)):
                raise UnknownBehaviour(f"answers.{key}: expected an error's {known.kind}; saw {value!r}")
            other[key] = value
        if not other:
            return

        def renamed(call: AwsCall | HttpCall, proceed: Proceed) -> Response:
            answer = proceed()
            if isinstance(call, HttpCall) or answer.status < 400:
                return answer
            try:
                call.message.read(answer)
            except AwsError as error:
                for key, value in other.items():
                    if (known := ERRORS[key]).is_of(call, error):
                        named = (known.code, value) if known.text else (value, error.message)
                        raise AwsError(*named, answer.status) from error
            return answer

        self._world.state(CallHooks).intercept(renamed)

    def word(self, key: str) -> str:
        """A behaviour that is one of some words."""
        return str(self._values[key])

    def seconds(self, key: str) -> float:
        """A behaviour that takes a time."""
        return float(self._values[key])


def read_answers(path: Path) -> Mapping[str, object]:
    """The answers that `drcore probe` has kept. Raises UnknownBehaviour."""
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UnknownBehaviour(f"{path}: expected a file of answers; {error}") from error
    answers = document.get("answers") if isinstance(document, dict) else None
    if not isinstance(answers, dict) or document.get("format") != FORMAT:
        raise UnknownBehaviour(f"{path}: expected answers of format {FORMAT}; saw another document")
    return answers
