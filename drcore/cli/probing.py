"""The command that asks an account what only a real one can answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from drcore.cli.app import app, guarded, say
from drcore.cli.options import RECORDS, AsJson, Environment, Records, WorldAt, service_of

if TYPE_CHECKING:
    from drcore.probe.probe import Probed
    from drcore.probe.question import AwsQuestion


@app.command()
def probe(
    question: Annotated[
        list[str] | None, typer.Argument(metavar="[QUESTION]…", help="Only these; without any, all that may be asked.")
    ] = None,
    environment: Environment = "staging",
    yes: Annotated[
        list[str] | None,
        typer.Option("--yes", metavar="QUESTION", help="Consent to a question that changes something; repeatable."),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show the questions, and ask none.")] = False,
    iam: Annotated[bool, typer.Option("--iam", help="Show the policy that the runner's role needs for it.")] = False,
    clean: Annotated[
        bool,
        typer.Option("--clean", help="Find and remove what a probe that was killed has left; --yes clean consents."),
    ] = False,
    records: Records = RECORDS,
    world: WorldAt = "",
    as_json: AsJson = False,
) -> None:
    """Ask an account the questions that only a real one can answer, and compare with what drcore assumes.

    A question that changes something says what, its cost, its undo, and is asked by consent: its name is typed, or
    given by --yes. It touches nothing but resources of its own, drcore-probe-*. Production is asked only those that
    read.

    Exit codes: 0 all as assumed. 1 an answer differs, or is not known. 2 bad input. 3 refused, or a question was not
    consented to. 5 something that was made is left: drcore probe --clean.
    """

    def go() -> NoReturn:
        from drcore.probe.own import policy
        from drcore.probe.probe import CLEAN, AccountProbe
        from drcore.probe.questions import QUESTIONS, chosen

        if iam:
            typer.echo(json.dumps(policy(), indent=2))
            raise typer.Exit
        approved = [*(yes or ())]
        chosen([each for each in approved if each != CLEAN], "--yes")
        asked = chosen(question, "QUESTION") if question else QUESTIONS
        if list_:
            _show_questions(asked, as_json=as_json)
            raise typer.Exit
        service = service_of(environment, world)
        if service.production and not question:
            asked = tuple(each for each in asked if not each.writes)
        made = AccountProbe(service, records, approved=approved, say=say)
        probed = made.clean() if clean else made.ask(asked)
        _report(probed, as_json=as_json)

    guarded(go, as_json)


def _show_questions(questions: tuple[AwsQuestion, ...], *, as_json: bool) -> None:
    if as_json:
        fields = ("key", "asks", "changes", "cost", "undo", "takes", "leans", "source")
        entries = [
            {name: getattr(each, name) for name in fields} | {"assumed": str(each.assumed)} for each in questions
        ]
        typer.echo(json.dumps({"questions": entries}))
        return
    for question in questions:
        typer.echo(f"{question.key}  {question.asks}")
        rows = {
            "assumed": str(question.assumed),
            "why asked": question.source,
            "changes": question.changes or "nothing, it only reads",
            "cost": question.cost,
            "undo": question.undo,
            "takes": question.takes,
            "leans on it": ", ".join(question.leans),
        }
        for name, value in rows.items():
            typer.echo(f"  {name:<12} {value}")


def _report(probed: Probed, *, as_json: bool) -> NoReturn:
    from drcore.probe.answers import ANSWERS, Agreement
    from drcore.record.files import EVIDENCE

    width = max((len(each.question.key) for each in probed.answered), default=0)
    for answer in probed.answered:
        value = (
            answer.why
            if answer.value is None
            else f"{answer.value:g} s"
            if isinstance(answer.value, float)
            else answer.value
        )
        typer.echo(
            f"{answer.word:<10}  {answer.question.key:<{width}}  {value}; assumed: {answer.question.assumed}",
            err=as_json,
        )
        if answer.word is Agreement.DIFFERS:
            typer.echo(f"{'':<10}  {'':<{width}}  look at {', '.join(answer.question.leans)}", err=as_json)
    for name, wanted in probed.parameters.items():
        typer.echo(f"set      {name}: {wanted:g} in the environment's service.yaml", err=as_json)
    for what in probed.removed:
        typer.echo(f"removed  {what}", err=as_json)
    for what in probed.left:
        typer.echo(f"LEFT     {what}. See: drcore probe --clean", err=as_json)
    typer.echo(f"record   {probed.record}; prove it: drcore verify {probed.record}", err=as_json)
    if probed.answered:
        typer.echo(f"answers  {Path(probed.record) / EVIDENCE / ANSWERS}", err=as_json)
    if as_json:
        typer.echo(json.dumps(probed.as_data()))
    raise typer.Exit(int(probed.exit))
