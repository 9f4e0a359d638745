# SPDX-License-Identifier: LGPL-2.1-or-later
"""The HTML report in a browser: it draws, it zooms, it asks nobody, and it reads without scripts."""

import json
import math

STRETCH = "document.documentElement.dataset.stretch"
DRAWN = """[...document.querySelectorAll('[data-chart]')].filter(f => {
    const c = f.querySelector('canvas');
    return c && c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0);
}).length"""
SEEN = "[...document.querySelectorAll({})].filter(e => e.checkVisibility() && e.getBoundingClientRect().height > 0).length"


def stretch(page):
    return [int(n) for n in page.run(STRETCH).split()]


def windows(page):
    """The stretch of time of every heat map, as parts of a thousand of the axis."""
    boxes = page.run("[...document.querySelectorAll('.heat svg')].map(s => s.getAttribute('viewBox'))")
    return {tuple(round(float(n), 1) for n in box.split()) for box in boxes}


def test_draws_and_asks_nobody(browser, week):
    with browser.page(week.page) as page:
        n = page.run("document.querySelectorAll('[data-chart]').length")
        assert n >= 20
        assert page.run("Number(document.documentElement.dataset.charts)") == n
        assert page.run(DRAWN) == n
        assert page.requests() == [f"file://{week.page}"]
        assert page.complaints() == []


def test_a_drag_zooms_all_of_them(browser, hour):
    with browser.page(hour.page) as page:
        whole, heat = stretch(page), windows(page)
        assert whole[1] - whole[0] == 3600_000
        page.run("document.querySelector('[data-chart=create] .plot').scrollIntoView({block: 'center'})")
        box = page.box("[data-chart=create] .plot")
        page.drag((box["x"] + box["width"] * 0.4, box["y"] + 60), (box["x"] + box["width"] * 0.7, box["y"] + 62))
        part = stretch(page)
        assert whole[0] < part[0] < part[1] < whole[1]
        assert 0.2 < (part[1] - part[0]) / 3600_000 < 0.45
        # the others, and the heat maps, went along
        assert len(windows(page)) == 1 and windows(page) != heat
        labels = page.run("[...document.querySelectorAll('[data-chart=api] .dygraph-axis-label-x')].map(e => e.textContent)")
        assert labels and "12:00" not in labels
        page.click("[data-chart=create] .plot", count=2)
        assert stretch(page) == whole and windows(page) == heat
        assert page.complaints() == []


def test_a_click_zooms(browser, hour):
    with browser.page(hour.page) as page:
        whole = stretch(page)
        page.click("#tools button[aria-label='Zoom in']")
        half = stretch(page)
        assert math.isclose(half[1] - half[0], (whole[1] - whole[0]) / 2, abs_tol=2)
        page.click("#tools button[aria-label='Later']")
        assert stretch(page)[0] > half[0]
        page.click("#tools button[aria-label='Show the whole run']")
        assert stretch(page) == whole
        # a wedge leads to its time
        page.click("#wedge-1 button")
        wedge = json.loads(page.run("document.getElementById('data').textContent"))["wedges"][0]
        shown = stretch(page)
        assert whole[0] <= shown[0] <= wedge["from"] <= wedge.get("to", wedge["from"]) <= shown[1]
        assert shown[1] - shown[0] < whole[1] - whole[0]
        assert wedge["class"] in page.run("document.getElementById('moment').textContent")


def test_a_change_of_level_leads_to_its_time(browser, week):
    with browser.page(week.page) as page:
        page.click("#change-1 button")
        change = json.loads(page.run("document.getElementById('data').textContent"))["changes"][0]
        shown = stretch(page)
        assert shown[0] < change["from"] < shown[1] and shown[1] - shown[0] < 86400e3


def test_keys_are_enough(browser, hour):
    with browser.page(hour.page) as page:
        whole = stretch(page)
        page.run("document.querySelector('[data-chart=passed] .plot').focus()")
        page.key("+")
        assert math.isclose(stretch(page)[1] - stretch(page)[0], (whole[1] - whole[0]) / 2, abs_tol=2)
        page.key("ArrowRight")
        said = page.run("document.querySelector('[data-chart=passed] [aria-live]').textContent")
        assert said.startswith("2026-06-29 12:") and "all hosts 0." in said, said
        page.key("Escape")
        page.key("Home")
        assert stretch(page) == whole


def test_one_host_alone(browser, hour):
    with browser.page(hour.page) as page:
        labels = """(host => {
            const s = document.querySelector('#tools select');
            s.value = host;
            s.dispatchEvent(new Event('change'));
            document.querySelector('#wedge-1 button').click();
            return document.querySelector('[data-chart=fds] .read').textContent;
        })"""
        both = page.run(f"{labels}('-1')")
        one = page.run(f"{labels}('1')")
        assert "node-a" in both and "node-b" in both
        assert "node-a" not in one and "node-b" in one
        assert page.complaints() == []


def test_without_scripts(browser, week):
    with browser.page(week.page, scripts=False) as page:
        assert page.run(STRETCH) is None
        assert page.run(SEEN.format("'canvas, #tools'")) == 0
        stills = page.run(SEEN.format("'.still svg'"))
        assert stills == week.text.count('class="still"') >= 25
        assert page.run(SEEN.format("'#phases tbody tr'")) == 7
        assert page.run(SEEN.format("'#unended tbody tr'")) == 2  # stop, and the whole unit
        assert page.run(SEEN.format("'#wedges tbody tr'")) == week.text.count('<tr id="wedge-')
        assert page.requests() == [f"file://{week.page}"]


def test_on_a_phone(browser, hour):
    with browser.page(hour.page, width=360, height=740, phone=True) as page:
        assert page.run("document.documentElement.scrollWidth") <= 360
        assert page.run(DRAWN) > 20
        assert page.run("getComputedStyle(document.querySelector('#wedges td')).whiteSpace") == "normal"


def test_in_the_dark_and_on_paper(browser, hour):
    paper = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]"
    with browser.page(hour.page, dark=True) as page:
        assert page.run(paper) < 64
    with browser.page(hour.page, dark=True, media="print") as page:
        assert page.run(paper) > 192
        assert page.run(SEEN.format("'canvas, #tools, button'")) == 0
        assert page.run(SEEN.format("'.still svg'")) > 20


def test_names_for_those_who_cannot_see(browser, hour):
    with browser.page(hour.page) as page:
        tree = page.ask("Accessibility.getFullAXTree")["nodes"]
        nodes = [(n.get("role", {}).get("value"), n.get("name", {}).get("value")) for n in tree
                 if not n.get("ignored")]
        for role in ("image", "button", "link", "table", "region", "combobox", "application", "heading"):
            named = [name for r, name in nodes if r == role]
            assert named and all(named), (role, named)
        assert page.run("[...document.querySelectorAll('th')].every(e => e.scope)")
        assert page.run("(ids => ids.length === new Set(ids).size)([...document.querySelectorAll('[id]')].map(e => e.id))")
        assert page.run("[...document.querySelectorAll('a[href^=\"#\"]')].every(a => document.querySelector(a.getAttribute('href')))")
        # and the focus is seen
        page.key("Tab")
        page.run("document.querySelector('[data-chart=passed] .plot').focus()")
        assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_text_of_others_stays_text(browser, hostile):
    with browser.page(hostile.page) as page:
        page.click("#wedge-1 button")
        assert page.run("document.title").endswith("lxdsoak")
        assert page.run("document.querySelectorAll('script').length") == 3
        assert page.run("document.querySelectorAll('img, iframe, object, link').length") == 0
        host = json.loads(page.run("document.getElementById('data').textContent"))["hosts"][0]
        assert host.startswith("</script><script>")
        assert page.run("document.querySelector('#hosts tbody th').textContent") == host
        assert page.run("document.querySelector('#tools option:nth-child(2)').textContent") == host
        assert page.run(DRAWN) > 20
        assert page.requests() == [f"file://{hostile.page}"]
        assert page.complaints() == []
