"""What a field of a state is called on cards has nothing to do with the name under which it is stored."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import TypeAdapter

from drcore.engine.labels import Described, label, labels_of, units_of


@dataclass(frozen=True, slots=True)
class Load:
    requests: int
    p99_ms: float | None = field(metadata=label("99 % are faster than", unit="ms"), default=None)
    minutes_heard: int = 0

    def describe(self) -> str:
        return f"{self.requests} requests"


def test_a_field_without_a_label_should_be_called_by_its_name_in_words() -> None:
    assert labels_of(Load) == {
        "requests": "requests",
        "p99_ms": "99 % are faster than",
        "minutes_heard": "minutes heard",
    }


def test_only_a_field_with_a_unit_should_have_one() -> None:
    assert units_of(Load) == {"p99_ms": "ms"}


def test_a_label_should_not_be_stored() -> None:
    adapter = TypeAdapter(Load)
    assert adapter.dump_python(Load(1, 2.5)) == {"requests": 1, "p99_ms": 2.5, "minutes_heard": 0}
    assert adapter.validate_python({"requests": 1}) == Load(1)


def test_a_state_that_describes_itself_should_be_known() -> None:
    assert isinstance(Load(1), Described)
    assert not isinstance(1, Described)
