"""What a running labctl holds, to be looked at again and again: a leak is a number that grows with the cells."""
import collections
import os
import pathlib
import re
import stat

NAMES = "threads", "descriptors", "sockets", "children", "zombies", "domains", "files", "memory"


def processes_below(pid):
    """Every process that came from this one, with its state; a daemon's parent is whoever adopted it, which is labctl."""
    parents = collections.defaultdict(list)
    for process in pathlib.Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                state, parent = (process / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            except OSError:
                continue
            parents[int(parent)].append((int(process.name), state))
    found, todo = [], [pid]
    while todo:
        below = parents[todo.pop()]
        found += below
        todo += [child for child, _ in below]
    return found


def files_below(places):
    return [pathlib.Path(folder) / name for place in places for folder, folders, files in os.walk(place)
            for name in folders + files]


def is_socket(path):
    try:
        return stat.S_ISSOCK(path.lstat().st_mode)
    except OSError:
        return False


def what(pid, runtime, work):
    """The values of NAMES, memory in KiB; raises OSError or AttributeError when the process has ended."""
    process = pathlib.Path(f"/proc/{pid}")
    status = (process / "status").read_text()
    number = lambda name: int(re.search(rf"{name}:\s+(\d+)", status).group(1))
    below = processes_below(pid)
    files = files_below([runtime, work])
    return dict(zip(NAMES, (
        number("Threads"), len(os.listdir(process / "fd")), sum(map(is_socket, files)), len(below),
        sum(state == "Z" for _, state in below), sum(f.suffix == ".xml" and "etc" in f.parts for f in files), len(files),
        number("VmRSS"))), most=number("VmHWM"))


def head():
    return "   time  ended  " + "  ".join(NAMES)


def row(seconds, ended, values):
    cells = [f"{values[name]:{len(name)}}" for name in NAMES[:-1]] + [f"{values['memory'] >> 10:2} MiB"]
    return f"{seconds:6.0f}s  {ended:5}  " + "  ".join(cells)
