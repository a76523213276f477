#!/usr/bin/env python3
"""report.html in a real browser: whatever a guest said, no script runs, nothing is loaded, and everything can be read."""

import base64
import html.parser
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import zlib

from sample import ROOT, bundle, check, finish, folder, report

BROWSER = next((path for name in ("chromium-headless-shell", "chromium", "chromium-browser") if (path := shutil.which(name))), None)
if BROWSER is None:
    print("skipped: there is no chromium (tests/packages.sh test installs it)")
    sys.exit(77)


def browse(page, profile, *options):
    done = subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
                           f"--user-data-dir={profile}", *options, pathlib.Path(page).as_uri()], capture_output=True, timeout=300)
    check(done.returncode == 0, f"the browser exits with {done.returncode}: {done.stderr[-300:]}")
    return done.stdout.decode("utf-8", errors="replace")


class Inventory(html.parser.HTMLParser):
    """Every element and attribute that the browser made of the page."""

    def __init__(self):
        super().__init__()
        self.elements, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes |= {name for name, value in attrs}


TEMPLATE = (ROOT / "reports/report.mustache").read_text(encoding="utf-8")
written = Inventory()
written.feed(re.sub(r"\{\{[#^/][^}]*\}\}", "", TEMPLATE))
ELEMENTS, ATTRIBUTES = written.elements, written.attributes
check("script" not in ELEMENTS and not any(name.startswith("on") for name in ATTRIBUTES), "the page itself has scripts")
check("{{{" not in TEMPLATE and "{{&" not in TEMPLATE, "a tag of the template is not escaped")


def png(width=64, height=48, colour=b"\x00\x00\xaa"):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = (b"\0" + colour * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) \
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def requests_seen(page, profile, place):
    """What the browser's own network log says it asked for."""
    log = place / "net.json"
    browse(page, profile, "--dump-dom", f"--log-net-log={log}")
    text = log.read_text(errors="replace") if log.exists() else ""
    check(len(text) > 1000, "the browser wrote no network log")
    return re.findall(r'"url":"(https?://[^"]*canary[^"]*|data:text/html[^"]*)"', text)


with folder() as place:
    place = pathlib.Path(place)
    profile = place / "profile"

    # The detector first: a page that does run a script must be seen to.
    naive = place / "naive.html"
    naive.write_text("<title>calm</title><script>document.title='owned'</script><img src='http://canary.invalid/x.png'>")
    check("<title>owned</title>" in browse(naive, profile, "--dump-dom"), "a script that runs is not seen: this test shows nothing")
    check(requests_seen(naive, profile, place), "a request is not seen: this test shows nothing")

    attack = bundle("attack", place)
    cell = next((attack / "cells").glob("*candidate*"))
    (cell / "screen-failure.png").write_bytes(png())
    (cell / "screen-evil.png").write_bytes(b"<svg onload=alert(1)>")  # no picture
    (cell / "screen-<b>.png").write_bytes(png())                      # no name for a link
    (cell / "screen-link.png").symlink_to("/etc/passwd")
    page = attack / "report.html"
    report(attack, "html", "--out", page)
    source = page.read_text(encoding="utf-8")
    check(len(source) < 2 << 20, f"a hostile guest makes a page of {len(source)} bytes")
    check(source.count("data:image/png;base64," + base64.b64encode(png()).decode()) == 1, "the screenshot is not in the page once")
    check("root:" not in source and "screen-link" not in source, "a symbolic link was followed")
    dom = browse(page, profile, "--dump-dom")
    check("<title>BLOCKED · attack · labctl</title>" in dom, f"the title is {re.findall('<title>.*?</title>', dom)}")
    inventory = Inventory()
    inventory.feed(dom)
    check(inventory.elements <= ELEMENTS, f"the document has {inventory.elements - ELEMENTS}, which the page does not write")
    check(inventory.attributes <= ATTRIBUTES, f"the document has the attributes {inventory.attributes - ATTRIBUTES}")
    check(dom.count("<img") == source.count("<img") == 1, "a guest's picture is in the document")
    check(dom.rstrip().endswith("</html>") and "never interpreted" in dom, "a guest's text ends the page early")
    check("&lt;script&gt;document.title='owned'&lt;/script&gt;" in dom, "what the guest said cannot be read")
    for sign in ("\u2400", "\u240d", "‹U+202E›", "‹U+2069›", "\ufffd", "\u241b[2J", "\u2407"):
        check(sign in dom, f"{sign} does not show what the guest sent")
    check("red" in dom and "[31m" not in dom, "colours are not taken out")
    check(not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]", source), "a control character is in the page")
    check(not requests_seen(page, profile, place), f"the page asked for {requests_seen(page, profile, place)}")
    for link in re.findall(r'(?:href|src)="([^"]*)"', source):
        check(re.match(r"#[\w.-]+$|cells/[\w./-]+$|data:image/png;base64,", link), f"a link goes to {link[:80]}")

    # How it looks, for people: build/report-pictures/ keeps what was seen.
    keep = ROOT / "build/report-pictures"
    keep.mkdir(parents=True, exist_ok=True)
    example = bundle("example", place)
    page = example / "report.html"
    report(example, "html", "--out", page)
    seen = {}
    for width, height in ((390, 2400), (1280, 2400)):
        for scheme, number in (("light", 1), ("dark", 0)):
            picture = keep / f"{width}-{scheme}.png"
            browse(page, profile, f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={number}", f"--screenshot={picture}")
            seen[width, scheme] = picture.read_bytes() if picture.exists() else b""
            check(len(seen[width, scheme]) > 20000, f"the page at {width} in {scheme} is as good as empty")
        check(seen[width, "light"] != seen[width, "dark"], f"light and dark look the same at {width}")
    # Wider than its window: the page would have to be pushed sideways on a phone.
    probe = place / "probe.html"
    text = page.read_text(encoding="utf-8")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    probe.write_text(text.replace("</body>", "<script>document.title=[document.documentElement.scrollWidth,innerWidth].join('/')</script></body>"),
                     encoding="utf-8")
    for width in (390, 768, 1280):
        title = re.search("<title>(.*?)</title>", browse(probe, profile, "--dump-dom", f"--window-size={width},900"))
        scroll, inner = map(int, title[1].split("/"))
        check(scroll <= inner, f"the page is {scroll} wide in a window of {inner}")
finish()
