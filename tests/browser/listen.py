"""Judges pairs on the page of `voicesim listen` in Chromium, by keys alone: listen.py VOICESIM RUN OTHER FOLDER

Leaves pictures of the page in FOLDER/pages.
"""

import json
import pathlib
import signal
import subprocess
import sys

from pages import DESK, PHONE, Browser, Wrong, check, contrast, fits, is_dark, wait_for
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

NAME = "listen"


class Page:
    """The page, served until it is killed."""

    def __init__(self, voicesim, runs, choices, *more):
        self.program = subprocess.Popen(
            [voicesim, "-q", "listen", *runs, "--choices", choices, "--listen", "127.0.0.1:0", *more],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.address = self.program.stdout.readline().strip()
        check(self.address.startswith("http://127.0.0.1:"), NAME, f"it prints {self.address!r}")

    def kill(self):
        self.program.send_signal(signal.SIGKILL)
        self.program.wait()


def open_page(browser, page, width, dark=False):
    class Address:
        def as_uri(self):
            return page.address

    browser.show(Address(), width, dark)
    wait_for(browser, "!document.querySelector('#pair').hidden || !document.querySelector('#results').hidden", NAME, "no pair is shown")


def press(browser, key):
    browser.driver.find_element(By.TAG_NAME, "body").send_keys(key)


def progress(browser):
    return browser.run("return document.querySelector('#progress').textContent")


def told(browser):
    return browser.run("return document.querySelector('#told').textContent")


def hear_both(browser):
    for key, says in [("a", "Now the other one"), ("b", "Choose with")]:
        press(browser, key)
        wait_for(browser, "!!document.querySelector('.sides .now')", NAME, f"{key} plays nothing")
        wait_for(browser, f"document.querySelector('#told').textContent.includes('{says}')", NAME, f"{key} is not played to its end", 70)


def judge(browser, key):
    before = progress(browser)
    press(browser, key)
    wait_for(browser, f"document.querySelector('#progress').textContent !== {json.dumps(before)}", NAME, f"{key} does not choose")


def asks_here_alone(browser, page):
    asks_of(browser, page)
    complaints = browser.complaints()
    check(not complaints, NAME, f"the browser complains: {complaints}")


def asks_of(browser, page):
    strange = [url for url in browser.requests() if not url.startswith((page.address, "data:", "about:"))]
    check(not strange, NAME, f"it asks for {strange}")


def is_reached_by_tab(browser):
    """Tab comes to every button, and one sees where it is."""
    names = []
    for _ in range(8):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        if browser.run("return document.activeElement.tagName") == "BUTTON":
            names.append(browser.run("return document.activeElement.getAttribute('aria-label')"))
            outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle")
            check(outline != "none", NAME, "one does not see where the focus is")
    check(len(set(names)) == 5, NAME, f"Tab comes to {names}")


def choices_in(path):
    return [json.loads(line) for line in path.read_text().splitlines()[1:]]


def main(voicesim, one, other, folder):
    pictures, choices = folder / "pages", folder / "work" / "choices.jsonl"
    choices.parent.mkdir(exist_ok=True)
    choices.unlink(missing_ok=True)
    runs = [str(one), str(other)]
    with Browser() as browser:
        page = Page(voicesim, runs, choices)
        for width, where in [(DESK, "desk"), (PHONE, "phone")]:
            for dark in [False, True]:
                open_page(browser, page, width, dark)
                browser.picture(pictures / f"listen-{where}-{'dark' if dark else 'light'}.png")
                fits(browser, NAME)
                contrast(browser, NAME)
                if dark:
                    is_dark(browser, NAME)
        open_page(browser, page, PHONE)
        html = browser.run("return document.documentElement.outerHTML")
        for name in [one.name, other.name]:
            check(f">{name}<" not in html and f"/{name}" not in html, NAME, f"it names {name}")
        is_reached_by_tab(browser)
        press(browser, "1")
        check("Hear both" in told(browser), NAME, "one can choose before one has heard both")
        for number, key in [(1, "1"), (2, "0")]:
            check(progress(browser).startswith(f"Pair {number} of "), NAME, f"it shows {progress(browser)!r}")
            hear_both(browser)
            judge(browser, key)
        # Nothing was ended in order.
        page.kill()
        asks_here_alone(browser, page)
        kept = choices_in(choices)
        check([one["chosen"] for one in kept] == ["first", "neither"], NAME, f"{kept} was kept")
        page = Page(voicesim, runs, choices)
        open_page(browser, page, PHONE)
        check(progress(browser).startswith("Pair 3 of "), NAME, f"it goes on with {progress(browser)!r}")
        asks_here_alone(browser, page)
        page.kill()

        # Words, to the end.
        words = choices.with_name("words.jsonl")
        words.unlink(missing_ok=True)
        page = Page(voicesim, runs, words, "--text")
        open_page(browser, page, PHONE)
        fits(browser, NAME)
        while progress(browser).startswith("Pair "):
            judge(browser, "2")
        check("choices of" in browser.run("return document.querySelector('#results pre').textContent"), NAME, "no results at the end")
        browser.picture(pictures / "listen-results.png")
        fits(browser, NAME)
        contrast(browser, NAME)
        asks_here_alone(browser, page)
        page.kill()
    print(f"listen: judged by keys on a phone, kept through a kill ({len(kept)} of 2), words to the end ({len(choices_in(words))})")


if __name__ == "__main__":
    try:
        main(sys.argv[1], *(pathlib.Path(argument).resolve() for argument in sys.argv[2:5]))
    except Wrong as wrong:
        sys.exit(f"listen: {wrong}")
