"""What a person sees says what is so: outcomes in words, nothing unescaped, gaps kept, the same bytes each time."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from matplotlib.patches import Rectangle
from PIL import Image

from drcore import show
from drcore.engine.consent import Given
from drcore.engine.outcome import Outcome, StepName, Target, TargetResult, no
from drcore.engine.preflight import Finding
from drcore.engine.verdict import Objective, Word
from drcore.record.evidence import Chart, Limit, Mark, Series, Table
from drcore.show.alt_text import alt, summary
from drcore.show.canvas import apart, flags
from drcore.show.states import changed
from drcore.show.values import plain
from drcore.show.wording import duration
from tests.support import show_samples as sample

EVIL = """<script>alert("1")</script>'"><img src=x onerror=alert(2)> class="dr-shout" $a_b$ $\\frac{$ -- ]]>"""

BANNER: dict[str, Any] = {
    "plan": sample.PLAN,
    "mode": "execute",
    "environment": "staging",
    "account": "123456789012",
    "regions": (sample.EAST, sample.WEST),
    "who": "arn:aws:iam::123456789012:role/runner",
    "run_id": "f-1",
    "production": False,
    "fault": "",
}
EVIL_STEP = replace(sample.POINT, name=StepName("evil", EVIL, EVIL), changes=EVIL)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    """The elements of a card; fails when one is not closed."""
    parser = _Tags()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser.seen


def evil_result() -> Any:
    call = sample.call("UpdateAlias", EVIL, write=True, answer="", Name=EVIL)
    state = sample.Alias(EVIL, ((EVIL, 0.1),))
    several = (replace(state, provisioned=1), replace(state, provisioned=2))
    targets = (
        TargetResult(Target(EVIL, EVIL), Outcome.FAILED, EVIL, state, sample.Alias("1")),
        TargetResult(Target(sample.EAST), Outcome.WOULD, EVIL, state, state, calls=(call,)),
        TargetResult(Target(), Outcome.DONE, EVIL, {EVIL: several, **dict.fromkeys("abcdefghijklm", EVIL)}),
        TargetResult(Target(), Outcome.DONE, EVIL, {EVIL: several}, {EVIL: several[1:]}),
    )
    given = Given(True, EVIL, EVIL, EVIL)
    return replace(
        sample.done(), name=EVIL_STEP.name, targets=targets, given=given, calls=(call, replace(call, write=False))
    )


def evil_chart() -> Chart:
    series = (Series(EVIL, (sample.minute(0), sample.minute(1)), (1.0, 2.0), EVIL),)
    return Chart("evil", EVIL, EVIL, series, (Limit(EVIL, 1.5),), (Mark(EVIL, sample.minute(0.5)),))


ONE = evil_result()
CARDS: dict[str, Callable[[], tuple[str, str]]] = {
    "banner": lambda: show.banner(**BANNER | dict.fromkeys(("environment", "account", "who", "run_id", "fault"), EVIL)),
    "production": lambda: show.banner(**BANNER | {"production": True, "fault": EVIL, "regions": (EVIL,)}),
    "findings": lambda: show.findings([Finding(EVIL, no(EVIL))]),
    "overview": lambda: show.overview([EVIL_STEP, *sample.STEPS], {"evil": ONE}),
    "card": lambda: show.card(ONE, marks=(Mark(EVIL, sample.minute(1)),)),
    "table": lambda: show.table(Table(EVIL, EVIL, (EVIL, "n"), ((EVIL, 1),) * 30)),
    "verdict": lambda: show.verdict(replace(sample.judged(), why=EVIL, moments={EVIL: sample.minute(1)})),
    "back": lambda: show.back([(EVIL_STEP, ONE.targets[0])], note=EVIL),
    "record": lambda: show.record(EVIL, 3, EVIL),
    "note": lambda: show.note(EVIL),
}


@pytest.mark.parametrize("name", CARDS)
def test_a_hostile_string_should_stay_text(name: str) -> None:
    html, text = CARDS[name]()
    elements = tags(html)
    assert {tag for tag, _ in elements}.isdisjoint({"script", "img"})
    assert {attribute for _, attributes in elements for attribute in attributes} <= {"class", "style"}
    assert "alert(" in html
    assert "alert(" in text


@pytest.mark.parametrize("name", CARDS)
def test_a_card_should_be_the_same_each_time(name: str) -> None:
    assert CARDS[name]() == CARDS[name]()
    assert " at 0x" not in "".join(CARDS[name]())


@pytest.mark.parametrize("name", CARDS)
def test_a_card_should_keep_its_look_on_the_page_of_a_record(name: str) -> None:
    sanitise = pytest.importorskip("drcore.headless.html_cleaner")
    html, _ = CARDS[name]()
    kept = sanitise.sanitised(html)
    assert [tag for tag, _ in tags(kept)] == [tag for tag, _ in tags(html)]
    for (_, before), (_, after) in zip(tags(html), tags(kept), strict=True):
        wanted, got = (
            {rule.split(":")[0].strip() for rule in (each.get("style") or "").split(";") if rule.strip()}
            for each in (before, after)
        )
        assert wanted == got


def test_every_colour_should_come_with_its_background_so_that_no_theme_hides_it() -> None:
    html, _ = show.card(sample.done())
    cells = [attributes["style"] or "" for tag, attributes in tags(html) if tag in ("td", "th", "pre", "table")]
    assert cells
    assert all("background" in style and " color:" in f" {style}" for style in cells)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_outcome_should_be_a_word_in_both_forms(outcome: Outcome) -> None:
    result = replace(sample.looked(), targets=(replace(sample.looked().targets[0], outcome=outcome),))
    shown = [*show.card(result), *show.overview(sample.STEPS, {result.name.key: result})]
    shown += show.back([(sample.POINT, result.targets[0])])
    assert [outcome.value in each for each in shown] == [True] * 6


def test_a_card_should_begin_with_its_outcome() -> None:
    html, text = show.card(sample.failed())
    assert text.startswith("✖ FAILED")
    assert html.index("FAILED</span>") < html.index(sample.POINT.title)


def test_only_fields_that_differ_should_be_shown_of_a_change() -> None:
    heading, fields = changed(sample.done().targets[0])
    assert heading == "changed"
    assert [(field.name, field.before, field.after) for field in fields] == [
        ("version", ("42",), ("41",)),
        ("weights", ("43 0.1",), ("none",)),
    ]
    _, text = show.card(sample.done())
    assert "version: 42 → 41" in text
    assert "revision" not in text  # it does not count: compare=False


def test_values_that_differ_only_after_the_cut_should_still_be_told_apart() -> None:
    old, new = ("x" * 200 + end for end in "ab")
    result = TargetResult(Target(), Outcome.DONE, "", sample.Alias(old), sample.Alias(new))
    _, (field,) = changed(result)
    assert field.before != field.after


def test_a_state_that_did_not_change_should_be_shown_as_seen() -> None:
    heading, fields = changed(sample.looked().targets[0])
    assert heading == "seen"
    assert [field.before for field in fields] == [None] * 3


def test_a_rehearsal_should_show_the_exact_arguments_of_what_it_would_call() -> None:
    html, text = show.card(sample.rehearsed())
    for form in (html.replace("&#34;", '"'), text):
        assert '"FunctionVersion": "41"' in form
        assert "lambda:UpdateAlias" in form


def test_only_a_rehearsed_call_should_be_called_not_sent() -> None:
    result = sample.done()
    sent = replace(result, targets=(replace(result.targets[0], calls=result.calls[2:3]),))
    assert all("would" not in form.lower() for form in show.card(sent))


def test_by_hand_should_list_writes_first_and_each_command_once() -> None:
    html, _ = show.card(sample.done())
    by_hand = html[html.index("<details") :]
    assert by_hand.index("UpdateAlias") < by_hand.index("GetAlias")
    assert by_hand.count("aws lambda GetAlias --region us-east-1") == 1
    assert by_hand.index("These change something") < by_hand.index("UpdateAlias")


def test_consent_should_say_who_how_why() -> None:
    for form in show.card(sample.done()):
        assert "ana, by keyboard: the canary breaks previews" in form


def test_production_should_be_unmistakable_without_colour() -> None:
    html, text = show.banner(**BANNER | {"production": True})
    assert "▲ PRODUCTION ▲" in html
    assert text.splitlines()[1].strip("#") == "  PRODUCTION  "
    safe_html, safe_text = show.banner(**BANNER)
    assert "STAGING, not production" in safe_html
    assert "STAGING, not production" in safe_text
    assert "PRODUCTION" not in safe_html + safe_text
    for each in (html, text, safe_html, safe_text, show.whereabouts(**_of_banner("production", "who"))):
        assert "123456789012" in each
        assert sample.WEST in each
        assert "role/runner" in each


def _of_banner(*names: str) -> dict[str, Any]:
    return {name: BANNER[name] for name in ("environment", "account", "regions", *names)}


def test_a_finding_that_stops_should_say_so() -> None:
    html, text = show.findings(sample.found(stops=True))
    assert text.startswith("✖ STOP  Preflight: 2 of 4 as expected. Nothing may be changed, because of: evidence store.")
    assert html.count("STOPS") == 1
    assert "does not stop the run" in html  # what is unknown, yet does not block
    assert show.findings(sample.found(stops=False))[1].startswith("✔ GO")


def test_the_way_should_show_every_step_in_order_before_any_was_carried_out() -> None:
    html, text = show.overview(sample.STEPS, {})
    assert [line.split("  ")[1] for line in text.splitlines()[1:]] == ["not yet"] * 5
    places = [html.index(step.title) for step in sample.STEPS]
    assert places == sorted(places)
    assert html.count("POINT OF NO RETURN") == text.count("POINT OF NO RETURN") == 1
    assert "asks for a typed phrase by a second person" in text


def test_a_verdict_should_measure_against_its_target() -> None:
    assert "13 min 42 s of 20 min: met" in show.verdict(sample.judged())[1]
    html, text = show.verdict(sample.judged(Word.TARGET_MISSED, 1502))
    assert text.startswith("✖ TARGET MISSED")
    assert "25 min 2 s of 20 min: MISSED by 5 min 2 s" in text
    assert "MISSED by" in html


def test_what_was_not_measured_should_be_neither_met_nor_missed() -> None:
    judged = replace(sample.judged(Word.COULD_RUN), rto=Objective(1200, None), moments={})
    html, text = show.verdict(judged)
    assert "RTO  not measured; the target is 20 min" in text
    assert "met" not in text.replace("not met", "")
    assert "not measured; the target is 20 min" in html


def test_a_verdict_should_tell_the_seconds_between_moments() -> None:
    _, text = show.verdict(sample.judged())
    assert "detected  09:03:00  2 min 30 s after fault" in text
    assert "healthy   09:14:12  1 min 18 s after acted" in text


def test_a_table_should_say_how_much_of_it_is_shown_and_what_is_unknown() -> None:
    shown = Table("t", "Counts", ("region", "count"), tuple((sample.EAST, None) for _ in range(30)))
    for form in show.table(shown):
        assert "20 of 30 rows; all are in t.csv" in form
        assert form.count("unknown") == 20
    assert "no rows" in show.table(replace(shown, rows=()))[1]


def test_everything_should_work_with_nothing_to_show() -> None:
    for _, text in (
        show.overview((), {}),
        show.findings([]),
        show.back([]),
        show.verdict(replace(sample.judged(), moments={})),
    ):
        assert text
    nothing = replace(sample.done(), targets=(), calls=(), given=None)
    assert "there was nothing to do it for" in show.card(nothing)[1]
    assert show.png(show.timeline({}, {}))
    assert show.png(Chart("none", "Nothing", "s", ()))


def measured(chart: Chart) -> list[list[float]]:
    """The values of each line drawn from measurements in the first panel: no limits, moments, labels."""
    lines = [line for line in show.figure(chart).axes[0].lines if line.get_clip_on() and line.get_marker() == "o"]
    points: list[Any] = [line.get_xydata() for line in lines]
    return [[float(value) for _, value in each] for each in points]


def test_a_gap_should_never_be_joined() -> None:
    times = tuple(sample.minute(number) for number in range(6))
    chart = Chart("c", "Lag", "s", (Series("lag", times, (1.0, 2.0, None, None, 3.0, 4.0)),))
    assert measured(chart) == [[1, 2], [3, 4]]


def test_a_lone_value_should_be_seen() -> None:
    times = tuple(sample.minute(number) for number in range(100))
    values: list[float | None] = [None] * 100
    values[41] = 3.0
    assert measured(Chart("c", "Lag", "s", (Series("lag", times, tuple(values)),))) == [[3]]


def test_a_series_without_a_value_should_say_so_and_not_be_zero() -> None:
    chart = Chart("c", "Lag", "s", (Series("lag", (sample.minute(0), sample.minute(5)), (None, None)),))
    assert measured(chart) == []
    assert {"lag: no data", "no data"} <= {text.get_text() for text in show.figure(chart).axes[0].texts}
    assert "no measurements" in alt(chart)


def test_a_limit_should_be_labelled_with_its_value_and_a_mark_with_its_time() -> None:
    chart = replace(sample.chart(), limits=(Limit("target", 2.5),))
    texts = {text.get_text() for text in show.figure(chart).axes[0].texts}
    assert {"target 2.5", "fault 09:00", "healthy 09:14"} <= texts


def test_panels_should_share_one_axis_of_time_that_names_the_date_once() -> None:
    axes = show.figure(sample.chart()).axes
    assert [each.get_title(loc="left") for each in axes] == [sample.EAST, sample.WEST]
    assert axes[0].get_xlim() == axes[1].get_xlim()
    assert [each.get_xlabel() for each in axes] == ["", "time, UTC, 2026-01-05"]


@pytest.mark.parametrize(
    "chart",
    [sample.chart(), evil_chart(), show.timeline(sample.results(), sample.moments())],
    ids=["panels", "hostile", "timeline"],
)
def test_a_picture_should_be_the_same_bytes_each_time(chart: Chart | show.Timeline) -> None:
    assert show.png(chart) == show.png(chart)
    assert Image.open(io.BytesIO(show.png(chart))).width == 900
    assert 5_000 < len(show.png(chart)) < 70_000


def test_the_users_own_settings_should_not_change_a_picture() -> None:
    import matplotlib

    usual = show.png(sample.chart())
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "xtick.labelsize": 30}):
        assert show.png(sample.chart()) == usual


@pytest.mark.parametrize("chart", [sample.chart(), evil_chart()], ids=["panels", "hostile"])
def test_no_text_should_leave_the_picture_or_lie_over_another(chart: Chart) -> None:
    figure = show.figure(chart)
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts if text.get_text() != "no data")]
    boxes = [text.get_window_extent() for text in texts]
    assert all(box.y1 <= figure.bbox.y1 + 1 for box in boxes)
    assert all(box.x1 <= figure.bbox.x1 + 1 for box in boxes)
    for index, box in enumerate(boxes):
        assert not any(box.padded(-1).overlaps(other.padded(-1)) for other in boxes[index + 1 :]), texts[index]


def test_labels_should_keep_apart_and_stay_inside() -> None:
    places = apart([0.0, 0.05, 0.1, 2.0, 1.99], 0.17, 2.0)
    assert sorted(places) == pytest.approx([0.0, 0.17, 0.34, 1.83, 2.0])
    assert places == [*sorted(places[:3]), 2.0, pytest.approx(1.83)]


def test_a_far_away_moment_should_stand_at_the_edge() -> None:
    span = (sample.minute(0), sample.minute(10))
    placed, rows = flags([("fault", sample.minute(-90)), ("healthy", sample.minute(9))], span, 6.0, 1.0)
    assert [flag.text for flag in placed] == ["◂ fault 07:30", "healthy 09:09"]
    (yesterday,), _ = flags([("fault", sample.minute(-900))], span, 6.0, 1.0)
    assert yesterday.text == "◂ fault 2026-01-04 18:00"
    assert rows == 1


def test_the_alt_text_should_tell_range_limit_and_moments() -> None:
    told = alt(sample.chart())
    assert told.startswith("Errors went above the threshold with the canary")
    assert "us-east-1, syncwell-api: 0.05" in told
    assert "above alarm above 1 % from 09:01:00, last at 09:12:00" in told
    assert "3 of 31 not measured" in told
    assert "fault at 09:00:30." in told
    times = tuple(sample.minute(number) for number in range(4))
    rising = Chart("c", "Lag", "s", (Series("lag", times, (1.0, 5.0, None, 6.0)),), (Limit("target", 2),))
    assert "above target since 09:01:00" in alt(rising)
    assert alt(replace(rising, alt="in my words")) == "in my words"


def test_a_summary_should_be_a_title_with_one_line() -> None:
    assert len(summary(sample.chart()).splitlines()) == 2
    assert summary(sample.chart()).splitlines()[0] == sample.chart().title


def test_the_timeline_should_hold_the_same_numbers_as_its_table() -> None:
    shown = show.timeline(sample.results(), sample.moments())
    rows = shown.table().rows
    assert [row[0] for row in rows] == ["step"] * 4 + ["moment"] * 5
    assert rows[1][5:] == (4, 240, 8)
    widths = [patch.get_width() * 86400 for patch in show.figure(shown).axes[0].patches if isinstance(patch, Rectangle)]
    drawn = [seconds for bar in shown.bars for seconds in (bar.human, bar.machine, bar.cloud) if seconds]
    assert widths == pytest.approx(drawn, abs=1e-3)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.44, "0.4 s"),
        (59.6, "1 min"),
        (725, "12 min 5 s"),
        (3725, "1 h 2 min"),
        (-90, "-1 min 30 s"),
        (None, "unknown"),
    ],
)
def test_a_duration_should_read_as_people_say_it(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


def test_a_value_should_never_show_a_memory_address() -> None:
    assert plain(object()) == "a object"
    assert plain({"b", "a"}) == "a, b"
    assert plain(None) == "none"


@contextmanager
def in_ipython() -> Iterator[list[dict[str, Any]]]:
    """What IPython would display, caught."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    InteractiveShell.instance()
    caught: list[dict[str, Any]] = []
    try:
        with capture_output() as captured:
            yield caught
        caught += [{"data": each.data, "metadata": each.metadata} for each in captured.outputs]
    finally:
        InteractiveShell.clear_instance()


def test_displayed_charts_should_carry_their_alt_text_and_no_secret() -> None:
    secret = replace(sample.chart(panels=("hunter22",)), title="Errors of hunter22")
    with in_ipython() as caught:
        show.display_chart(secret, lambda text: text.replace("hunter22", "[redacted]"))
        show.display("<b>bold\x1b[31m</b>", "bold\x1b[31m\nnext")
    chart, card = caught
    assert chart["metadata"]["image/png"]["alt"].startswith("Errors of [redacted]. errors, %")
    assert chart["data"]["text/plain"].splitlines()[0] == "Errors of [redacted]"
    assert "hunter22" not in str(chart)
    clean = replace(secret, title="Errors of x", series=tuple(replace(each, panel="x") for each in secret.series))
    with in_ipython():
        assert show.display_chart(secret, lambda text: text.replace("hunter22", "x")) == show.png(clean)
    assert card["data"] == {"text/html": "<b>bold [31m</b>", "text/plain": "bold [31m\nnext"}


def test_outside_ipython_nothing_should_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show.display("<b>x</b>", "x")
    show.display_chart(sample.chart())
    assert capsys.readouterr().out == ""


def test_importing_it_should_not_import_what_draws() -> None:
    code = (
        "import sys, drcore.show; print([m for m in ('matplotlib', 'IPython', 'jinja2', 'pandas') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
