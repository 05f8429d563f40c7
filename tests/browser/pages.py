"""Opens the pages in FOLDER in Chromium, and sees whether they are what they should be: pages.py FOLDER

Leaves a picture of each beside it: on a desk and in a hand, light and dark.
"""

import base64
import pathlib
import shutil
import sys
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--hide-scrollbars",
]

# How many of each there are at least.
CHARTS = {"run": 25, "hostile": 18, "long": 25, "simulation": 20, "load": 15, "calls": 20, "call": 10, "compare": 30, "sweep": 0, "plan": 0, "eval": 0, "slow": 12, "moments": 20, "silent": 10, "fit": 3, "validation": 3}
# How large a page may be: that of a minute's sound, and one of six turns.
BYTES_MAX = {"run": 600_000, "slow": 300_000}
PLAYABLE = ["run", "long", "call"]
PHONE = 390
DESK = 1280


class Wrong(Exception):
    """Says what is wrong with a page."""


def check(is_so, page, says):
    if not is_so:
        raise Wrong(f"{page}: {says}")


class Browser:
    """Chromium with a profile of its own, that records what it asks the network for."""

    def __init__(self, *flags, script=True):
        self.profile = tempfile.mkdtemp()
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in [*FLAGS, *flags, f"--user-data-dir={self.profile}"]:
            options.add_argument(flag)
        if not script:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService("/usr/bin/chromedriver")
        self.driver = webdriver.Chrome(options=options, service=service)
        # What the browser shows before any page asks for much of its own.
        self.driver.get("about:blank")
        time.sleep(0.5)
        self.driver.get_log("performance")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)

    def show(self, path, width, dark=False):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        self.driver.get(path.as_uri())

    def run(self, script):
        return self.driver.execute_script(script)

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """Addresses that were asked for, of whatever kind."""
        import json

        asked = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked.append(message["params"]["request"]["url"])
        return asked

    def picture(self, path):
        size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 12_000), "scale": 1}
        shot = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip, "format": "png"}
        )
        path.write_bytes(base64.b64decode(shot["data"]))


def loads_nothing(browser, name):
    complaints = browser.complaints()
    check(not complaints, name, f"the browser complains: {complaints}")
    strange = [url for url in browser.requests() if not url.startswith(("file:", "data:"))]
    check(not strange, name, f"it asks for {strange}")


def is_whole(browser, name):
    """Charts, landmarks, headings, captions; and nothing reaches out to the side."""
    charts = browser.run("return document.querySelectorAll('svg[role=img]').length")
    check(charts >= CHARTS[name], name, f"{charts} charts, not {CHARTS[name]} at least")
    for selector in ["header", "main", "footer", "h1", "section h2"]:
        check(browser.run(f"return !!document.querySelector('{selector}')"), name, f"there is no {selector}")
    for what, script in {
        "a table without a caption": "[...document.querySelectorAll('table')].filter(t => !t.caption)",
        "a head of a column without a scope": "[...document.querySelectorAll('th')].filter(t => !t.scope)",
        "a picture without a title": "[...document.querySelectorAll('svg[role=img]')].filter(s => !s.querySelector('title'))",
        "the same id twice": "[...document.querySelectorAll('[id]')].filter((e, _, all) => all.filter(o => o.id === e.id).length > 1)",
        "a link to nowhere": "[...document.querySelectorAll('a[href^=\"#\"]')].filter(a => !document.getElementById(a.hash.slice(1)))",
        "a control without a name": "[...document.querySelectorAll('button, audio')].filter(b => !b.getAttribute('aria-label'))",
        "numbers that are none": "[...document.querySelectorAll('svg *, td')].filter(e => /NaN|Infinity|undefined/.test(e.outerHTML))",
    }.items():
        found = browser.run(f"return {script}.length")
        check(found == 0, name, f"{what}, {found}x")


def fits(browser, name):
    over = browser.run("""
        const wide = document.documentElement.clientWidth;
        const inside = (e) => { for (; e; e = e.parentElement) if (e.matches('.scroll, pre, svg')) return true; return false; };
        return [...document.body.querySelectorAll('*')]
            .filter(e => e.getBoundingClientRect().right > wide + 1 && !inside(e) && getComputedStyle(e).position !== 'absolute')
            .map(e => e.tagName + '.' + e.className).slice(0, 5).concat(document.documentElement.scrollWidth > wide ? ['the page'] : [])
    """)
    check(not over, name, f"wider than the screen: {over}")


def contrast(browser, name):
    """Text against its background: 4.5 to 1 at least (WCAG 2, AA)."""
    poor = browser.run("""
        const rgb = (c) => c.match(/[\\d.]+/g).map(Number);
        const lum = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
        const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return rgb(getComputedStyle(document.body).backgroundColor); };
        const poor = new Set();
        for (const e of document.body.querySelectorAll('*')) {
            const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
            if (!own || e.closest('title, desc, script, style, .skip')) continue;
            const style = getComputedStyle(e);
            const ink = rgb(e.closest('svg') ? style.fill : style.color);
            const [a, b] = [lum(ink), lum(behind(e))].sort((x, y) => y - x);
            if ((a + .05) / (b + .05) < 4.5) poor.add(e.tagName + '.' + (e.className.baseVal ?? e.className) + ' ' + ((a + .05) / (b + .05)).toFixed(2));
        }
        return [...poor].slice(0, 8);
    """)
    check(not poor, name, f"too little contrast: {poor}")


def is_dark(browser, name):
    colour = browser.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    check(max(colour) < 60, name, f"its background is {colour} in the dark")
    light = browser.run("""
        const paper = [...document.querySelectorAll('svg .paper')].map(e => getComputedStyle(e).fill.match(/\\d+/g).map(Number));
        return paper.filter(colour => Math.max(...colour) > 60)
    """)
    check(not light, name, f"pictures on {light} in the dark")


def lengths_are_legible(browser, name):
    """In the picture of a turn no text lies over another one, and none is cut off."""
    wrong = browser.run("""
        const wrong = [];
        for (const svg of document.querySelectorAll('.turn figure > svg')) {
            const frame = svg.getBoundingClientRect();
            const texts = [...svg.querySelectorAll('text.halo, text.strong')].map(e => [e.textContent, e.getBoundingClientRect()]);
            texts.forEach(([text, box], i) => {
                if (box.right > frame.right + 1 || box.left < frame.left - 1) wrong.push(text + ' is cut off');
                for (const [other, its] of texts.slice(i + 1))
                    if (box.left < its.right && its.left < box.right && box.top + 4 < its.bottom && its.top + 4 < box.bottom)
                        wrong.push(text + ' covers ' + other);
            });
        }
        return wrong.slice(0, 5)
    """)
    check(not wrong, name, f"the pictures of turns: {wrong}")


def is_slow_and_whole(browser, name):
    """A turn of several seconds is drawn to its end, and is not green."""
    bars = "[...document.querySelectorAll('#turn-4 figure rect.h')].map(e => e.getBoundingClientRect().right)"
    frame = "document.querySelector('#turn-4 figure svg').getBoundingClientRect().right"
    check(browser.run(f"return Math.max(...{bars}) < {frame} - 8"), name, "the slow turn is cut at the edge")
    check("on a scale of its own" in browser.run("return document.querySelector('#turn-4').innerText"), name, "the slow turn does not say its scale")
    check(browser.run("return document.querySelectorAll('#turn-4 .kept').length") == 0, name, "the slow turn is green")
    check(browser.run("return document.querySelectorAll('#turn-1 .kept').length") == 1, name, "a fast turn is not green")


def answers_first(browser, name):
    """The answer of a plan comes before its picture, in which the choice and the budget are marked."""
    first = browser.run("return document.querySelector('main').innerText").strip()
    check(first.startswith("Take endpointing.silence_ms = "), name, f"it begins with {first[:60]!r}")
    for what in ["circle.chosen", "text.chosen", "path.limit", "text.limit"]:
        check(browser.run(f"return document.querySelectorAll('.sheet {what}').length") > 0, name, f"its picture has no {what}")


def prints(browser, name):
    pdf = browser.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"]
    check(base64.b64decode(pdf[:8]).startswith(b"%PDF"), name, "it cannot be printed")
    return len(pdf) * 3 // 4


def wait_for(browser, condition, name, says, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if browser.run(f"return {condition}"):
            return
        time.sleep(0.05)
    raise Wrong(f"{name}: {says}")


def plays(browser, name):
    """The button of a turn plays it: time passes, the cursor goes along, the turn is marked."""
    browser.run("document.querySelector('#turn-2 .play').click()")
    wait_for(browser, "document.querySelector('audio').currentTime > +document.querySelector('#turn-2').dataset.start + 0.2",
             name, "no time passes in playing turn 2")
    check(browser.run("return document.querySelector('#turn-2').classList.contains('now')"), name, "turn 2 is not marked")
    check(browser.run("return document.querySelectorAll('.turn.now').length") == 1, name, "several turns are marked")
    share = "parseFloat(document.querySelector('#timeline .cursor').getAttribute('x1'))"
    before = browser.run(f"return {share}")
    wait_for(browser, f"{share} > {before} + 0.1", name, "the cursor stands still")
    at = browser.run("const a = document.querySelector('audio'); return 100 * a.currentTime / +document.querySelector('#timeline').dataset.length")
    check(abs(browser.run(f"return {share}") - at) < 1.5, name, "the cursor is not where the sound is")
    label = browser.run("return document.querySelector('#turn-2 .play').getAttribute('aria-label')")
    check(label == "Pause turn 2", name, f"the button says {label!r}")
    browser.run("document.querySelector('#turn-2 .play').click()")
    wait_for(browser, "document.querySelector('audio').paused", name, "it does not pause")
    # To the end of a turn, where it stops.
    browser.run("const t = document.querySelector('#turn-5'); t.querySelector('.play').click(); document.querySelector('audio').currentTime = +t.dataset.end - 0.2")
    wait_for(browser, "document.querySelector('audio').paused && document.querySelector('audio').currentTime > 1", name, "it plays on past its turn")
    # A click on the time line goes there.
    browser.run("""const s = document.querySelector('#timeline svg'), b = s.getBoundingClientRect();
        s.dispatchEvent(new MouseEvent('click', {clientX: b.left + b.width / 2, clientY: b.top + 20, bubbles: true}))""")
    half = browser.run("return document.querySelector('audio').currentTime / +document.querySelector('#timeline').dataset.length")
    check(abs(half - 0.5) < 0.02, name, f"a click in the middle leads to {half:.2f}")


def plays_moments(browser, name):
    """Of a long call the worst turns alone have a button; it plays them, and the cursors are where they were said."""
    turns = browser.run("return document.querySelectorAll('.turn').length")
    playable = browser.run("return [...document.querySelectorAll('.turn[data-start]')].map(t => t.id)")
    check(0 < len(playable) < turns, name, f"{len(playable)} of {turns} turns can be played")
    for turn in [playable[0], playable[-1]]:
        browser.run(f"document.querySelector('#{turn} .play').click()")
        wait_for(browser, f"document.querySelector('#{turn}').classList.contains('now')", name, f"{turn} is not marked as it plays")
        wait_for(browser, f"document.querySelector('#{turn} .cursor').classList.contains('on')", name, f"no cursor goes along in {turn}")
        share = browser.run("return parseFloat(document.querySelector('#timeline .cursor').getAttribute('x1')) / 100")
        start, length = browser.run(f"return [+document.querySelector('#{turn}').dataset.start, +document.querySelector('#timeline').dataset.length]")
        check(0 <= share * length - start < 5, name, f"the cursor is at {share * length:.1f} s, and {turn} begins at {start} s")
        wait_for(browser, f"document.querySelector('audio').paused", name, f"{turn} plays on past its end", 40)
    check(browser.run("return document.querySelector('audio').duration") <= 181, name, "more than the worst moments is in the page")


def is_silent(browser, name):
    """No sound is in the page of a call that was measured with --no-audio, and its shapes are what was heard."""
    check(browser.run("return document.querySelectorAll('audio, .play').length") == 0, name, "there is something to play")
    check("only how loud it was" in browser.run("return document.querySelector('main').innerText"), name, "it does not say so")


def is_reached_by_keys(browser, name):
    """Tab comes to the play buttons, one sees where it is, and Enter plays."""
    body = browser.driver.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.TAB)
    check(browser.run("return document.activeElement.className") == "skip", name, "the first Tab is not for skipping ahead")
    for _ in range(60):
        if browser.run("return document.activeElement.classList.contains('play')"):
            break
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
    else:
        raise Wrong(f"{name}: Tab never comes to a play button")
    outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle")
    check(outline != "none", name, "one does not see where the focus is")
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    wait_for(browser, "!document.querySelector('audio').paused", name, "Enter on a play button does not play")
    browser.run("document.querySelector('audio').pause()")


def is_text(browser, name):
    """Hostile words are shown, and do nothing."""
    title = browser.driver.title
    check("owned" not in title.split("document.title")[0] and "script" in title, name, f"its title is {title!r}")
    check(browser.run("return document.querySelectorAll('main script, main img, main h1, header img').length") == 0, name, "words became elements")
    text = browser.run("return document.body.innerText")
    for shown in ["<script>document.title=", "onmouseover=alert(1)", "{{ page.title }} {% raw %} &lt;b&gt;", "שלום", "WWWWWWWW"]:
        check(shown in text, name, f"{shown!r} is not shown")
    for gone in ["\u202e", "\u2066", "\x1b"]:
        check(gone not in browser.run("return document.documentElement.outerHTML"), name, f"{gone!r} is still there")


def works_without_script(pages):
    with Browser(script=False) as browser:
        for name in ["run", "simulation"]:
            browser.show(pages / f"{name}.html", DESK)
            is_whole(browser, name)
            fits(browser, name)
        browser.show(pages / "run.html", DESK)
        check(browser.run("return !document.documentElement.classList.contains('plays')"), "run", "script runs where it is switched off")
        hidden = browser.run("return [...document.querySelectorAll('.play')].every(b => getComputedStyle(b).display === 'none')")
        check(hidden, "run", "buttons are shown that do nothing")


def see(browser, page):
    name = page.stem
    begun = time.monotonic()
    for width, where in [(DESK, "desk"), (PHONE, "phone")]:
        for dark in [False, True]:
            browser.show(page, width, dark)
            browser.picture(page.with_name(f"{name}-{where}-{'dark' if dark else 'light'}.png"))
            is_whole(browser, name)
            fits(browser, name)
            contrast(browser, name)
            lengths_are_legible(browser, name)
            if dark:
                is_dark(browser, name)
    browser.show(page, DESK)
    if name in PLAYABLE:
        is_reached_by_keys(browser, name)
        plays(browser, name)
    if name == "hostile":
        is_text(browser, name)
    if name == "moments":
        plays_moments(browser, name)
    if name == "silent":
        is_silent(browser, name)
    if name == "slow":
        is_slow_and_whole(browser, name)
    if name == "plan":
        answers_first(browser, name)
    if name in BYTES_MAX:
        check(page.stat().st_size < BYTES_MAX[name], name, f"{page.stat().st_size} bytes, more than {BYTES_MAX[name]}")
    pdf = prints(browser, name)
    loads_nothing(browser, name)
    kilobytes = page.stat().st_size / 1e3
    print(f"{name}: {kilobytes:.0f} kB, printed {pdf / 1e3:.0f} kB, {time.monotonic() - begun:.1f} s", flush=True)


def main(pages):
    wrong = []
    with Browser() as browser:
        for page in sorted(pages.glob("*.html")):
            try:
                see(browser, page)
            except Wrong as one:
                print(one, flush=True)
                wrong.append(page.stem)
    works_without_script(pages)
    if wrong:
        raise Wrong(f"wrong are {', '.join(wrong)}; pictures of them are in {pages}")
    print("pages: whole, legible, played, printed, without script too; nothing was loaded")


if __name__ == "__main__":
    try:
        main(pathlib.Path(sys.argv[1]).resolve())
    except Wrong as wrong:
        sys.exit(f"pages: {wrong}")
