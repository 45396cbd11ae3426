"""Plan A on one page: the page says what the plan does."""

from drcore.engine.outcome import StepName
from drcore.plans import a
from drcore.plans.a import titles


def test_the_page_should_name_all_steps_in_their_order() -> None:
    page = [name for name in vars(titles).values() if isinstance(name, StepName)]
    assert [step.name for step in a.PLAN.steps] == page


def test_each_step_should_have_the_same_name_on_the_page_and_in_the_plan() -> None:
    names = {name for name, value in vars(titles).items() if isinstance(value, StepName)}
    assert {name: getattr(a, name).name for name in names} == {name: getattr(titles, name) for name in names}
