"""The blast radius in words: what a person types names all of it, and nothing twice."""

from __future__ import annotations

from drcore.engine.outcome import Target
from drcore.engine.phrases import blast_radius, by_region, region_names

STATES = {
    Target("us-east-1", "api"): "41→42",
    Target("us-east-1", "worker"): "7→8",
    Target("us-west-2", "api"): "41→43",
}


def test_each_target_should_be_named_with_its_region() -> None:
    assert blast_radius(STATES) == "api in us-east-1, worker in us-east-1, api in us-west-2"


def test_each_target_should_say_what_changes_there() -> None:
    words = by_region(STATES, lambda target, seen: f"{target.thing} {seen}")
    assert words == "api 41→42 in us-east-1, worker 7→8 in us-east-1, api 41→43 in us-west-2"


def test_a_region_should_be_named_once_in_the_order_of_the_targets() -> None:
    assert region_names(STATES) == "us-east-1, us-west-2"
