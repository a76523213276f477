#!/usr/bin/env python3
"""The pages of a history: whatever guests and bundles said, no script runs, nothing is loaded, every link leads somewhere.

usage: pages_test.py MAKE_HISTORY LABCTL
"""
import html.parser
import pathlib
import sqlite3
import subprocess
import sys
import tempfile

from browser import Browser, PROGRAM as BROWSER

ROOT = pathlib.Path(__file__).parents[2]
MAKE_HISTORY, LABCTL = sys.argv[1:3]
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>{{{title}}}\"'\u202e</pre></svg>"
failures = []


def check(good, what):
    if not good:
        failures.append(what)


class Inventory(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.elements, self.attributes, self.links, self.ids, self.text = set(), set(), [], [], ""

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name in ("href", "src")]
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_data(self, data):
        self.text += data


def read(text):
    inventory = Inventory()
    inventory.feed(text)
    return inventory


def check_page(path, site):
    text = path.read_text(encoding="utf-8")
    policy = next(line for line in (ROOT / "reports/report.mustache").read_text().splitlines() if "Content-Security-Policy" in line)
    check(policy in text, f"{path.name}: another content policy than report.html's")
    page = read(text)
    check(not page.elements & {"script", "img", "link", "iframe", "form"}, f"{path.name}: {page.elements}")
    check(not any(name.startswith("on") for name in page.attributes), f"{path.name}: {page.attributes}")
    check(len(page.ids) == len(set(page.ids)), f"{path.name}: an id stands twice")
    check(all(link.startswith(("#", "./")) or (site / link).exists() for link in page.links), f"{path.name}: a link to nowhere: {page.links[:5]}")
    check("{{" not in text.replace("{{{title}}}", ""), f"{path.name}: a tag that was not filled in")
    check("\u202e" not in text, f"{path.name}: a misleading character")
    return page


FOCUS = """(() => {
  const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
  return {what: e === document.body ? "" : [...document.querySelectorAll("*")].indexOf(e) + " " + e.tagName + " " + e.textContent.trim().slice(0, 40),
          seen: s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 && r.right > 0 && r.left < innerWidth && r.bottom > 0 && r.top < innerHeight};
})()"""
REACHABLE = """[...document.querySelectorAll("a[href], summary, [tabindex='0']")].filter(e => e.checkVisibility()).length"""


def check_keyboard(browser, page, width):
    """With the Tab key alone each link is reached, in the order of the page, and it can be seen where one is."""
    browser.show(page.as_uri(), width)
    wanted, places = browser.value(REACHABLE), []
    for _ in range(wanted):
        browser.press("Tab", 9)
        focus = browser.value(FOCUS)
        check(focus["seen"], f"{page.name} at {width}: the focus cannot be seen on {focus['what']}")
        places.append(focus["what"])
    order = [int(place.split()[0]) for place in places if place]
    check(len(set(order)) == wanted, f"{page.name} at {width}: {len(set(order))} of {wanted} places are reached")
    check(order == sorted(order), f"{page.name} at {width}: the order is not the page's")


def check_looks(browser, page):
    """Nothing is wider than the window, and light and dark are two schemes that can be read."""
    for width in (390, 1280):
        colours = []
        for scheme in ("light", "dark"):
            browser.show(page.as_uri(), width, scheme=scheme)
            scroll = browser.value("document.documentElement.scrollWidth")
            check(scroll <= width, f"{page.name} is {scroll} wide in a window of {width}")
            colours.append(browser.value("getComputedStyle(document.body).backgroundColor"))
        check(colours[0] != colours[1], f"{page.name}: light and dark are both {colours[0]}")
    browser.show(page.as_uri(), 390)
    browser.press("Tab", 9)
    browser.press("Enter", 13, text="\r")
    check(browser.value("location.hash") == "#content", f"{page.name}: the first key does not skip to the content")


def browse(folder, pages):
    shown = {page.name.split("-")[0]: page for page in pages}  # one of each kind
    with Browser(folder / "piped") as browser:
        naive = folder / "naive.html"
        naive.write_text("<style>:focus{outline:none}</style><div style='width:2000px'><a href='#a'>a</a></div>")
        browser.show(naive.as_uri(), 390)
        browser.press("Tab", 9)
        check(not browser.value(FOCUS)["seen"] and browser.value("document.documentElement.scrollWidth") > 390, "a bad page is not seen to be bad")
        for page in shown.values():
            check_looks(browser, page)
            for width in (390, 1280):
                check_keyboard(browser, page, width)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        db, site = folder / "year.db", folder / "site"
        subprocess.run([MAKE_HISTORY, db, "40", "4", "3"], check=True, stdout=subprocess.DEVNULL)
        with sqlite3.connect(db) as connection:
            connection.execute("UPDATE finding SET title = ?, excerpt = ?, module = ?", (HOSTILE,) * 3)
            connection.execute("UPDATE run SET bundle = '/srv/' || ?, cpu = ?, hypervisor = ?", ("javascript:" + HOSTILE, HOSTILE, HOSTILE))
            connection.execute("UPDATE tested SET image = ?, kernel_release = ? WHERE image = 'debian-01'", (HOSTILE, HOSTILE))
            connection.execute("UPDATE image SET name = ? WHERE name = 'debian-01'", (HOSTILE,))
            connection.execute("UPDATE cell SET reason = ?, id = ? || id", (HOSTILE, "<b>"))
        done = subprocess.run([LABCTL, "history", "html", "--out", site, "--db", db], capture_output=True, text=True)
        check(done.returncode == 0, f"html: {done.returncode} {done.stderr}")
        pages = sorted(site.iterdir())
        check({"index.html", "crashes.html", "unstable.html", "coverage.html", "lab.html"} <= {page.name for page in pages}, f"the pages are {pages}")
        shown = "".join(check_page(page, site).text for page in pages)
        check("<script>alert(1)</script>" in shown, "what the guest said is not shown")
        check(any("<svg" in page.read_text() for page in pages), "no page has a curve")
        if BROWSER:
            browse(folder, pages)
            for page in pages:
                dom = subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile", "--dump-dom", page.as_uri()],
                                     capture_output=True, timeout=600).stdout.decode("utf-8", errors="replace")
                check(not read(dom).elements & {"script", "img", "iframe"}, f"{page.name}: the browser made {read(dom).elements}")
                check("<main" in dom, f"{page.name}: the browser shows nothing")
    print("\n".join(failures) or f"{len(pages)} pages without script, {'in a browser' if BROWSER else 'no browser is here'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
