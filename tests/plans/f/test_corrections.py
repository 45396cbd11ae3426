"""A parameter that was wrong is corrected when the run is resumed, as long as nothing was decided or done with it."""

from __future__ import annotations

import pytest

from drcore import plans
from drcore.errors import BadInput, Refused
from drcore.launcher.correction import correct
from drcore.plans import f
from drcore.record.events import Kind
from drcore.record.run_parameters import RunParameters
from tests.support.stage import SHORT, Scene, Stage, carry_out, lines, proven

BAD_RELEASE = Scene(plans.find("f"), "bad-release")


def test_a_run_that_was_refused_for_a_parameter_goes_on_with_another(stage: Stage) -> None:
    setting = stage.prepare(BAD_RELEASE, facts=SHORT, incident={"release": "9999"})
    run = stage.open(setting)
    assert isinstance(carry_out(run), BadInput)

    with pytest.raises(BadInput, match="-p: expected one of release, bug, seen 'relaese'"):
        correct(f.PLAN, setting, run.folder, {"relaese": "2026.01.1"})
    corrected = correct(f.PLAN, setting, run.folder, {"release": "2026.01.1"})

    assert corrected.incident == {**setting.incident, "release": "2026.01.1"}
    assert RunParameters.read(run.folder) == corrected
    again = stage.open(corrected)
    assert carry_out(again, until=f.DECIDE) is None
    (told,) = lines(again, Kind.CORRECTED)
    assert (told["name"], told["was"], told["now"]) == ("release", "9999", "2026.01.1")
    again.record.close()

    with pytest.raises(Refused, match=r"-p release: Decide of this run was decided or done"):
        correct(f.PLAN, corrected, run.folder, {"release": "2025.12.3"})
    assert RunParameters.read(run.folder) == corrected
    assert correct(f.PLAN, corrected, run.folder, {"release": "2026.01.1"}) == corrected, "nothing is changed by it"
    proven(again)


def test_a_partner_that_is_not_among_the_facts_is_known_to_be_wrong(stage: Stage) -> None:
    with pytest.raises(BadInput, match=r"partner: expected one of .*, seen 'acme'"):
        stage.prepare(plans.find("d"), incident={"partner": "acme"})
