#!/usr/bin/env python3
"""reports/example/ is what labctl makes today of the recorded example; with --write it is made anew."""

import sys

from sample import ROOT, bundle, check, finish, folder, report

FILES = {"report.html": "html", "junit.xml": "junit", "summary.md": "md", "verdict.json": "json"}
KEPT = ROOT / "reports/example"

with folder() as place:
    path = bundle("example", place)
    for name, form in FILES.items():
        made = report(path, form)
        if "--write" in sys.argv:
            KEPT.mkdir(exist_ok=True)
            (KEPT / name).write_bytes(made)
        kept = (KEPT / name).read_bytes() if (KEPT / name).exists() else None
        check(kept == made, f"reports/example/{name} is not what labctl makes now; if the change is meant: "
              "tests/report/example_test.py build/release/bin/labctl build/release/tests/sample_bundle --write")
finish()
