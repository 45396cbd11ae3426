"""Parameters: strict, and every error says where, which field, what was expected, what was seen."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import AwareDatetime, Field
from ruamel.yaml import YAML

from drcore import plans
from drcore.errors import BadInput
from drcore.parameters import (
    PLACEHOLDER,
    Exercises,
    Minutes,
    Mode,
    Model,
    Service,
    as_data,
    at_world,
    load,
    parse,
    read,
)
from tests.support.engine_world import SANDBOX, Nothing

ROOT = Path(__file__).parents[1] / "parameters"
TEXT = SANDBOX.read_text()


class Facts(Model):
    """A plan's facts of all kinds."""

    rto_minutes: Minutes
    share: Annotated[float, Field(gt=0)]
    since: AwareDatetime
    tables: tuple[str, ...]
    keep: bool
    count: int


GOOD = """\
# facts
rto_minutes: 20
share: 0.5
since: 2026-01-05T09:41:12Z
tables: [a, b]
keep: true
count: 3
"""


def facts(tmp_path: Path, text: str) -> Facts:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    return read(path, Facts)


def refusal(do: Callable[[], object]) -> str:
    with pytest.raises(BadInput) as caught:
        do()
    return str(caught.value)


def of_service(tmp_path: Path, old: str, new: str) -> str:
    """What is said of the sandbox's service.yaml with one thing in it changed."""
    assert old in TEXT
    path = tmp_path / "service.yaml"
    path.write_text(TEXT.replace(old, new))
    return refusal(lambda: read(path, Service)).replace(f"{tmp_path}/", "")


def line_of(text: str) -> int:
    return TEXT[: TEXT.index(text)].count("\n") + 1


def test_good_facts_should_be_read_as_what_they_are(tmp_path: Path) -> None:
    read_ = facts(tmp_path, GOOD)
    assert (read_.rto_minutes, read_.share, read_.tables, read_.keep, read_.count) == (20, 0.5, ("a", "b"), True, 3)
    assert read_.since.utcoffset() is not None
    assert parse(as_data(read_), Facts, "again") == read_


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("rto_minutes: 20", "rto_minutes: 0", ":2: rto_minutes: Input should be greater than 0, seen 0"),
        ("rto_minutes: 20", "rto_minutes: -1", ":2: rto_minutes: Input should be greater than 0, seen -1"),
        ("rto_minutes: 20", "rto_minutes: '20'", ":2: rto_minutes: Input should be a valid number, seen '20'"),
        ("rto_minutes: 20", "rto_minutes: .nan", ":2: rto_minutes: Input should be a finite number, seen nan"),
        ("share: 0.5", "share: .inf", ":3: share: Input should be a finite number, seen inf"),
        ("rto_minutes: 20", "rto_minutes: 99999", ":2: rto_minutes: Input should be less than or equal to 1440, seen"),
        ("rto_minutes: 20", "rto_minutes:", ":2: rto_minutes: Input should be a valid number, seen None"),
        ("12Z", "12", ":4: since: Input should have timezone info, seen '2026-01-05T09:41:12'"),
        ("2026-01-05T09:41:12Z", "2026-01-05", ":4: since: Input should be a valid datetime"),
        ("2026-01-05T09:41:12Z", "soon", ":4: since: Input should be a valid datetime"),
        ("[a, b]", "a", ":5: tables: Input should be a valid array, seen 'a'"),
        ("[a, b]", "[a, 2]", ":5: tables.1: Input should be a valid string in quotes, seen 2"),
        ("[a, b]", "\n- a\n- 2", ":7: tables.1: Input should be a valid string in quotes, seen 2"),
        ("keep: true", "keep: 1", ":6: keep: Input should be a valid boolean, seen 1"),
        ("keep: true", "keep: yes", ":6: keep: Input should be a valid boolean, seen 'yes'"),
        ("count: 3", "count: 3.5", ":7: count: Input should be a valid integer"),
        ("count: 3", "cuont: 3", ":7: cuont: unknown field"),
        ("count: 3", "", ":1: count: expected a value, seen none"),
        ("count: 3", "count: 3\ncount: 4", ':8: expected YAML, seen found duplicate key "count"'),
        ("count: 3", "count: '<FILL: how many>'", ":7: count: still a placeholder, seen '<FILL: how many>'"),
        ("[a, b]", "[a, <FILL>]", ":5: tables.1: still a placeholder, seen '<FILL>'"),
        ("[a, b]", "[a, b", "expected YAML, seen"),
        ("share: 0.5", "share: 0.5\n---\nrto_minutes: 20", "expected YAML, seen but found another document"),
        ("share: 0.5", "\tshare: 0.5", ":3: expected YAML, seen"),
        ("# facts", "# bell \a", "x.yaml: expected YAML in UTF-8, seen"),
    ],
)
def test_an_error_should_name_line_field_expected_and_seen(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in GOOD
    text = refusal(lambda: facts(tmp_path, GOOD.replace(old, new)))
    assert says in text
    assert text.startswith(str(tmp_path / "x.yaml"))


@pytest.mark.parametrize(("text", "seen"), [("", "nothing"), ("- a\n", "CommentedSeq"), ("word\n", "str")])
def test_a_file_that_holds_something_else_should_be_refused(tmp_path: Path, text: str, seen: str) -> None:
    told = refusal(lambda: facts(tmp_path, text))
    assert told == f"{tmp_path / 'x.yaml'}:1: Input should be an object, seen {seen}"


def test_a_file_in_another_encoding_should_be_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes("table: Größe".encode("latin-1"))
    assert "expected YAML in UTF-8" in refusal(lambda: read(tmp_path / "x.yaml", Facts))


def test_all_errors_should_be_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("20\n", "0\n").replace("[a, b]", "5").replace("count: 3", "more: 3")
    told = refusal(lambda: facts(tmp_path, text)).splitlines()
    assert [line.split(": ")[1] for line in told] == ["rto_minutes", "tables", "count", "more"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('account: "123456789012"', "account: 123456789012", "account: Input should be a valid string"),
        ('account: "123456789012"', 'account: "12345"', "account: String should match pattern"),
        ("runner_region: us-west-2", "runner_region: us-west", "runner_region: String should match"),
        ("runner_region: us-west-2", "runner_region: eu-west-1", "runner_region: expected one of ['us-east-1',"),
        ("modes: [rehearse, drill]", "modes: [rehearse, yolo]", "modes.1: Input should be 'rehearse', 'drill'"),
        ("us-west-2: arn:aws:sns:us-west-2", "us-west-2: arn:aws:sqs:us-west-2", "expected the ARN of sns"),
        (
            "us-west-2: arn:aws:sns:us-west-2:",
            "us-west-2: arn:aws:sns:us-east-1:",
            "on_call.topics.us-west-2: expected an ARN in us-west-2 of 123456789012, seen arn:aws:sns:us-east-1",
        ),
        (
            "us-west-2: arn:aws:sns:us-west-2:123456789012",
            "us-west-2: arn:aws:sns:us-west-2:999999999999",
            "on_call.topics.us-west-2: expected an ARN in us-west-2 of 123456789012, seen",
        ),
        ("  retain_days: 400", "  retain_days: 0", "evidence.retain_days: Input should be greater than 0, seen 0"),
        ('{secret: "aws:', '{secret: "plain:', "status_page.api_key.secret: String should match pattern"),
        ('api_key: {secret: "aws:syncwell/statuspage-key"}', "api_key: abc", "status_page.api_key: Input should be an"),
        ("endpoint: \"{world}\"", "endpoint: ftp://x", "endpoint: String should match pattern"),
        ("command: [python, -m, drcore.sandbox]", "command: []", "world.command:"),
        ("    us-west-2: syncwell-evidence-us-west-2\n", "", "evidence.buckets: expected one for each of"),
        (
            "    us-west-2: arn:aws:sns:us-west-2:123456789012:syncwell-oncall\n",
            "",
            "on_call.topics: expected one for each of",
        ),
        ("  us-west-2: \"{world}/syncwell/us-west-2\"\n", "", "api: expected one for each of"),
        ("regions: [us-east-1, us-west-2]", "regions: []", "regions: Tuple should have at least 1 item"),
        ("regions: [us-east-1, us-west-2]", "regions: [us-west-2]", "evidence.buckets: expected one for each of"),
    ],
)  # fmt: skip
def test_the_facts_of_an_environment_should_agree_with_each_other(
    tmp_path: Path, old: str, new: str, field: str
) -> None:
    told = of_service(tmp_path, old, new)
    assert field in told
    assert all(line.startswith("service.yaml:") and line.split(":")[1].isdigit() for line in told.splitlines())


def test_an_error_between_fields_should_name_the_line_of_the_field(tmp_path: Path) -> None:
    told = of_service(tmp_path, "runner_region: us-west-2", "runner_region: eu-west-1")
    assert told.startswith(f"service.yaml:{line_of('runner_region')}: runner_region: ")
    told = of_service(tmp_path, "    us-west-2: syncwell-evidence-us-west-2\n", "")
    assert told.startswith(f"service.yaml:{line_of('  buckets:')}: evidence.buckets: ")


PRODUCTION = TEXT.replace("production: false", "production: true").replace("[rehearse, drill]", "[rehearse, execute]")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("", "", "drill_policy: expected none in a production account, seen one"),
        ("drill_policy:", "unused:", "world: expected none in a production account, seen one"),
        ("[rehearse, execute]", "[rehearse, drill]", "modes: expected no drill in a production account, seen drill"),
    ],
)
def test_production_should_know_no_drills(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = PRODUCTION.replace(old, new) if old else PRODUCTION
    if new == "unused:":
        text = text[: text.index("unused:")]
    (tmp_path / "service.yaml").write_text(text)
    assert says in refusal(lambda: read(tmp_path / "service.yaml", Service))


def test_production_should_be_usable_without_them(tmp_path: Path) -> None:
    text = PRODUCTION[: PRODUCTION.index("drill_policy:")]
    world = text[text.index("world:  ") : text.index("evidence:")]
    faults = text[text.index("faults:") : text.index("world:  ")]
    own = text[text.index("endpoint:") : text.index("faults:")]
    kept = text.replace(world, "").replace(faults, "").replace(own, "").replace("{world}", "https://x")
    (tmp_path / "service.yaml").write_text(kept)
    assert read(tmp_path / "service.yaml", Service).production


def test_every_environment_should_load_or_be_refused_with_its_placeholders() -> None:
    environments = sorted(path.name for path in ROOT.iterdir() if (path / "service.yaml").is_file())
    assert "sandbox" in environments
    for environment in environments:
        for plan in plans.ids():
            written = (
                (ROOT / environment / "service.yaml").read_text(),
                (ROOT / environment / f"{plan}.yaml").read_text(),
            )
            facts_of_plan = plans.find(plan).facts
            if any(PLACEHOLDER in text for text in written):
                with pytest.raises(BadInput, match=r"still a placeholder(.|\n)*Nothing was touched"):
                    load(ROOT, environment, plan, facts_of_plan)
            else:
                assert load(ROOT, environment, plan, facts_of_plan)[0].environment == environment


def test_every_placeholder_should_be_named_with_its_line(tmp_path: Path) -> None:
    text = GOOD.replace("20\n", "<FILL>\n").replace("b]", "'<FILL: a table>']")
    told = refusal(lambda: facts(tmp_path, text)).splitlines()
    assert [line.split(":")[1] for line in told[:-1]] == ["2", "5"]
    assert told[-1].startswith("Fill in")


def test_an_unknown_environment_should_be_told_with_the_known_ones() -> None:
    told = refusal(lambda: load(ROOT, "prod", "f", Nothing))
    assert "seen 'prod'" in told and "sandbox" in told
    assert "seen '../parameters/sandbox'" in refusal(lambda: load(ROOT, "../parameters/sandbox", "f", Nothing))


def test_an_environment_in_the_wrong_folder_should_be_refused(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sandbox", tmp_path / "production")
    told = refusal(lambda: load(tmp_path, "production", "f", Nothing))
    assert "environment: expected 'production' (the folder's name), seen 'sandbox'" in told


def test_a_missing_file_should_be_named() -> None:
    assert "z.yaml: expected a file of parameters, found none" in refusal(lambda: load(ROOT, "sandbox", "z", Nothing))


def test_the_world_should_be_put_in_wherever_it_is_named() -> None:
    service = read(SANDBOX, Service)
    placed = at_world(service, "http://127.0.0.1:5000")
    assert placed.endpoint == "http://127.0.0.1:5000" and placed.clock == "http://127.0.0.1:5000/_sandbox/clock"
    assert placed.api["us-east-1"] == "http://127.0.0.1:5000/syncwell/us-east-1"
    assert "{world}" not in placed.model_dump_json()
    assert service.world and at_world(service, None).endpoint == service.world.address
    assert Mode.DRILL in placed.modes


@pytest.mark.parametrize("environment", ["sandbox", "staging", "production"])
def test_every_plan_should_say_how_often_it_is_exercised(environment: str) -> None:
    known = read_exercises((ROOT / environment / "service.yaml").read_text())
    assert sorted(known) == list(plans.ids())
    for each in known.values():
        assert each.every(Mode.REHEARSE) and each.every(Mode.DRILL) and each.every(Mode.EXECUTE) is None


def read_exercises(text: str) -> dict[str, Exercises]:
    """The frequencies of a service.yaml, also of one that is still to be filled in."""
    found = YAML(typ="safe").load(text)["exercises"]
    return {plan: parse(every, Exercises, "exercises") for plan, every in found.items()}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("a: {rehearse: 7, drill: 91}", "a: {rehearse: 0}", "exercises.a.rehearse"),
        ("a: {rehearse: 7, drill: 91}", "a: {execute: 7}", "exercises.a.execute: unknown field"),
        ("a: {rehearse: 7, drill: 91}", "a: {drill: often}", "exercises.a.drill"),
        ("a: {rehearse: 7, drill: 91}", "aa: {drill: 7}", "exercises.aa"),
    ],
)
def test_a_wrong_frequency_should_be_named_with_its_plan(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in of_service(tmp_path, old, new)


def test_a_record_from_before_there_were_frequencies_should_be_read() -> None:
    data = as_data(read(SANDBOX, Service))
    del data["exercises"]
    assert parse(data, Service, "parameters.json").exercised_every("f", Mode.DRILL) is None
