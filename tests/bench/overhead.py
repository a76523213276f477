#!/usr/bin/env python3
"""Takes the figures of docs/explanation/overhead.md on this host, and writes them there between the two marks.

usage: overhead.py GATE_BENCH FAKE_LABCTL IMAGE [GATE_BENCH's other arguments]

It takes about half an hour on two cores without KVM and ends by itself. Nothing else should be at work on the host.
"""
import datetime
import os
import pathlib
import platform
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs/explanation/overhead.md"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown CPU")
    memory = int(next(line for line in open("/proc/meminfo") if line.startswith("MemTotal")).split()[1]) >> 20
    qemu = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    system = re.search(r'PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text()).group(1)
    return f"{cpu}, {os.cpu_count()} CPUs, {memory} GiB; {system}, Linux {platform.release()}; {qemu}"


def load():
    return f"{os.getloadavg()[0]:.1f}"


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    bench, fake, *arguments = sys.argv[1:]
    before = load()
    table = subprocess.run([bench, *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout
    after = load()
    soak = subprocess.run([sys.executable, HERE / "soak.py", fake, "500", "8"], stdout=subprocess.PIPE, text=True, check=True).stdout
    memory = [line for line in soak.splitlines() if line.startswith(("beyond", "memory", "left"))]
    text = (f"{datetime.date.today()}: {machine()}. Image {arguments[0]}. Load average {before} before, {after} after, the guests included.\n\n"
            f"{table}\n500 cells of machines that are plain code, 8 at once:\n\n" + "".join(f"- {line}\n" for line in memory))
    page = PAGE.read_text()
    head, rest = page.split(BEGIN)
    PAGE.write_text(head + BEGIN + text + END + rest.split(END)[1])
    print(text)


if __name__ == "__main__":
    main()
