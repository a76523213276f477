#!/usr/bin/env python3
"""A crash of a real guest is brought back: held before its step with a shell and a console, gone on with to the same
crash, come back to in a second, dumped, debugged and counted.

    reproduce.py LABCTL BUNDLE CELL [--short | --module SENSOR.KO] [OPTION...]

BUNDLE is one of scenarios/quickstart-blocked.yaml that was made on this host, or a folder with one in it. --short: what
takes a minute. --module: gdb, with the lines that labctl prints for it and the sample's module as it was built, its debug
information in it, stops in the driver's own line.
"""
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

LABCTL, BUNDLE, CELL = sys.argv[1:4]
if not os.path.exists(f"{BUNDLE}/run.json"):
    BUNDLE = next(entry.path for entry in os.scandir(BUNDLE) if os.path.exists(f"{entry.path}/run.json"))
ALWAYS = sys.argv[4:]
SHORT = "--short" in ALWAYS
if SHORT:
    ALWAYS.remove("--short")
MODULE = None
if "--module" in ALWAYS:
    MODULE = os.path.abspath(ALWAYS.pop(ALWAYS.index("--module") + 1))
    ALWAYS.remove("--module")
OUT = tempfile.mkdtemp()


def check(good, what, text=""):
    print(("ok   " if good else "FAIL ") + what, flush=True)
    if not good:
        sys.exit(text)


def again(*options, code=0):
    began = time.monotonic()
    done = subprocess.run([LABCTL, "reproduce", BUNDLE, CELL, *ALWAYS, *options], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print("".join("    " + line + "\n" for line in done.stdout.splitlines()[:400]), end="")
    check(done.returncode == code, f"exit code {code}, after {time.monotonic() - began:.1f} s", f"it was {done.returncode}")
    return done.stdout


def says(pattern, text):
    check(re.search(pattern, text, re.M) is not None, f"says {pattern!r}", text)


class Terminal:
    """A person at a terminal."""

    def __init__(self, *options):
        self.text = ""  # not looked at yet
        self.seen = ""  # all of it until then
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(LABCTL, [LABCTL, "reproduce", BUNDLE, CELL, *ALWAYS, *options])

    def until(self, pattern, patience=300):
        end = time.monotonic() + patience
        while not re.search(pattern, self.text):
            ready = select.select([self.fd], [], [], 1)[0]
            if time.monotonic() > end:
                check(False, f"the terminal shows {pattern!r}", self.text)
            if ready:
                self.text += os.read(self.fd, 65536).decode(errors="replace")
        check(True, f"the terminal shows {pattern!r}")
        end = re.search(pattern, self.text).end()
        self.seen += self.text[:end]
        self.text = self.text[end:]

    def type(self, text):
        os.write(self.fd, text.encode())

    def ended(self):
        try:
            while os.read(self.fd, 65536):
                pass
        except OSError:
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def is_dump(name):
    with open(f"{OUT}/{name}", "rb") as file:
        head = file.read(1 << 20)
    # As makedumpfile writes to a pipe: its own header, then the records of which the first is the dump's.
    check(head.startswith(b"makedumpfile") and b"KDUMP   " in head, f"{name} is a kdump file of {os.path.getsize(f'{OUT}/{name}') >> 20} MiB")
    check(b"OSRELEASE=" in head and b"KERNELOFFSET=" in head, f"{name} holds the kernel's own notes")


if SHORT:
    print("== held before the crash, kept, and gone on with to the same crash")
    text = again("--replay", "--before-crash", "--keep", "--run", 'echo "the driver is $(cat /sys/module/sensor/initstate)"',
                 "--run", ".go", "--run", "echo $(dmesg | grep -c sensor_equal) lines")
    says("held before 'apply content'", text)
    says("^the driver is live", text)
    says("^console: .*BUG: unable to handle page fault", text)
    says("the story has ended: crashed", text)
    says("^[1-9][0-9]* lines", text)
    print("== come back to, and discarded")
    text = again("--before-crash", "--run", "echo again-$((6*7))", "--run", ".discard")
    says("beginning at the machine that was kept", text)
    says("^again-42", text)
    sys.exit(0)

if MODULE:
    print("== a debugger with the lines that were printed for it stops in the driver's own line")
    terminal = Terminal("--gdb", "12346", "--discard")
    terminal.until("labctl> ")
    said = terminal.seen
    script = [line for line in said.replace("\r", "").splitlines()
              if re.match("(symbol-file|add-symbol-file|target remote) ", line)]
    print("".join(f"    {line}\n" for line in script))
    subprocess.run(["objcopy", "--change-section-address", "*=0", MODULE, f"{OUT}/sensor.ko"], check=True)
    with open(f"{OUT}/gdb", "w", encoding="utf-8") as file:
        file.write("set confirm off\nset pagination off\nset architecture i386:x86-64\n" + "\n".join(script) +
                   "\nhbreak sensor_equal\ncontinue\nbacktrace\ndelete\ndetach\n")
    gdb = subprocess.Popen(["gdb", "-nx", "-batch", "-x", "gdb"], cwd=OUT, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)
    time.sleep(20)
    terminal.type(".go\n")
    text = gdb.communicate(timeout=300)[0]
    print("".join(f"    {line}\n" for line in text.splitlines()[-24:]))
    check(re.search(r"#0 .*sensor_equal .*sensor\.c:\d+", text) is not None, "it stands in sensor_equal, in sensor.c", text)
    check(re.search(r"#1 .*sensor_match .*sensor\.c:\d+", text) is not None, "called by sensor_match", text)
    if any(line.startswith("symbol-file") for line in script):
        check(re.search(r"#\d .*(vfs_|ksys_|do_syscall)", text) is not None, "and by the kernel, by name", text)
    terminal.until("the story has ended: crashed: BUG: unable to handle page fault")
    terminal.type(".discard\n")
    check(terminal.ended() == 0, "left")
    shutil.rmtree(OUT)
    sys.exit(0)

print("== held before the step, with a shell, a console and a dump; then the same crash")
text = again("--replay", "--keep", "--run", 'echo "the driver is $(cat /sys/module/sensor/initstate)"', "--run",
             ".type echo typed-$((6*7))", "--run", f".dump {OUT}/alive", "--run", ".go", "--run",
             "echo $(dmesg | grep -c sensor_equal) lines", "--run", f".dump {OUT}/dead")
says("held before 'apply content'", text)
says("^the driver is live", text)
says("^console: .*typed-42$", text)
says("^console: .*BUG: unable to handle page fault", text)
says("the story has ended: crashed", text)
says("^[1-9][0-9]* lines", text)
is_dump("alive")
is_dump("dead")

print("== the next attempt begins at the machine that was kept; debugger, screen")
text = again("--run", "true", "--gdb", "12345", "--vnc")
says("beginning at the machine that was kept", text)
says("^add-symbol-file sensor.ko 0xffffffff", text)
says("127.0.0.1:59", text)

print("== the serial console, and a debugger that stops the guest for longer than its heart may")
terminal = Terminal("--gdb", "12345", "--discard")
terminal.until("labctl> ")
terminal.type(".console\n")
terminal.until(r"root@.*# ")
terminal.type("echo answer-$((6*7)); tty\r")
terminal.until("answer-42")
terminal.until("/dev/ttyS0")
terminal.type("\x1d")
terminal.until("labctl> ")
if shutil.which("gdb"):
    gdb = subprocess.Popen(["gdb", "-nx", "-batch", "-ex", "set architecture i386:x86-64",
                            "-ex", "target remote 127.0.0.1:12345", "-ex", "info registers rip", "-ex", "shell sleep 90",
                            "-ex", "detach"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    time.sleep(10)
    terminal.type(".go\n")
    text = gdb.communicate()[0]
    check("rip" in text, "gdb reads the registers", text)
else:
    terminal.type(".go\n")
terminal.until("the story has ended: crashed: BUG: unable to handle page fault")
terminal.type(".discard\n")
check(terminal.ended() == 0, "left")

print("== how often")
text = again("--times", "3", "--json")
says('"times": 3', text)
says('"same": 3', text)

print("== what is wrong is told")
says("did you mean 'exercise'", again("--until", "exercize", code=2))
shutil.rmtree(OUT)
