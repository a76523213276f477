#!/usr/bin/env python3
"""`labctl watch` with archives made here: what is newer, what is current, and what an archive that is gone or damaged gives.

usage: watch_test.py LABCTL MAKE_IMAGE
"""
import gzip
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import jsonschema

LABCTL, MAKE_IMAGE = (os.path.abspath(name) for name in sys.argv[1:3])
ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNELS = [("6.1.0-53-amd64", "6.1.170-3"), ("6.1.0-56-amd64", "6.1.192-2"), ("6.12.107+deb12-amd64", "6.12.107-1~deb12u1"),
           ("6.12.117+deb12-amd64", "6.12.117-1~deb12u1")]
METAS = [("amd64", "6.1.192-2", "6.1.0-56-amd64"), ("6.12-amd64", "6.12.117-1~deb12u1", "6.12.117+deb12-amd64")]
failures = []


def check(good, what):
    if not good:
        failures.append(what)


class Lab:
    """A cache with images, an archive, and a key that signs it."""

    def __init__(self, folder):
        self.folder, self.cache, self.archive, self.gpg = folder, folder / "cache", folder / "archive", folder / "gpg"
        self.gpg.mkdir(mode=0o700)
        self.sign("--quick-gen-key", "archive@example.org", "ed25519", "sign", "never")
        (folder / "key.asc").write_bytes(self.sign("--armor", "--export").stdout)
        self.sources = folder / "archive.sources"
        self.write_sources(f"file:{self.archive}")
        self.publish(KERNELS, METAS)

    def sign(self, *words, **more):
        return subprocess.run(["gpg", "--homedir", self.gpg, "--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback", *words],
                              check=True, capture_output=True, timeout=120, **more)

    def write_sources(self, uri, more=""):
        key = "".join(f" {line or '.'}\n" for line in (self.folder / "key.asc").read_text().splitlines())
        self.sources.write_text(f"Types: deb\nURIs: {uri}\nSuites: bookworm\nComponents: main\nSigned-By:\n{key}{more}")

    def publish(self, kernels, metas, signed=True):
        """dists/bookworm as an archive has it."""
        shutil.rmtree(self.archive, ignore_errors=True)
        stanza = "Package: linux-image-{}\nVersion: {}\nArchitecture: amd64\nMaintainer: a\nDescription: b\nFilename: pool/c.deb\nSize: 1\nSHA256: {}\nDepends: {}\n\n"
        text = "".join(stanza.format(*kernel, "0" * 64, "kmod") for kernel in kernels)
        text += "".join(stanza.format(name, version, "0" * 64, f"linux-image-{release} (= {version})") for name, version, release in metas)
        index = self.archive / "dists/bookworm/main/binary-amd64/Packages.gz"
        index.parent.mkdir(parents=True)
        index.write_bytes(gzip.compress(text.encode()))
        names = {"main/binary-amd64/Packages.gz": index.read_bytes(), "main/binary-amd64/Packages": text.encode()}
        lines = "".join(f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}\n" for name, data in names.items())
        release = f"Origin: test\nSuite: bookworm\nCodename: bookworm\nArchitectures: amd64\nComponents: main\nDate: Sun, 01 Nov 2026 00:00:00 UTC\nSHA256:\n{lines}"
        if signed:
            (self.archive / "dists/bookworm/InRelease").write_bytes(self.sign("--clearsign", input=release.encode()).stdout)
        else:
            (self.archive / "dists/bookworm/Release").write_text(release)

    def image(self, name, release, version):
        subprocess.run([MAKE_IMAGE, ROOT / "images", self.cache / "images", name, release, version], check=True, timeout=120)

    def watch(self, *words, **environment):
        given = {**os.environ, "LABCTL_CACHE": str(self.cache), "LABCTL_APT_SOURCES": str(self.sources), "LABCTL_IMAGES": "", **environment}
        return subprocess.run([LABCTL, "watch", *words], capture_output=True, text=True, timeout=300, env=given)


def host_lists():
    return {path: path.stat().st_mtime_ns for top in ("/var/lib/apt", "/var/cache/apt") for path in pathlib.Path(top).rglob("*")}


def newer(lab, schema):
    lab.image("debian-12-linux-6.12", "6.12.107+deb12-amd64", "6.12.107-1~deb12u1")
    lab.image("debian-12-linux-6.1", "6.1.0-56-amd64", "6.1.192-2")
    lab.image("debian-12-linux-6.1.0-53", "6.1.0-53-amd64", "6.1.170-3")
    before = host_lists()
    done = lab.watch()
    check(done.returncode == 10 and "6.12.117-1~deb12u1" in done.stdout and "debian-12-linux-6.1 has it" in done.stdout,
          f"an image that is behind: {done.returncode} {done.stdout}{done.stderr}")
    check(host_lists() == before, "the host's apt was touched")
    check(not list((lab.cache / "work").iterdir()), "apt's root is left behind")
    answer = lab.watch("--json")
    found = json.loads(answer.stdout)
    problems = [error.message for error in schema.iter_errors(found)]
    check(answer.returncode == 10 and not problems, f"--json: {answer.returncode} {problems}")
    states = {image["name"]: image["state"] for image in found["images"]}
    check(states == {"debian-12-linux-6.12": "newer", "debian-12-linux-6.1": "current", "debian-12-linux-6.1.0-53": "held-by-other"}, f"{states}")
    # What is printed works: the recipe is listed, the scenario has no mistake.
    recipes = lab.folder / "recipes"
    for recipe in found["recipes"]:
        path = recipes / recipe["name"] / "image.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(recipe["text"])
    scenario = lab.folder / "new-kernels.yaml"
    scenario.write_text(found["scenario"])
    listed = subprocess.run([LABCTL, "image", "list"], capture_output=True, text=True, timeout=120,
                            env={**os.environ, "LABCTL_CACHE": str(lab.cache), "LABCTL_IMAGES": str(recipes)})
    check(listed.returncode == 0 and "debian-12-linux-6.12.117\tnot built" in listed.stdout, f"the recipe: {listed.stdout}{listed.stderr}")
    valid = subprocess.run([LABCTL, "validate", scenario, "--set", "driver=a.deb", "--set", "module=a"], capture_output=True, text=True, timeout=120)
    check(valid.returncode == 0 and "debian-12-linux-6.12.117" in valid.stdout, f"the scenario: {valid.stdout}{valid.stderr}")
    # With the image, there is nothing left to say.
    subprocess.run([MAKE_IMAGE, ROOT / "images", lab.cache / "images", "debian-12-linux-6.12", "6.12.117+deb12-amd64", "6.12.117-1~deb12u1"], check=True)
    done = lab.watch()
    check(done.returncode == 0 and "no kernel of the archive is newer" in done.stdout, f"nothing newer: {done.returncode} {done.stdout}{done.stderr}")
    done = lab.watch("debian-12-linux-6.1.0-53")
    check(done.returncode == 10, f"the pinned one alone: {done.returncode} {done.stderr}")


def available(lab, schema):
    """Every kernel of the archive has an image or a recipe that is listed, and the scenario over all has no mistake."""
    lab.publish(KERNELS + [("6.1.0-56-rt-amd64", "6.1.192-2"), ("6.12.9+bpo-amd64", "6.12.9-1~bpo12+1")], METAS)
    given = {**os.environ, "LABCTL_CACHE": str(lab.cache), "LABCTL_APT_SOURCES": str(lab.sources), "LABCTL_IMAGES": ""}

    def kernels(*words, **more):
        return subprocess.run([LABCTL, "image", "kernels", *map(str, words)], capture_output=True, text=True, timeout=300, env={**given, **more})
    answer = kernels("--available", "--json")
    found = json.loads(answer.stdout or '{"available": [], "scenario": ""}')
    problems = [error.message for error in schema.iter_errors(found)]
    check(answer.returncode == 0 and not problems, f"available --json: {answer.returncode} {problems} {answer.stderr}")
    images = {kernel["release"]: (kernel["image"], kernel["kind"], bool(kernel["recipe"])) for kernel in found["available"]}
    check(images == {"6.1.0-53-amd64": ("debian-12-linux-6.1.0-53", "", False), "6.1.0-56-amd64": ("debian-12-linux-6.1", "", False),
                     "6.1.0-56-rt-amd64": ("debian-12-linux-6.1.0-56-rt", "rt", True), "6.12.9+bpo-amd64": ("debian-12-linux-6.12.9", "backports", True),
                     "6.12.107+deb12-amd64": ("debian-12-linux-6.12.107", "", False), "6.12.117+deb12-amd64": ("debian-12-linux-6.12", "", False)}, f"{images}")
    out = lab.folder / "fleet"
    done = kernels("--available", "--out", out)
    check(done.returncode == 0 and "debian-12-linux-6.12.9 (no recipe yet)" in done.stdout, f"--out: {done.returncode} {done.stdout}{done.stderr}")
    valid = subprocess.run([LABCTL, "validate", out / "every-kernel.yaml", "--set", "driver=a.deb", "--set", "module=a"], capture_output=True, text=True, timeout=120)
    check(valid.returncode == 0 and all(image in valid.stdout for image, _, _ in images.values()), f"the scenario: {valid.stdout}{valid.stderr}")
    done = kernels("--available", "--json", LABCTL_IMAGES=str(out / "images"))
    check(not [kernel for kernel in json.loads(done.stdout)["available"] if kernel["recipe"]], f"with the recipes nothing is missing: {done.stdout}")
    done = kernels("--available", "--out", out)
    check(done.returncode == 2 and "every-kernel.yaml" in done.stderr, f"overwritten: {done.returncode} {done.stderr}")
    for words, code, said in ((["--available", "--suite", "bookwurm"], 2, "no recipe is of the suite"), (["--suite", "bookworm"], 2, "are of --available")):
        done = kernels(*words)
        check(done.returncode == code and said in done.stderr and "hint" in done.stderr, f"{words}: {done.returncode} {done.stderr}")
    shutil.rmtree(lab.archive)
    done = kernels("--available")
    check(done.returncode == 3 and "cannot read the package archive" in done.stderr and not done.stdout, f"no archive: {done.returncode} {done.stderr}")
    lab.publish(KERNELS, METAS)


def at_work(folder):
    """Whether a process is in a folder below this one."""
    for process in pathlib.Path("/proc").iterdir():
        try:
            if process.name.isdigit() and os.readlink(process / "cwd").startswith(str(folder)):
                return True
        except OSError:  # it has ended
            pass
    return False


def killed(lab):
    """What a watch that was killed leaves is removed by the next one, and by gc."""
    given = {**os.environ, "LABCTL_CACHE": str(lab.cache), "LABCTL_APT_SOURCES": str(lab.sources), "LABCTL_IMAGES": "", "LABCTL_RUNTIME": str(lab.folder / "run")}
    for next_one in ("watch", "gc"):
        silent = socket.create_server(("127.0.0.1", 0))  # takes the connection and never answers
        lab.write_sources(f"http://127.0.0.1:{silent.getsockname()[1]}/debian")
        with subprocess.Popen([LABCTL, "watch"], stderr=subprocess.PIPE, env=given, start_new_session=True) as process:
            with silent.accept()[0]:  # apt is at work, and it waits
                os.killpg(process.pid, signal.SIGKILL)
        silent.close()
        while at_work(lab.cache / "work"):
            time.sleep(0.1)
        check(any(path.is_dir() for path in (lab.cache / "work").iterdir()), "the killed watch left nothing, which proves nothing")
        lab.publish(KERNELS, METAS)
        lab.write_sources(f"file:{lab.archive}")
        done = subprocess.run([LABCTL, next_one], capture_output=True, text=True, timeout=300, env=given)
        check(done.returncode == 0 and "a labctl that was killed" in done.stdout + done.stderr, f"{next_one} after a kill: {done.returncode} {done.stdout}{done.stderr}")
        check(not list((lab.cache / "work").iterdir()), f"{next_one} left what a killed watch had left")


def broken(lab):
    """Each says what is wrong; none is a 0, which would say that nothing is newer."""
    index = lab.archive / "dists/bookworm/main/binary-amd64/Packages.gz"

    def case(name, code, words, change, **environment):
        lab.publish(KERNELS, METAS)
        lab.write_sources(f"file:{lab.archive}")
        change()
        done = lab.watch(**environment)
        check(done.returncode == code and words in done.stderr and not done.stdout, f"{name}: {done.returncode} {done.stdout}{done.stderr}")
        check("hint" in done.stderr, f"{name}: without a next step: {done.stderr}")

    case("no network", 3, "cannot read the package archive", lambda: lab.write_sources("http://127.0.0.1:9/debian"))
    case("no such folder", 3, "cannot read the package archive", lambda: shutil.rmtree(lab.archive))
    case("damaged lists", 3, "cannot read the package archive", lambda: index.write_bytes(index.read_bytes()[:-20] + b"x" * 20))
    case("other lists than are signed", 3, "cannot read the package archive",
         lambda: index.write_bytes(gzip.compress(b"Package: linux-image-6.1.0-53-amd64\nVersion: 6.1.170-3\nArchitecture: amd64\n\n")))
    case("no signature", 3, "cannot read the package archive", lambda: lab.publish(KERNELS, METAS, signed=False))
    case("no kernels", 3, "no kernel", lambda: lab.publish([], []))
    case("no source of the suite", 2, "names the suite bookworm", lambda: lab.sources.write_text(lab.sources.read_text().replace("bookworm", "sid")))
    case("trust without a signature", 2, "without a signature", lambda: lab.write_sources(f"file:{lab.archive}", "Trusted: yes\n"))
    case("no image", 2, "no image", lambda: None, LABCTL_CACHE=str(lab.folder / "empty"))
    done = lab.watch("debian-12-linux-6.112")
    check(done.returncode == 2 and "did you mean" in done.stderr, f"an unknown image: {done.returncode} {done.stderr}")
    done = lab.watch("debian-13")
    check(done.returncode in (2, 3) and "image build" in done.stderr, f"an image that is not built: {done.returncode} {done.stderr}")


def main():
    for program in ("apt-get", "gpg"):
        if not shutil.which(program):
            print(f"{program} is not here")
            return 77
    schema = jsonschema.Draft202012Validator(json.loads((ROOT / "reports/watch.schema.json").read_text()))
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o700)
        lab = Lab(pathlib.Path(name))
        newer(lab, schema)
        available(lab, jsonschema.Draft202012Validator(json.loads((ROOT / "reports/available.schema.json").read_text())))
        killed(lab)
        broken(lab)
        subprocess.run(["gpgconf", "--homedir", lab.gpg, "--kill", "all"], check=False)
    print("\n".join(failures) or "what the archive has is compared with the images")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
