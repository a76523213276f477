#!/usr/bin/env python3
"""Three modules of the crash zoo die on real guests, two of them may leave their memory behind: a kdump file each, whole,
of the guest that died, and named in the report. By hand.

    dumps.py LABCTL IMAGE ZOO_DIR [VMLINUX]

With the kernel's symbols (linux-image-<release>-dbg has them) and Debian's `crash`, the dumps are opened and asked for the
kernel's log and for who was running. Without, only their headers are read. crash 8.0.2 is told of kernels that are newer than
itself where they were loaded, and to leave their modules alone.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

LABCTL, IMAGE, ZOO = sys.argv[1:4]
VMLINUX = sys.argv[4] if len(sys.argv) > 4 else None
OUT = pathlib.Path(tempfile.mkdtemp())
# the module, and what the kernel's log says of it
DYING = {"panic_load": "Kernel panic - not syncing: zoo", "oops_load": "BUG: kernel NULL pointer dereference",
         "gp_fault_load": "general protection fault"}


def check(good, what, text=""):
    print(("ok   " if good else "FAIL ") + what, flush=True)
    if not good:
        sys.exit(text)


images = json.loads(subprocess.run([LABCTL, "image", "list", "--json"], check=True, capture_output=True).stdout)
release = next(i["facts"]["kernel_release"] for i in images["images"] if i["name"] == IMAGE)
labels = ["candidate"] + list(DYING)[1:]
(OUT / "dumps.yaml").write_text(
    "labctl: 1\nname: dumps\ncandidate:\n  driver:\n" +
    "".join(f"    {label}: {pathlib.Path(ZOO).resolve() / release / name}.ko\n" for label, name in zip(labels, DYING)) +
    f"matrix:\n  image: [{IMAGE}]\n  driver: [{', '.join(labels)}]\n" +
    "guest:\n  linux:\n    driver: {kind: kmod}\nstory: [install driver, reboot x1]\nsettle: 5s\n")
code = subprocess.run([LABCTL, "run", OUT / "dumps.yaml", "--out", OUT / "runs", "--dumps", "2", "--jobs", "1"]).returncode
check(code == 1, "the run is blocked")
bundle = next((OUT / "runs").iterdir())
dumps = {c: bundle / f"cells/{IMAGE}.driver-{c.replace('_', '-')}/memory.kdump" for c in labels}
left = {label: file for label, file in dumps.items() if file.exists()}
check(list(left) == labels[:2], "the first two left their memory, the third did not", str(left))
page, junit = (bundle / "report.html").read_text(), (bundle / "junit.xml").read_text()
for label, file in left.items():
    name = file.relative_to(bundle)
    check(f'href="{name}"' in page, f"report.html names {name}")
    with open(file, "rb") as dump:
        head = dump.read(1 << 20)
    size = file.stat().st_size
    # As makedumpfile writes to a pipe: its own header, then the records of which the first is the dump's.
    check(head.startswith(b"makedumpfile") and b"KDUMP   " in head and size < 1 << 30, f"it is a kdump file, {size >> 20} MiB")
    check(f"OSRELEASE={release}".encode() in head, "it holds the kernel's own notes")
check("memory.kdump" in junit, "junit.xml names them")
if not VMLINUX or not shutil.which("crash"):
    print("not opened: no vmlinux was given, or there is no crash")
    sys.exit(0)
for label, (name, words) in zip(labels, DYING.items()):
    if label not in left:
        continue
    told = subprocess.run(["crash", "-s", "--kaslr", "auto", "--no_modules", VMLINUX, left[label]], input="log\nps -A\nquit\n",
                          text=True, errors="replace", capture_output=True)
    text = told.stdout + told.stderr
    check(told.returncode == 0 and words in text, f"crash opens the dump of {name}, and its log says {words!r}", text[-4000:])
    print("".join("    " + line + "\n" for line in text.splitlines() if words in line or line.startswith(">")))
shutil.rmtree(OUT)
