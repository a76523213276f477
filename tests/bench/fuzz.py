#!/usr/bin/env python3
"""Takes the figures of `labctl fuzz` in docs/explanation/overhead.md on this host, and writes them there between their two marks.

usage: fuzz.py FUZZ_BENCH SCENARIO [FUZZ_BENCH's other arguments]

Some minutes on two cores without KVM. Nothing else should be at work on the host.
"""
import datetime
import subprocess
import sys

import overhead

BEGIN, END = "<!-- figures of fuzz -->\n", "<!-- end of the figures of fuzz -->\n"


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    bench, scenario, *arguments = sys.argv[1:]
    before = overhead.load()
    table = subprocess.run([bench, scenario, *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout
    text = (f"{datetime.date.today()}: {overhead.machine()}. Load average {before} before, {overhead.load()} after, the guest included.\n\n"
            f"{table}")
    head, rest = overhead.PAGE.read_text().split(BEGIN)
    overhead.PAGE.write_text(head + BEGIN + text + END + rest.split(END)[1])
    print(text)


if __name__ == "__main__":
    main()
