"""The page in a real browser, headless, where one is installed."""

import html
import json
import re
import shutil
import subprocess

import pytest

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
  const visible = () => [...page.images].filter((image) => image.getClientRects().length);
  const marks = (plot) => [...plot.querySelectorAll("path, use")].filter((mark) => {{
    const box = mark.getBoundingClientRect();
    return box.width + box.height > 0;
  }});
  const before = visible().length;
  page.querySelector("label").click();
  document.querySelector("#found").textContent = JSON.stringify({{
    width: page.documentElement.scrollWidth,
    plots: [...page.querySelectorAll("svg")].map((plot) => marks(plot).length),
    plotWidths: [...page.querySelectorAll("svg")].map((plot) => plot.getBoundingClientRect().width),
    before: before,
    after: visible().length,
    broken: [...page.images].filter((image) => !image.naturalWidth).length,
    face: Math.min(...visible().map((image) => image.getBoundingClientRect().width)),
    dead: [...page.querySelectorAll("a")].filter((link) => !page.querySelector(link.getAttribute("href"))).length,
    letters: parseFloat(frame.contentWindow.getComputedStyle(page.querySelector("table")).fontSize),
  }});
}});
</script>
"""


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_and_shows_every_plot_and_image_and_the_console_stays_silent(compared, tmp_path, width):
    host = tmp_path / "host.html"
    page = html.escape((compared / "metrics/report.html").read_text(encoding="utf-8"))
    host.write_text(HOST.format(width=width, page=page), encoding="utf-8")
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=5000")
    command = [BROWSER, *options, f"--user-data-dir={tmp_path}/profile", "--dump-dom", host.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr
    found = json.loads(html.unescape(re.search(r'<pre id="found">(.*?)</pre>', done.stdout)[1]))
    assert found["width"] <= width
    assert len(found["plots"]) == 4
    # More than the axes have: a frame, ticks and a grid.
    assert min(found["plots"]) > 20
    assert min(found["plotWidths"]) > 300
    assert found["before"] == len(WRONG)
    assert found["after"] == 2 * len(WRONG) - 1
    assert found["broken"] == found["dead"] == 0
    assert found["face"] >= 140
    assert found["letters"] >= 12
