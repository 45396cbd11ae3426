"""What has changed since a run is told by what its record and the checkout say; what is not known is told as that."""

from __future__ import annotations

from dataclasses import replace

from drcore.plans import f
from drcore.run.changed_since import Standing, changes, standing

NOW = standing(f.PLAN, "sandbox")


def test_nothing_should_have_changed_since_now() -> None:
    assert changes(NOW, NOW) == ()


def test_each_kind_of_change_should_be_named() -> None:
    first, second, *others = NOW.planned
    planned = {first: "another shape", "halt": "", **{key: NOW.planned[key] for key in others}}
    service = {**NOW.service, "metric_delay_s": 1.0, "exercises": {}, "runner_region": "us-east-1"}
    then = Standing(planned, service, {**NOW.facts, "rto_minutes": 99.0}, "another", "another")
    assert changes(then, NOW) == (
        f"plan: new {second}; gone halt; changed {first}",
        "parameters: metric_delay_s, rto_minutes",
        "IAM: the policy that the plan needs",
        "lock file: the packages that it runs on",
    )


def test_steps_in_another_order_are_another_plan() -> None:
    then = replace(NOW, planned={key: NOW.planned[key] for key in [*NOW.planned][::-1]})
    assert changes(then, NOW) == ("plan: its steps come in another order",)


def test_what_a_record_does_not_say_is_not_taken_for_the_same() -> None:
    told = changes(replace(NOW, planned={}, policy="", lock=""), NOW)
    assert [each.partition(":")[0] for each in told] == ["plan", "IAM", "lock file"]
    assert all("not known" in each for each in told)
