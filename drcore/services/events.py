"""EventBridge: rules that start something by the clock or by an event."""

from __future__ import annotations

from dataclasses import dataclass, field

from drcore.calls.aws import Aws


@dataclass(frozen=True, slots=True)
class Rule:
    """Whether a rule fires, and when, as it says itself."""

    enabled: bool
    when: str = field(default="", metadata={"label": "fires"})


def rule(aws: Aws, region: str, name: str) -> Rule:
    """Raises Rejected when there is no such rule, Unknown."""
    answer = aws.call("events", region, "describe_rule", Name=name)
    return Rule(answer["State"] != "DISABLED", answer.get("ScheduleExpression") or answer.get("EventPattern") or "")


def enabled_rules(aws: Aws, region: str, prefix: str) -> tuple[str, ...]:
    """The names of the rules that fire and whose names begin so."""
    rules = aws.pages("events", region, "list_rules", "Rules", NamePrefix=prefix)
    return tuple(sorted(each["Name"] for each in rules if each["State"] != "DISABLED"))


def disable(aws: Aws, region: str, name: str) -> None:
    """Keep a rule from firing. What it has started goes on, and it may fire once more."""
    aws.call("events", region, "disable_rule", Name=name)


def enable(aws: Aws, region: str, name: str) -> None:
    """Let a rule fire again."""
    aws.call("events", region, "enable_rule", Name=name)
