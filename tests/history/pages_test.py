#!/usr/bin/env python3
"""The pages of a history: whatever guests and bundles said, no script runs, nothing is loaded, every link leads somewhere.

usage: pages_test.py MAKE_HISTORY LABCTL
"""
import html.parser
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[2]
MAKE_HISTORY, LABCTL = sys.argv[1:3]
BROWSER = next((path for name in ("chromium-headless-shell", "chromium", "chromium-browser") if (path := shutil.which(name))), None)
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
            for page in pages:
                dom = subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile", "--dump-dom", page.as_uri()],
                                     capture_output=True, timeout=600).stdout.decode("utf-8", errors="replace")
                check(not read(dom).elements & {"script", "img", "iframe"}, f"{page.name}: the browser made {read(dom).elements}")
                check("<main" in dom, f"{page.name}: the browser shows nothing")
    print("\n".join(failures) or f"{len(pages)} pages without script, {'in a browser' if BROWSER else 'no browser is here'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
