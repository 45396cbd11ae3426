"""What can go wrong, by what the caller should do next.

Each error carries the exit code of the command line (see `drcore --help`). A message says what was expected,
what was seen, whether anything was changed, and what to do next.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of `drcore`, a contract with whoever schedules it."""

    REACHED = 0
    MISSED = 1
    BAD_INPUT = 2
    REFUSED = 3
    RUNNER_FAILED = 4
    ROLLBACK_FAILED = 5
    HELD = 6
    INTERRUPTED = 130
    TERMINATED = 143


class DrcoreError(Exception):
    """The root: everything that drcore raises on purpose."""

    exit = Exit.MISSED

    def _render_traceback_(self) -> list[str]:
        """What IPython shows under a cell: the message, as the command line does. Where it was raised helps nobody."""
        return [f"{type(self).__name__}: {self}"]


class BadInput(DrcoreError):
    """A parameter, option or file is wrong. Nothing was touched."""

    exit = Exit.BAD_INPUT


class Refused(DrcoreError):
    """Consent, the lock or the preflight said no. Nothing was changed after that."""

    exit = Exit.REFUSED


class LockHeld(Refused):
    """Somebody else works this plan. Nothing was touched."""


class HeldByAnother(DrcoreError):
    """Somebody else is at work on the same: another scheduler that has fired at once. Nothing was begun here."""

    exit = Exit.HELD


class RunnerFailed(DrcoreError):
    """The machinery failed, not the plan: a dead kernel, a timeout, a full disk."""

    exit = Exit.RUNNER_FAILED


class Interrupted(KeyboardInterrupt):
    """Somebody has interrupted a step. The message says what is on its way, and how to go on."""

    exit = Exit.INTERRUPTED

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class RollbackFailed(DrcoreError):
    """An undo did not bring back what was there before."""

    exit = Exit.ROLLBACK_FAILED


class StepFailed(DrcoreError):
    """A step ended FAILED or UNKNOWN, and the plan stops there."""


class Unknown(DrcoreError):
    """No answer, or none that can be trusted: what was asked for may or may not be so."""


class NoAnswer(Unknown):
    """Nothing came back, or nothing that can be read: raised where a call is made, by nobody else."""


class Rejected(DrcoreError):
    """The service answered, and its answer was no. Nothing was changed by that call.

    `code` is the service's error code, for example `PreconditionFailedException`.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class NoCredentials(Rejected):
    """No call was made: there is nobody to make it as. The message is botocore's own, with what to do."""


class Busy(Rejected):
    """The service asked to come back later. Nothing was changed by that call.

    `after`: the seconds that it named, for which it is not to be asked again; 0 where it named none.
    """

    def __init__(self, message: str, code: str, after: float = 0) -> None:
        super().__init__(message, code)
        self.after = after


class Missing(Rejected):
    """The service answered that what was asked for is not there."""


class WrongParameter(Rejected):
    """A parameter of the incident names what is not there. `name` is the parameter's, which the message begins with."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}", "WrongParameter")
        self.name = name


def is_missing(error: BaseException) -> bool:
    """Whether something was not there to be seen: no refusal, no silence, behind it neither."""
    behind = error.__cause__ or error.__context__
    if isinstance(error, NoAnswer) or (isinstance(error, Rejected) and not isinstance(error, Missing)):
        return False
    return is_missing(behind) if isinstance(behind, DrcoreError) else True
