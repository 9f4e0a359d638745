# SPDX-License-Identifier: LGPL-2.1-or-later
"""The HTML report as a file: its size, what is in it, and how it is written."""

import html.parser
import json
import os
import re
import sqlite3

import pytest

SIZE_MAX = 1000000
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
WEDGE = 97  # all these runs have one


def data(run):
    return json.loads(re.search(r'id="data">(.*?)</script>', run.text, re.S).group(1))


def numbers(series, n):
    """As docs/report.md describes it."""
    if not isinstance(series, dict):
        return [series] * n
    steps = []
    for i in range(0, len(series["d"]), 3):
        bits = 0
        for digit in series["d"][i:i + 3]:
            bits = bits << 6 | DIGITS.index(digit)
        steps += [bits >> 9, bits & 511]
    lo, hi = series["lo"], series["hi"]
    if series.get("log"):
        return [None if s == 511 else lo * (hi / lo) ** (s / 510) for s in steps[:n]]
    return [None if s == 511 else lo + (hi - lo) * s / 510 for s in steps[:n]]


def rows(run, sql):
    with sqlite3.connect(f"file:{run.store}?mode=ro", uri=True) as store:
        return store.execute(sql).fetchall()


class Checker(html.parser.HTMLParser):
    """Whether elements are closed in the order in which they were opened."""

    VOID = {"meta", "br", "link", "img"}

    def __init__(self):
        super().__init__()
        self.open, self.wrong = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.wrong += [(tag, name) for name, _ in attrs if name == "style" or name.startswith("on")]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append((self.getpos(), tag))


def test_a_week_of_eight_hosts_fits(week):
    assert len(week.text.encode()) <= SIZE_MAX
    page = data(week)
    # and nothing was left out for it
    assert len(page["hosts"]) == 8
    assert all(len(phase["bands"]) == 9 for phase in page["phases"])
    assert page["axes"][0] == {"t0": page["begin"], "step": 900000, "n": 673}
    assert len(page["wedges"]) == rows(week, "SELECT count(*) FROM wedge")[0][0]


def test_drift_is_told_and_marked(week):
    """One disk was slow for some hours: levels change, in a table and on the lines of that host."""
    section = re.search(r'<section id="drift">.*?</section>', week.text, re.S).group(0)
    changes = data(week)["changes"]
    assert len(changes) == section.count('<tr id="change-') >= 4
    assert {c["host"] for c in changes if c["chart"] == "api"} == {1}
    begin, end = (data(week)[k] for k in ("begin", "end"))
    assert all(0.58 < (c["from"] - begin) / (end - begin) < 0.66 for c in changes), changes
    assert 'mem_available</th><td class="t"><bdi>node-a</bdi></td><td class="t">down</td>' in section
    assert "could have been seen" in section
    assert week.text.count('class="cl"') == len({c["chart"] for c in changes})


@pytest.mark.parametrize("arguments", [(2, 1, 600), (3, 1, 200, "hostile"), (1, 1, 200, "density")])
def test_is_well_formed(runs, arguments):
    checker = Checker()
    checker.feed(runs(*arguments).text)
    assert checker.wrong == [] and checker.open == []


def test_maxima_survive(week):
    page = data(week)
    n = page["axes"][0]["n"]
    for phase in page["phases"]:
        (longest,), = rows(week, "SELECT max(duration_ns) FROM sample WHERE result = 'ok'"
                                 f" AND phase = '{phase['name']}'")
        highest = max(v for v in numbers(phase["bands"][0][2], n) if v is not None)
        assert highest == pytest.approx(longest, rel=1e-6), phase["name"]
        # and so they do host by host
        of_hosts = [max(v for v in numbers(b[2], n) if v is not None) for b in phase["bands"][1:]]
        assert max(of_hosts) == pytest.approx(longest, rel=1e-6)
    for gauge in page["gauges"]:
        if gauge["name"] == "api":
            (longest,), = rows(week, "SELECT max(api_ns) FROM metric")
            n = page["axes"][1]["n"]
            assert max(v for line in gauge["max"] for v in numbers(line, n)
                       if v is not None) == pytest.approx(longest, rel=1e-6)
            break
    else:
        pytest.fail("no answers of the API are drawn")


def test_every_unit_is_in_the_throughput(hour):
    page = data(hour)
    axis = page["axes"][0]
    passed, = [g for g in page["gauges"] if g["name"] == "passed"]
    sums = [sum(v or 0 for v in numbers(line, axis["n"])) * axis["step"] / 1000 for line in passed["lines"]]
    assert [round(s / n, 1) for s, n in zip(sums, (n for n, in rows(
        hour, "SELECT count(*) FROM unit WHERE outcome = 'passed' GROUP BY host ORDER BY host")))] == [1, 1]


def test_percentiles_along_time(hour):
    """The median of a step, against sorting its samples."""
    page = data(hour)
    axis = page["axes"][0]
    create, = [p for p in page["phases"] if p["name"] == "create"]
    medians = numbers(create["bands"][0][0], axis["n"])
    samples = {}
    for end, duration in rows(hour, "SELECT start_realtime_ns + duration_ns, duration_ns FROM sample"
                                    " WHERE phase = 'create' AND result = 'ok'"):
        samples.setdefault((end // 1000000 - axis["t0"]) // axis["step"], []).append(duration)
    assert len(samples) > 50
    for bucket, durations in samples.items():
        durations.sort()
        exact = durations[max(round(len(durations) / 2 + 1e-9), 1) - 1]
        around = durations[max(len(durations) // 2 - 1, 0)], durations[min(len(durations) // 2, len(durations) - 1)]
        assert min(exact, *around) * 0.97 <= medians[bucket] <= max(exact, *around) * 1.03


def test_lists_that_are_too_long_are_cut_and_say_so(runs):
    run = runs(40, 24, 60)
    assert len(run.text.encode()) <= SIZE_MAX
    page = data(run)
    assert page["hosts"] == ["all 40 hosts"]
    assert run.text.count("<bdi>node-39</bdi>") >= 2


def test_the_same_store_gives_the_same_page(hour, tmp_path):
    assert hour.write(tmp_path / "again.html").returncode == WEDGE
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == hour.text


def test_is_there_in_whole_or_not_at_all(hour, tmp_path):
    page, link = tmp_path / "page.html", tmp_path / "link.html"
    page.write_text("old")
    link.symlink_to("page.html")
    before = page.stat().st_ino
    assert hour.write(link).returncode == WEDGE
    assert link.is_symlink() and page.stat().st_ino != before
    assert page.read_text(encoding="utf-8") == hour.text
    assert page.stat().st_mode & 0o777 == 0o666 & ~current_umask()
    assert sorted(os.listdir(tmp_path)) == ["link.html", "page.html"]


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_says_what_keeps_it_from_writing(hour, tmp_path):
    told = hour.write(tmp_path / "nowhere" / "page.html")
    assert told.returncode not in (0, WEDGE)
    assert len(told.stderr.splitlines()) == 1 and "nowhere" in told.stderr
    told = hour.write("/dev/full")
    assert told.returncode not in (0, WEDGE) and "No space left" in told.stderr
    assert os.stat("/dev/full").st_rdev  # and it is a device still


def test_evidence_is_linked_where_it_was_fetched(hour, tmp_path):
    (host, name), = rows(hour, "SELECT host, evidence FROM wedge ORDER BY detected_realtime_ns LIMIT 1")
    directory = os.path.join(hour.directory, "evidence", host, name)
    assert "(on the host)" in hour.text
    os.makedirs(directory)
    try:
        for page in (tmp_path / "page.html", os.path.join(hour.directory, "beside.html")):
            assert hour.write(page).returncode == WEDGE
            with open(page, encoding="utf-8") as file:
                links = re.findall(r'evidence: <a href="([^"]*)"', file.read())
            assert len(links) == 1
            assert os.path.samefile(os.path.join(os.path.dirname(page), links[0]), directory)
    finally:
        os.removedirs(directory)
        os.unlink(os.path.join(hour.directory, "beside.html"))
