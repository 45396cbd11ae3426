"""Whatever stands in a file of parameters or of a record, it is read as what it says, or refused by name."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from drcore import plans
from drcore.engine.consent import read_approvals
from drcore.engine.prepare import HOME, prepare
from drcore.errors import BadInput
from drcore.parameters import Mode, Service, parse
from drcore.record.files import PARAMETERS
from drcore.record.run_parameters import RunParameters
from tests.support.exhaustive import EXHAUSTIVE

EXAMPLES = 600 if EXHAUSTIVE else 12
MODELS = {"service": Service} | {plan.id: plan.facts for plan in map(plans.find, plans.ids())}
FILES = {name: YAML(typ="safe").load((HOME / "parameters" / "sandbox" / f"{name}.yaml").read_text()) for name in MODELS}
APPROVED = {"step": "Decide", "phrase": "GO", "by": "Ann", "reason": "because", "expires": "2026-01-05T10:00:00Z"}
APPROVALS = {"run": "t-1", "approvals": [APPROVED]}
WHOLE: list[Any] = []
odd = st.one_of(
    st.sampled_from([None, True, {}, [], "", " ", "x\x00", "{world}", "\ud800", "1e400", 10**30, -1, 0, 1.5e308]),
    st.sampled_from([float("inf"), [[]], {"a": {}}, "2026-13-45", "é" * 400, ["us-east-1", "us-east-1"], {"": ""}]),
    st.text(max_size=20),
    st.integers(),
)


def refused(read: Callable[[], object]) -> str:
    """How it is refused; empty: it is read. Anything else that comes of it is an error of ours."""
    try:
        read()
    except BadInput as refusal:
        return str(refusal)
    return ""


def ways(value: Any, *way: str | int) -> Iterator[tuple[str | int, ...]]:
    """The ways to all that a document holds, itself first."""
    yield way
    for name, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from ways(each, *way, name)


@st.composite
def changed(draw: st.DrawFn, document: Any) -> Any:
    """A document of which something is odd, or left out, or too much."""
    document = copy.deepcopy(document)
    way = draw(st.sampled_from(list(ways(document))))
    if not way:
        return draw(odd)
    *inner, last = way
    holder = document
    for name in inner:
        holder = holder[name]
    kind = draw(st.sampled_from(["odd", "odd", "gone", "more"]))
    if kind == "odd":
        holder[last] = draw(odd)
    elif kind == "gone":
        del holder[last]
    elif isinstance(holder, dict):
        holder["another"] = draw(odd)
    else:
        holder.append(draw(odd))
    return document


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_parameters_should_be_read_or_refused_with_the_field(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(MODELS)))
    document = data.draw(changed(FILES[name]))
    said = refused(lambda: parse(document, MODELS[name], "x.yaml"))
    assert not said or ("x.yaml" in said and ("expected" in said or "seen" in said))


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("record")
    prepare(plans.find("f"), "sandbox", Mode.DRILL, {}, run_id="t-1", seed=1).write(folder)
    WHOLE.append(json.loads((folder / PARAMETERS).read_bytes()))
    return folder


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_what_a_run_was_started_with_should_be_read_or_refused(record: Path, data: st.DataObject) -> None:
    (record / PARAMETERS).write_text(json.dumps(data.draw(changed(WHOLE[0]))))
    said = refused(lambda: RunParameters.read(record))
    if said:
        assert f"{PARAMETERS}: expected" in said
        return
    found = RunParameters.read(record)
    assert (type(found.run_id), type(found.facts), type(found.service)) == (str, dict, Service)


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_approvals_should_be_read_or_refused_with_the_field(record: Path, data: st.DataObject) -> None:
    (record / "approvals.yaml").write_text(json.dumps(data.draw(changed(APPROVALS))), encoding="utf-8")
    said = refused(lambda: read_approvals(record / "approvals.yaml"))
    assert not said or "approvals.yaml" in said
