"""What has been tried of a mutant stays true where other lines of its file move."""

from __future__ import annotations

from pathlib import Path

from tests.mutants.kinds import UNKNOWN, Mutant, mutants

PLAN = "drcore/plans/z/p1.py"
SOURCE = '''"""A phase."""

from drcore.engine.outcome import unknown, yes


def one(run):
    if run.a:
        return unknown("neither")
    if run.b:
        return unknown("neither")
    return yes("well")


STEPS = (ONE, TWO)
'''


def found(folder: Path, source: str) -> list[Mutant]:
    (folder / PLAN).parent.mkdir(parents=True, exist_ok=True)
    (folder / PLAN).write_text(source)
    return list(mutants(folder, PLAN))


def test_a_mutant_should_be_the_same_on_another_line_and_in_another_layout(tmp_path: Path) -> None:
    known = [mutant.id for mutant in found(tmp_path, SOURCE)]
    moved = SOURCE.replace("def one", "LIMIT = 5\n\n\ndef one").replace("(ONE, TWO)", "(\n    ONE,\n    TWO,\n)")
    assert len({*known}) == len(known) == 5
    assert [mutant.id for mutant in found(tmp_path, moved)][:2] == known[:2]


def test_another_function_or_another_text_should_make_another_mutant(tmp_path: Path) -> None:
    known = {mutant.id for mutant in found(tmp_path, SOURCE) if mutant.kind == UNKNOWN}
    for was, now in (("def one", "def other"), ('"neither"', '"both"')):
        assert not known & {mutant.id for mutant in found(tmp_path, SOURCE.replace(was, now))}


def test_mutants_that_are_alike_should_each_change_a_place_of_their_own(tmp_path: Path) -> None:
    first, second = (mutant for mutant in found(tmp_path, SOURCE) if mutant.kind == UNKNOWN)
    assert (first.before, first.within, first.place, second.place) == ('unknown("neither")', "one", 0, 1)
    assert first.of(SOURCE) == SOURCE.replace("unknown(", "yes(", 1)
    assert first.of(second.of(SOURCE)) == SOURCE.replace("unknown(", "yes(")
