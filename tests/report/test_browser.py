"""The page in a real browser, headless, where one is installed."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stages.compare import compare
from tests.synthetic import WRONG

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "chrome-headless-shell")
BROWSER = next((found for found in map(shutil.which, NAMES) if found), None)
# The page stands in a frame of a given width, as a headless window may not be as narrow as a phone.
HOST = """<!DOCTYPE html><meta charset="utf-8"><iframe width="{width}" height="900" srcdoc="{page}"></iframe>
<pre id="found"></pre>
<script>
const frame = document.querySelector("iframe");
frame.addEventListener("load", () => {{
  const page = frame.contentDocument;
  const shown = () => [...page.images].filter((one) => one.getClientRects().length);
  const marks = (plot) => [...plot.querySelectorAll("path, use")].filter((one) => {{
    const box = one.getBoundingClientRect();
    return box.width + box.height > 0;
  }});
  const before = shown().length;
  page.querySelector("label").click();
  document.querySelector("#found").textContent = JSON.stringify({{
    width: page.documentElement.scrollWidth,
    plots: [...page.querySelectorAll("svg")].map((plot) => marks(plot).length),
    plotWidths: [...page.querySelectorAll("svg")].map((plot) => plot.getBoundingClientRect().width),
    before: before,
    after: shown().length,
    broken: [...page.images].filter((one) => !one.naturalWidth).length,
    face: Math.min(...shown().map((one) => one.getBoundingClientRect().width)),
    dead: [...page.querySelectorAll("a")].filter((one) => !page.querySelector(one.getAttribute("href"))).length,
    letters: parseFloat(frame.contentWindow.getComputedStyle(page.querySelector("table")).fontSize),
  }});
}});
</script>
"""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


def open_page(file: Path, profile: Path) -> tuple[str, str]:
    """Return what the browser made of a page, and what it logged."""
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--user-data-dir={profile}")
    command = [BROWSER, *options, "--virtual-time-budget=5000", "--dump-dom", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


@pytest.fixture
def report(results):
    """The path of the page."""
    folder = results()
    compare()
    return folder / "metrics" / "report.html"


def test_the_console_stays_silent(report, tmp_path):
    document, log = open_page(report, tmp_path / "profile")
    assert 'id="answer"' in document
    assert "CONSOLE" not in log


@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_and_shows_every_plot_and_image(report, tmp_path, width):
    host = tmp_path / "host.html"
    page = html.escape(report.read_text(encoding="utf-8"))
    host.write_text(HOST.format(width=width, page=page), encoding="utf-8")
    document, _ = open_page(host, tmp_path / "profile")
    found = json.loads(html.unescape(re.search(r'<pre id="found">(.*?)</pre>', document)[1]))
    assert found["width"] <= width
    assert len(found["plots"]) == 3
    # More than the axes have: a frame, ticks and a grid.
    assert min(found["plots"]) > 20
    assert min(found["plotWidths"]) > 300
    assert found["before"] == len(WRONG)
    assert found["after"] == 2 * len(WRONG) - 1
    assert found["broken"] == found["dead"] == 0
    assert found["face"] >= 140
    assert found["letters"] >= 12
