"""A gate on machines made of plain code: places of its own, a scenario, and the real program around them."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

SCENARIO = """\
labctl: 1
name: fake
candidate:
  driver:  {candidate: driver.ko}
  content: {candidate: content.bin}
matrix:
  image: [box, crate]
guest:
  linux:
    driver:  {kind: kmod, module: sensor}
    content: {path: /var/lib/sensor/content.bin, apply: "true"}
    proof:   [{run: sensorctl digest, prints: "${content.sha256}"}]
story: [install driver, apply content, reboot]
settle: 1s
policy: {lab_retries: 1}
"""


IMAGES = ("box", "crate")
RECIPE = "os: linux\nsummary: plain code\nsuite: s\nkernel: k\nbuild: build\ndisk: 1GiB\n"


def module(name, build_id):
    """A kernel module as far as labctl reads one: its name, and the build id that the machines of plain code tell of theirs."""
    names = b"\0.note.gnu.build-id\0.modinfo\0.shstrtab\0"
    note = struct.pack("<III", 4, len(build_id), 3) + b"GNU\0" + build_id
    parts = [(1, 7, note + bytes(-len(note) % 4)), (20, 1, b"name=" + name.encode() + b"\0"), (29, 3, names)]
    body, table = b"", bytes(64)
    for index, kind, data in parts:
        table += struct.pack("<IIQQQQIIQQ", index, kind, 0, 0, 64 + len(body), len(data), 0, 0, 4, 0)
        body += data + bytes(-len(data) % 8)
    head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, 64 + len(body), 0, 64, 0, 0, 64, 4, 3)
    return head + body + table


class Gate:
    def __init__(self, program, scenario=SCENARIO, proofs=None):
        """`proofs`: the cache of another gate, whose canaries need not die again."""
        self.program = os.path.abspath(program)
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="lf", dir="/tmp"))  # short: it leads to Unix sockets
        self.cache, self.runtime, self.out = (self.root / name for name in ("cache", "r", "out"))
        self.scenario = self.root / "fake.yaml"
        self.scenario.write_text(scenario)
        for name in IMAGES:
            folder = self.root / "images" / name
            folder.mkdir(parents=True)
            (folder / "image.yaml").write_text(RECIPE)
            (folder / "build").write_text("#!/bin/false\n")
        (self.root / "driver.ko").write_bytes(module("sensor", b"\xaa"))
        (self.root / "content.bin").write_text("content.bin")
        self.environment = {
            **os.environ, "LABCTL_CACHE": str(self.cache), "LABCTL_RUNTIME": str(self.runtime),
            "LABCTL_IMAGES": str(self.root / "images"), "FAKE_SCRIPT": "",
            "FAKE_PAYLOAD": f"driver.ko={self.root}/driver.ko,content.bin={self.root}/content.bin"}
        if proofs:
            shutil.copytree(proofs / "host/canary", self.cache / "host/canary")
        for name in IMAGES:
            self.call("--make-image", name, check=True)

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def command(self, *arguments):
        return [self.program, *map(str, arguments)]

    def call(self, *arguments, check=False, **options):
        done = subprocess.run(self.command(*arguments), env=self.environment, capture_output=True, text=True, **options)
        if check and done.returncode != 0:
            raise RuntimeError(f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def start(self, *arguments):
        return subprocess.Popen(self.command(*arguments), env=self.environment, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def bundles(self):
        return sorted(path for path in self.out.iterdir() if path.is_dir()) if self.out.exists() else []

    def guests(self):
        """Processes that stand for this gate's QEMUs."""
        found = []
        for process in pathlib.Path("/proc").iterdir():
            try:
                argv = (process / "cmdline").read_bytes().split(b"\0")
                state = (process / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if argv[0].endswith(b"qemu-system-x86_64") and any(str(self.runtime).encode() + b"/" in a for a in argv):
                if state != "Z":
                    found.append(int(process.name))
        return found

    def left_behind(self):
        """What a run must not leave when it is over, or gc has been: guests, roots, sockets, disks."""
        left = [f"guest {pid}" for pid in self.guests()]
        for place in (self.runtime, self.cache / "work"):
            left += [str(path) for path in place.iterdir()] if place.exists() else []
        return left


class Small:
    """A disk of a few megabytes at `path`."""

    def __init__(self, path, size, options=""):
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}{options}", "tmpfs", path], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path], check=True)


def verdict(bundle):
    """What a verdict says of the candidate, without times and digests of journals."""
    said = json.loads((bundle / "verdict.json").read_text())
    cells = [(c["id"], c["outcome"], c["boots"]["proved"], sorted(f["title"] for f in c["findings"])) for c in said["cells"]]
    return said["verdict"], cells
