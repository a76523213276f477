#!/usr/bin/env python3
"""What `labctl scan` says of a file that is no log, and that a log's first bytes do not hide the crash behind them."""

import bz2
import gzip
import json
import lzma
import pathlib
import subprocess
import sys
import tempfile

LABCTL = sys.argv[1]
CRASH = (pathlib.Path(__file__).resolve().parents[1] / "crash/linux").glob("*oops*")
failures = []


def scan(data):
    done = subprocess.run([LABCTL, "scan", "-"], input=data, capture_output=True, timeout=240)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def expect(what, data, code, words):
    got, out, err = scan(data)
    if got != code or words not in out + err:
        failures.append(f"{what}: exit {got} instead of {code}: {out!r} {err!r}")


crash = next(path for path in sorted(CRASH) if path.is_file()).read_bytes()
expect("nothing", b"", 2, "standard input: is empty: there is no log to read\n")
for name, packed in (("gzip", gzip.compress(crash)), ("xz", lzma.compress(crash)), ("bzip2", bz2.compress(crash))):
    expect(f"a crash packed by {name}", packed, 1, "(oops, fatal")
# Windows' shells write UTF-16; a log of several blocks, with characters of two units and a torn end.
text = ("\U0001f5a5 caf\u00e9 \u4e8b\u4ef6\n" * 60000 + crash.decode("latin-1"))
for name, coding, mark in (("little", "utf-16-le", b"\xff\xfe"), ("big", "utf-16-be", b"\xfe\xff")):
    expect(f"a crash in UTF-16, {name} end first", mark + text.encode(coding) + b"\xd8", 1, "(oops, fatal")
expect("a stop in UTF-16", b"\xff\xfe" + "BugcheckCode : 126\r\n".encode("utf-16-le"), 1, "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)")
expect("a binary event log", b"ElfFile\0" + bytes(4096), 2, "a binary event log of Windows")
expect("what to do with a binary event log", b"ElfFile\0" + bytes(4096), 2, "evtxexport -f xml FILE | labctl scan -")
expect("a dump of a program", b"MDMP\x93\xa7" + bytes(4096), 2, "a dump of a program of Windows, not of its kernel")
# An event viewer saves all events in one line, which is longer than any line that is read at once.
event = ("<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{}'/><EventID>{}</EventID>"
         "<TimeCreated SystemTime='2026-11-22T08:15:31.0000000Z'/><Channel>System</Channel></System><EventData>{}</EventData></Event>")
crashed = event.format("Microsoft-Windows-WER-SystemErrorReporting", 1001, "<Data Name='param1'>0x0000007e (0x1, 0x2, 0x3, 0x4)</Data>")
for padding in range(0, 700, 50):
    healthy = event.format("Microsoft-Windows-Kernel-General", 12, "<Data>" + padding * "x" + "</Data>") * 60
    expect("an event log saved as XML", ("<?xml version='1.0'?><Events>" + healthy + crashed + healthy + "</Events>").encode(), 1,
           "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E) (stop-code, fatal)")
expect("a healthy event log saved as XML", ("<Events>" + healthy + "</Events>").encode(), 0, "")
expect("a torn gzip archive", gzip.compress(crash)[:40], 2, "a gzip archive")
expect("a program", pathlib.Path(LABCTL).read_bytes()[:4 << 20], 2, "an ELF file")
expect("a program that holds a header", b"\x7fELF\0\0\n[    1.0] BUG: unable to handle page fault for address: 0\n", 2, "an ELF file")
expect("a program that holds messages of boots", b"\x7fELF\0\0\nPreparing Automatic Repair\nWindows cannot verify the digital signature\n"
       b"dracut: Entering emergency mode. Exit the shell to continue.\nGive root password for maintenance\n", 2, "an ELF file")
expect("a healthy log", b"[    0.000000] Linux version 6.1\n", 0, "")
expect("a crash", crash, 1, "")
for magic in (b"BZh", b"%PDF-", b"\x7fELF", b"LPKSHHRH", b"KDUMP   ", b"\x1f\x8b\x08"):
    expect(f"a crash behind {magic!r}", magic + b"\n" + crash, 1, "")

# A folder is one table; what a kernel left in pstore in parts is one log, its part 1 the end.
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    (folder / "127.0.0.1").mkdir()
    (folder / "127.0.0.1/vmcore-dmesg.txt").write_bytes(crash)
    (folder / "127.0.0.1/vmcore").write_bytes(b"KDUMP   " + bytes(100))
    (folder / "kern.log.1.gz").write_bytes(gzip.compress(crash))
    (folder / "healthy.log").write_bytes(b"[    0.000000] Linux version 6.1\n")
    lines = crash.split(b"\n\n", 1)[-1].split(b"\n")
    for number in range(1, 4):
        cut = [len(lines) * (3 - number + edge) // 3 for edge in (0, 1)]
        (folder / f"dmesg-efi_pstore-17000000000{number}001").write_bytes(
            b"Panic#1 Part%d\n" % number + b"\n".join(lines[cut[0]:cut[1]]) + b"\n")
    done = subprocess.run([LABCTL, "scan", "--json", folder], capture_output=True, timeout=240)
    found = json.loads(done.stdout)["findings"]
    names = sorted({pathlib.Path(each["file"]).name for each in found})
    if done.returncode != 1 or names != ["Panic#1", "kern.log.1.gz", "vmcore-dmesg.txt"] or len({each["title"] for each in found}) != 1:
        failures.append(f"a folder: exit {done.returncode}: {found!r} {done.stderr!r}")
    if not all(each["confirmed"] and each["frames"] for each in found):
        failures.append(f"the findings' frames: {found!r}")
    if b"127.0.0.1/vmcore is a dump of kdump and no log: skipped" not in done.stderr:
        failures.append(f"what is skipped in a folder: {done.stderr!r}")
    for name, content, code, words in (("nothing", None, 2, "holds no log"), ("an empty file", b"", 2, "holds no log"),
                                       ("a program", b"\x7fELF\0\0", 2, "holds no log"), ("text", b"hello\n", 0, "no line is")):
        (folder / name).mkdir()
        if content is not None:
            (folder / name / "file").write_bytes(content)
        one = subprocess.run([LABCTL, "scan", folder / name], capture_output=True, text=True, timeout=240)
        if one.returncode != code or words not in one.stderr:
            failures.append(f"a folder with {name}: {one!r}")
    whole = subprocess.run([LABCTL, "scan", folder / "127.0.0.1/vmcore"], capture_output=True, timeout=240)
    if whole.returncode != 2:
        failures.append(f"a dump of kdump: {whole!r}")

print("\n".join(failures) or "as it should be")
sys.exit(bool(failures))
