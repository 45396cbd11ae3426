"""A chart has its limits and moments, its panels share one axis of time, and no text lies over another."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from drcore import show
from drcore.record.evidence import Chart, Limit, Series
from tests.support import show_samples as sample
from tests.support.show_cards import evil_chart


def test_a_limit_should_be_labelled_with_its_value_and_a_mark_with_its_time() -> None:
    chart = replace(sample.chart(), limits=(Limit("target", 2.5),))
    texts = {text.get_text() for text in show.figure(chart).axes[0].texts}
    assert {"target 2.5", "fault 09:00", "healthy 09:13 to 09:14"} <= texts


def test_panels_should_share_one_axis_of_time_that_names_the_date_once() -> None:
    axes = show.figure(sample.chart()).axes
    assert [each.get_title(loc="left") for each in axes] == [sample.EAST, sample.WEST]
    assert axes[0].get_xlim() == axes[1].get_xlim()
    assert [each.get_xlabel() for each in axes] == ["", "time, UTC, 2026-01-05"]


def test_what_has_the_same_role_should_look_the_same_in_each_region_whatever_its_version() -> None:
    at = sample.chart().series[0].times
    good = tuple(1.0 for _ in at)
    versions = [("api 41", "older", sample.EAST), ("api 42", "newer", sample.EAST)]
    versions += [("api 38", "newer", sample.WEST), ("api 37", "older", sample.WEST)]
    series = tuple(Series(label, at, good, region, role) for label, role, region in versions)
    east, west = show.figure(replace(sample.chart(), series=series, limits=())).axes
    colours = [[line.get_color() for line in axes.lines if line.get_marker() != "None"] for axes in (east, west)]
    assert len(set(colours[0])) == 2
    assert colours[0] == colours[1][::-1]


@pytest.mark.parametrize(
    "chart",
    [sample.chart(), evil_chart(), show.timeline(sample.turns(), sample.dated())],
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


@pytest.mark.parametrize("panels", [1, 2])
def test_what_is_measured_should_stand_whole_along_its_axis(panels: int) -> None:
    chart = sample.chart()
    chart = replace(chart, unit="items last written, a minute", series=chart.series[:panels])
    figure = show.figure(chart)
    figure.draw_without_rendering()
    for axes in figure.axes:
        label = axes.yaxis.get_label()
        assert label.get_text().replace("\n", " ") == chart.unit
        box, panel = label.get_window_extent(), axes.get_window_extent()
        assert (box.y0 >= panel.y0, box.y1 <= panel.y1, box.x0 >= 0) == (True, True, True)


def test_an_axis_should_begin_where_the_chart_says_and_the_table_have_it_all() -> None:
    chart = sample.chart()
    times = chart.series[0].times
    cut = replace(chart, begins=times[len(times) // 2], marks=())
    assert show.figure(cut).axes[0].get_xlim()[0] > show.figure(replace(cut, begins=None)).axes[0].get_xlim()[0]
    assert cut.table().rows == chart.table().rows
