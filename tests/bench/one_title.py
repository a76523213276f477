#!/usr/bin/env python3
"""Whether one bug has one title: the same crashes recorded several times, on two kernels and two CPUs.

  one_title.py record RELEASE ZOO_DIR OUT_DIR [--only N]   OUT_DIR/RELEASE/N/NAME.log: recording N, 1 to 5
  one_title.py titles LABCTL OUT_DIR                       one row per module and kind, with the logs of ../crash/linux besides;
                                                           exit 1 when a row has two titles

ZOO_DIR is what ../guests/build.sh makes; the guests are those of ../guests/record.py, with two CPUs. A recording boots
four times: in the first boot the modules whose crash the kernel survives are loaded in random order, on either CPU; each
boot ends with one that the kernel does not survive. Modules whose crash names no function (a panic) are left out.
"""
import argparse
import collections
import json
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "guests"))
import record

SURVIVED = ["warn_load", "oops_load", "gp_fault_load", "jump_null_load", "bug_load", "list_corruption_load", "oops_later",
            "double_free_load"]
# Seconds until the module has crashed.
WAIT = {"oops_later": 10, "hung_task": 7, "deadlock": 7, "oops_interrupt": 10, "soft_lockup": 14}
# A kernel that has crashed tells of no hung task, so these two come first in their boots.
HUNG = ["hung_task", "deadlock"]
BOOTS = [["hung_task"] + SURVIVED + ["stack_overflow_load"], ["deadlock", "oops_interrupt"], ["shutdown_oops"], ["soft_lockup"]]
RECORDINGS = 5
RECORDED = pathlib.Path(__file__).resolve().parents[1] / "crash" / "linux"
MARK = b"one_title: "
# init_module(2), since finit_module(2) of newer kernels keeps a list on the stacks of the tasks that the modules end.
LOADER = r"""
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
static char bytes[1 << 22];
int main(int count, char** words)
{
  FILE* file = count == 2 ? fopen(words[1], "rb") : 0;
  return !file || syscall(SYS_init_module, bytes, fread(bytes, 1, sizeof bytes, file), "") != 0;
}
"""
SETUP = "echo 5 >/proc/sys/kernel/watchdog_thresh"
STEP = """
echo 'one_title: {name}' >/dev/kmsg
echo {hung} >/proc/sys/kernel/hung_task_timeout_secs
taskset {mask} /loader /{name}.ko
sleep {wait}
"""


def record_boot(arguments, names, chance, out):
    steps = [STEP.format(name=name, mask=chance.choice("12"), wait=WAIT.get(name, 1), hung=2 if name in HUNG else 0)
             for name in names]
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        (work / "loader.c").write_text(LOADER)
        subprocess.run(["cc", "-static", "-O1", "-o", work / "loader", work / "loader.c"], check=True)
        files = [work / "loader"] + [arguments.zoo / arguments.release / (name + ".ko") for name in names]
        archive = record.initramfs(work, SETUP + "".join(steps) + "exec reboot -f\n", files)
        limit = 180 + 4 * sum(WAIT.get(name, 1) for name in names)
        raw = record.boot(work, arguments.release, archive, "", work / "log", 0, limit, cpus=2, silence=60)
    for part in raw.split(MARK)[1:]:
        name = part.split(b"\n", 1)[0].strip().decode()
        (out / (name + ".log")).write_bytes(MARK + part)


def record_all(arguments):
    for number in [arguments.only] if arguments.only else range(1, RECORDINGS + 1):
        out = arguments.out / arguments.release / str(number)
        out.mkdir(parents=True, exist_ok=True)
        chance = random.Random(f"{arguments.release} {number}")
        for names in BOOTS:
            # Those that are survived change places; what stands in front of them and behind them does not.
            mixed = iter(chance.sample(SURVIVED, len(SURVIVED)))
            record_boot(arguments, [next(mixed) if name in SURVIVED else name for name in names], chance, out)
        print(f"one_title: {arguments.release}, recording {number}: {len(list(out.iterdir()))} logs", flush=True)


def titles(arguments):
    rows = collections.defaultdict(collections.Counter)
    logs = [(log.stem, log) for log in arguments.out.glob("*/*/*.log")]
    # The unit tests' logs are recordings of an earlier day, with one CPU.
    logs += [(log.stem[4:].rsplit("-", 1)[0].replace("-", "_"), log) for log in RECORDED.glob("1??-*-6.*.log")]
    wanted = {name for names in BOOTS for name in names}
    for name, log in sorted(each for each in logs if each[0] in wanted):
        text = log.read_bytes()
        run = subprocess.run([arguments.labctl, "scan", "--os", "linux", "--json", "-"], capture_output=True,
                             input=text.split(b"\n\n", 1)[1] if text.startswith(b"TITLE:") else text)
        first = {}  # a deadlock has two tasks, and one comes first
        for each in json.loads(run.stdout)["findings"]:
            first.setdefault(each["kind"], f"{each['title']} [{each['module']}]")
        for kind, title in (first or {"-": "no finding"}).items():
            rows[name, kind][title] += 1
    several = 0
    for (name, kind), found in sorted(rows.items()):
        several += len(found) > 1
        print(f"{name}\t{kind}\t" + " | ".join(f"{count} x {title}" for title, count in found.most_common()))
    print(f"{len(rows)} rows, {several} with several titles")
    return 1 if several or not rows else 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    verbs = parser.add_subparsers(required=True)
    verb = verbs.add_parser("record")
    verb.set_defaults(act=record_all)
    verb.add_argument("release")
    verb.add_argument("zoo", type=pathlib.Path)
    verb.add_argument("out", type=pathlib.Path)
    verb.add_argument("--only", type=int)
    verb = verbs.add_parser("titles")
    verb.set_defaults(act=titles)
    verb.add_argument("labctl")
    verb.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    return arguments.act(arguments)


if __name__ == "__main__":
    sys.exit(main())
