#!/usr/bin/env python3
"""The arrows of the design, read from the includes: a room may use what its line in labctl/CMakeLists.txt says."""

import pathlib
import re
import sys
import tempfile

HEAD = {"yaml", "scenario", "plan", "crash", "guest", "event", "outcome", "verdict", "cell", "report", "search", "hunt", "attest", "rings"}
HANDS_ONLY = [  # (what no head room may contain, how it is called)
    (r'#include "labctl/base/(subprocess|queue|files|log)\.h"', "a door to the world"),
    (r"#include <(thread|mutex|shared_mutex|condition_variable|future|atomic|stop_token)>", "threads"),
    (r"#include <(fstream|filesystem|unistd\.h|fcntl\.h|sys/[a-z]+\.h|ctime|time\.h)>", "files, processes or clocks"),
    (r"#include <(libvirt|boost|spdlog)/", "a library of the hands"),
    (r"\b(steady_clock|system_clock|high_resolution_clock)\b|\b(std::)?(time|clock_gettime|getenv)\(", "a clock or the environment"),
]
EVERYWHERE = [  # (pattern, how it is called, the one place where it may be)
    (r"#include <boost/process|\bboost::process\b", "Boost.Process", "labctl/base/subprocess.cc"),
    (r"#include <spdlog/|\bspdlog::", "spdlog", "labctl/base/log.cc"),
    (r"#include <sqlite3|\bsqlite3_(?!stmt)[a-z]", "SQLite", "labctl/history/sqlite.cc"),
    (r"#include <regex>|\bstd::w?regex\b", "std::regex (RE2 is used)", None),
    (r"\bvir[A-Za-z]*(Free|Unref)\b", "a release of a libvirt handle", "labctl/machine/libvirt/handles.h"),
]
LONGEST = 500
# Circles between the files of one room (a header with its sources is one file) that still are. None may be added.
CIRCLES = []


def rooms(cmake):
    """room -> the rooms its line says it uses."""
    text = re.sub(r"#.*", "", cmake)
    return {name: set(re.search(r"USES\s+((?:[a-z]+\s*)*)", rest + " ").group(1).split()) if "USES" in rest else set()
            for name, rest in re.findall(r"^room\((\w+)([^)]*)\)", text, re.M)}


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)


def circles(uses):
    """The sets of names that reach each other; uses: name -> the names that it uses."""
    def reached(name):
        seen, todo = set(), [name]
        while todo:
            new = uses.get(todo.pop(), set()) - seen
            seen |= new
            todo += new
        return seen
    reaches = {name: reached(name) for name in uses}
    found = {frozenset(other for other in reaches[name] if name in reaches.get(other, ())) for name in uses if name in reaches[name]}
    return sorted(found, key=sorted)


def mistakes(root, circles_that_are=()):
    found = []
    uses = rooms((root / "labctl/CMakeLists.txt").read_text())
    if not uses:
        return ["labctl/CMakeLists.txt: no rooms found"]
    for room in sorted(HEAD & uses.keys()):
        for used in sorted(uses[room] - HEAD - {"base"}):
            found.append(f"labctl/CMakeLists.txt: {room} is of the head and may not use {used}")
    used, inside = {room: set() for room in uses}, {}
    sources = sorted(p for p in (root / "labctl").rglob("*") if p.suffix in {".cc", ".h", ".S"})
    for path in sources:
        name = path.relative_to(root).as_posix()
        room = name.split("/")[1]
        text = path.read_text()
        if text.count("\n") > LONGEST:
            found.append(f"{name}: {text.count(chr(10))} lines, more than {LONGEST}")
        if room not in uses:
            found.append(f"{name}: {room} is no room of labctl/CMakeLists.txt")
            continue
        for number, line in enumerate(without_comments(text).splitlines(), 1):
            where = f"{name}:{number}"
            if include := re.match(r'\s*#\s*include\s+"(labctl/(\w+)/[^"]*)"', line):
                used[room].add(include[2])
                other, own = include[1].removesuffix(".h"), name.removesuffix(path.suffix)
                if include[2] == room and other != own:
                    inside.setdefault(own, set()).add(other)
                if include[2] not in uses[room] | {room}:
                    found.append(f"{where}: {room} does not USE {include[2]}")
            elif re.match(r'\s*#\s*include\s+"', line) and not re.search(r'"labctl/', line):
                found.append(f"{where}: includes are written from the root: \"labctl/...\"")
            if room in HEAD:
                found += [f"{where}: {what} in the head" for pattern, what in HANDS_ONLY if re.search(pattern, line)]
            found += [f"{where}: {what}" for pattern, what, place in EVERYWHERE
                      if name != place and re.search(pattern, line)]
    for room in uses:
        found += [f"labctl/CMakeLists.txt: no file of {room} includes anything of {other}, which it USES"
                  for other in sorted(uses[room] - used[room])]
    there = circles(inside)
    found += [f"{min(circle)}: includes itself through {', '.join(sorted(circle - {min(circle)}))}"
              for circle in there if circle not in circles_that_are]
    found += [f"tests/style/includes.py: {', '.join(sorted(circle))} are no circle any more: take them off the list"
              for circle in circles_that_are if circle not in there]
    for path in sorted((root / "tests").rglob("*.cc")) if (root / "tests").is_dir() else []:
        lines = path.read_text().count("\n")
        if lines > LONGEST:
            found.append(f"{path.relative_to(root).as_posix()}: {lines} lines, more than {LONGEST}")
    return found


def self_test():
    """Each rule must fire on a sample that breaks it, and none on one that is right."""
    cmake = "room(base)\nroom(plan USES base)\nroom(lab USES base plan\n NEEDS Threads::Threads)\nroom(machine USES base)\n"
    good = {"labctl/machine/a.cc": '#include "labctl/base/text.h"\n',
            "labctl/plan/a.h": '#include "labctl/plan/c.h"\n', "labctl/plan/c.cc": '#include "labctl/plan/c.h"\n',
            "labctl/plan/a.cc": '#include "labctl/base/text.h"\n#include "labctl/plan/a.h"\n// std::regex, steady_clock\n',
            "labctl/lab/a.cc": '#include "labctl/plan/a.h"\n#include "labctl/base/text.h"\n#include <thread>\nstd::chrono::steady_clock c;\n',
            "labctl/base/subprocess.cc": "#include <boost/process.hpp>\n",
            "labctl/machine/libvirt/handles.h": "using Domain = Owned<virDomain, virDomainFree>;\n"}
    bad = {
        "does not USE lab": ("labctl/plan/b.cc", '#include "labctl/lab/a.h"\n'),
        "no room": ("labctl/attic/b.cc", "\n"),
        "more than 500": ("labctl/plan/b.cc", "\n" * 501),
        "more than 500 ": ("tests/plan/b.cc", "\n" * 501),
        "from the root": ("labctl/plan/b.cc", '#include "a.h"\n'),
        "a door to the world": ("labctl/plan/b.cc", '#include "labctl/base/subprocess.h"\n'),
        "a door to the world  ": ("labctl/plan/b.cc", '#include "labctl/base/log.h"\n'),
        "spdlog": ("labctl/lab/b.cc", "#include <spdlog/spdlog.h>\n"),
        "a door to the world ": ("labctl/plan/b.cc", '#include "labctl/base/files.h"\n'),
        "threads in the head": ("labctl/plan/b.cc", "#include <mutex>\n"),
        "files, processes": ("labctl/plan/b.cc", "#include <fstream>\n"),
        "a library of the hands": ("labctl/plan/b.cc", "#include <libvirt/libvirt.h>\n"),
        "a clock": ("labctl/plan/b.cc", "auto x = std::chrono::system_clock::now();\n"),
        "a clock ": ("labctl/plan/b.cc", "auto x = time(nullptr);\n"),
        "Boost.Process": ("labctl/lab/b.cc", "#include <boost/process.hpp>\n"),
        "SQLite": ("labctl/lab/b.cc", "#include <sqlite3.h>\n"),
        "std::regex": ("labctl/lab/b.cc", "std::regex r;\n"),
        "a release of": ("labctl/machine/libvirt/b.cc", "virDomainFree(d);\n"),
        "may not use lab": ("labctl/CMakeLists.txt", cmake.replace("room(plan USES base)", "room(plan USES base lab)"),
                           "labctl/plan/c.cc", '#include "labctl/lab/a.h"\n'),
        "no file of lab includes anything of machine": ("labctl/CMakeLists.txt", cmake.replace("base plan\n", "base plan machine\n")),
        "labctl/plan/a: includes itself through labctl/plan/c, labctl/plan/d": (
            "labctl/plan/c.cc", '#include "labctl/plan/d.h"\n', "labctl/plan/d.h", '#include "labctl/plan/a.h"\n'),
        "no rooms found": ("labctl/CMakeLists.txt", "\n"),
    }
    problems = []
    for wanted, broken in [("", None), *bad.items()]:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {"labctl/CMakeLists.txt": cmake, **good, **(dict(zip(broken[::2], broken[1::2])) if broken else {})}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            found = mistakes(root)
            if not broken and "are no circle" not in str(mistakes(root, [{"x", "y"}])):
                problems.append("self-test: a circle that is gone stays on the list")
        if len(found) != (broken is not None) or any(wanted.strip() not in each for each in found):
            problems.append(f"self-test '{wanted.strip() or 'good'}' gave {found}")
    return problems


if __name__ == "__main__":
    problems = self_test() if sys.argv[1:] == ["--self-test"] else mistakes(pathlib.Path(__file__).resolve().parents[2], CIRCLES)
    print("\n".join(problems) or "the arrows are as designed")
    sys.exit(bool(problems))
