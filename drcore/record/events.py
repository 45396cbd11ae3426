"""The vocabulary of a journal: what a line is, each kind of line once.

Every line carries `n` (from 1), `time` (UTC), `event` (its kind) and `prev` (the SHA-256 of the line before). Lines of
a step carry `step`, the title that was shown, and `key`, which does not change with the title; lines of one of its
targets carry `target` too. A record of format 1 has no keys: `key_of` gives them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from drcore.errors import BadInput
from drcore.record.files import JOURNAL

FIRST = "0" * 64  # what the first line carries as the digest of the line before
FORMAT = 2  # of new records; it stands in the first line. A record without it is of format 1, which had no such field

Event = Mapping[str, Any]  # one line of a journal


class Kind(StrEnum):
    """What a line tells, with the fields that it adds."""

    # The run
    HOST = "host"  # host, user, pid, python, packages, revision, lock, wall_time, run_by: what runs the notebook
    OPENED = "opened"  # run_id, plan, mode, environment, steps: key and fingerprint of each; policy: that of IAM
    OPENED_AGAIN = "opened-again"  # as opened
    READY = "ready"  # by, arn, login (of the machine): the preflight was passed by them, the lock is held
    REFUSED = "refused"  # what, why, exit: the code with which the run ends (3 in a record from before)
    CORRECTED = "corrected"  # name, was, now, by: a parameter of the incident, when the run was resumed
    CLOSED = "closed"  # lock
    RUNNER = "runner"  # how the notebook's process ended
    ARCHIVING = "archiving"  # bucket
    TORN_LINE_REMOVED = "torn-line-removed"  # bytes, sha256
    NOTE = "note"  # text, by, after_end: a person's remark, also one that was added when the run was over
    # Files
    FILE = "file"  # name, title, sha256: a file as it is now is bound
    FILE_OPEN = "file-open"  # name: it is about to be written anew
    # The preflight, and calls
    FINDING = "finding"  # what, check, why
    CALL = "call"  # call, region, plane, write, answer, request_id, parameters of writes, waiver, role (elsewhere)
    # A step
    STEP = "step"  # plan, again, after, despite: it is begun; begun_by: only its acts are, by the step of that key
    LOOK = "look"  # target, state, check, why, looks
    CONSENT = "consent"  # phrase, granted, by, how, reason; of several answers: answer, choices
    PROOF_ASKED = "proof-asked"  # bucket, object, digest: what a second person is asked to approve
    PROOF = "proof"  # granted, by, arn, why, digest; where it is granted, object: the request that was left
    DECISION = "decision"  # choice, failed_region
    INTENT = "intent"  # target, region, thing, try, before, session: how it is wider than declared
    ACTED = "acted"  # target, answer: the id of what was set in motion
    ACT_FAILED = "act-failed"  # target, refused, why: what came back in place of an answer
    RESULT = "result"  # target, region, thing, outcome, word, why; since, where it is as expected
    IF_NEEDED = "if-needed"  # target, call: what a rehearsal names of an act that is not needed now
    STEP_ENDED = "step-ended"  # outcome, word, seconds
    INTERRUPTED = "interrupted"  # why: what was changed, what is on its way
    NO_EVIDENCE = "no-evidence"  # why
    FORECAST = "forecast"  # why: while it waits, that the RTO will be missed, as in the last drill
    BACK_OUT_INTENT = "back-out-intent"  # target, why
    BACKED_OUT = "backed-out"  # target
    BACK_OUT_FAILED = "back-out-failed"  # target, why
    # Going back
    UNDO_INTENT = "undo-intent"  # as intent
    UNDONE = "undone"  # target, why
    UNDO_FAILED = "undo-failed"  # target, why
    NO_WAY_BACK = "no-way-back"  # why
    # The incident
    MOMENT = "moment"  # name, at; earliest, where it is known within bounds only
    LOST = "lost"  # seconds of data
    VERDICT = "verdict"  # word, why, exit, rto, rpo, untold: what is still to be told, remarks, stands
    # A probe of an account
    QUESTION = "question"  # told: question, asks, assumed, answer, word, why
    MAKING = "making"  # kind, region, name: on disk before it is asked for
    REMOVED = "removed"  # kind, region, name
    # Plan G
    COMPARISON = "comparison"  # what was compared, the digest of the differences
    INVERSE = "inverse"  # of, items: the images that a repair overwrites are kept
    BATCH = "batch"  # of a repair: items, they_are


NOT_DURABLE = frozenset(
    {
        Kind.HOST,  # told again when the run is gone on with, as the next three are
        Kind.FINDING,
        Kind.STEP,
        Kind.LOOK,
        Kind.CALL,  # of a write: it is between the intent of its act and what came of it, which are durable
        Kind.ACT_FAILED,  # as if no answer had come: a look tells what the act has done
        Kind.IF_NEEDED,  # words to people, as the next two are
        Kind.NO_EVIDENCE,
        Kind.FORECAST,
    }
)
"""Kinds of lines that a power cut may take, up to the next line that is durable: no act stands on them."""


class Named(Protocol):
    """What names a step: its key is stored and stable, its title is shown."""

    @property
    def key(self) -> str: ...

    @property
    def title(self) -> str: ...


def slug(title: str) -> str:
    """A title in lower case, its words joined by hyphens."""
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())


def key_of(line: Event) -> str:
    """The key of the step that a line tells of; empty where it tells of none."""
    return str(line.get("key") or slug(line.get("step") or ""))


def lines_of(path: Path) -> list[bytes]:
    """The finished lines of a journal."""
    return path.read_bytes().split(b"\n")[:-1]


def read_events(folder: Path) -> list[Event]:
    """The finished lines of a record's journal, without opening it for writing. Empty where there is none.

    Raises BadInput where one of them is no line of a journal. Whether they are as they were written, `verify` proves.
    """
    if not (folder / JOURNAL).is_file():
        return []
    events = list[Event]()
    for number, line in enumerate(lines_of(folder / JOURNAL), start=1):
        event = parsed(line)
        if event is None:
            raise BadInput(f"line {number} of {folder / JOURNAL} is no line of a journal, see: drcore verify {folder}")
        events.append(event)
    return events


def parsed(line: bytes) -> Event | None:
    """A line of a journal as it must be, or None."""
    try:
        event = json.loads(line)
        texts = [event["event"], event["time"], event["prev"]]
        texts += [event["name"], event["sha256"]] if event["event"] == Kind.FILE else []
        right = type(event["n"]) is int and all(isinstance(text, str) for text in texts)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return event if right else None
