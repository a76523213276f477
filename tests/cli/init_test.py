#!/usr/bin/env python3
"""`labctl init`: what it finds in a package is in the scenario, and every scenario it writes has no mistake.

usage: init_test.py LABCTL MAKE_IMAGE
"""
import io
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile

import yaml

LABCTL, MAKE_IMAGE = (os.path.abspath(name) for name in sys.argv[1:3])
ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULE = b"\x7fELF not a whole one"  # its name is then its file's
failures = []


def module(name, vermagic):
    """A kernel module as far as its .modinfo goes."""
    names, info = b"\0.modinfo\0.shstrtab\0", f"name={name}\0vermagic={vermagic}\0".encode()
    data = names + info
    table = bytes(64)
    table += struct.pack("<IIQQQQIIQQ", 1, 1, 0, 0, 64 + len(names), len(info), 0, 0, 1, 0)
    table += struct.pack("<IIQQQQIIQQ", 10, 3, 0, 0, 64, len(names), 0, 0, 1, 0)
    head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, 64 + len(data), 0, 64, 0, 0, 64, 3, 2)
    return head + data + table


def check(good, what):
    if not good:
        failures.append(what)


def labctl(folder, *words):
    return subprocess.run([LABCTL, *map(str, words)], cwd=folder, capture_output=True, text=True, timeout=300,
                          env={**os.environ, "LABCTL_CACHE": str(folder / "cache"), "LABCTL_IMAGES": ""})


def deb(folder, name, files):
    root = folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    for path, data in {"DEBIAN/control": b"Package: a\nVersion: 1\nArchitecture: amd64\nMaintainer: a\nDescription: a\n", **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    subprocess.run(["dpkg-deb", "--build", "-Znone", root, folder / name], check=True, capture_output=True)
    return folder / name


def written(folder, driver, *words, file):
    """The scenario that init writes, as YAML; it has no mistake."""
    done = labctl(folder, "init", driver, *words)
    check(done.returncode == 0 and f"labctl run {file}" in done.stdout, f"{driver}: {done.returncode} {done.stdout}{done.stderr}")
    valid = labctl(folder, "validate", file)
    check(valid.returncode == 0, f"{file} has a mistake: {valid.stderr}")
    return yaml.safe_load((folder / file).read_text()), (folder / file).read_text()


def found(folder):
    files = {"lib/modules/6.1.0-56-amd64/updates/sensor.ko": MODULE, "lib/modules/6.1.0-56-amd64/updates/sensor-core.ko.xz": __import__("lzma").compress(MODULE),
             "usr/lib/systemd/system/sensord.service": b"", "lib/systemd/system/sensor.socket": b"", "lib/systemd/system/sensor@.service": b"",
             "etc/systemd/system/multi-user.target.wants/other.service": b"", "usr/share/doc/a/example.service": b""}
    package = deb(folder, "sensor-core_7.16_amd64.deb", files)
    scenario, text = written(folder, package, file="sensor-core.yaml")
    driver = scenario["guest"]["linux"]["driver"]
    check(driver == {"kind": "deb", "module": "sensor_core", "service": ["sensor.socket", "sensord.service"]}, f"driver: {driver}")
    check("also in the package: sensor\n" in text and "6.1.0-56-amd64" in text, f"comments: {text}")
    check("image build debian-12-linux-6.12" in text and scenario["matrix"]["image"] == ["debian-12-linux-6.12"], "no image is built, and it is not said")
    check(scenario["candidate"]["driver"]["candidate"] == package.name, "the path is relative to the scenario")
    again = labctl(folder, "init", package)
    check(again.returncode == 2 and "file already" in again.stderr and (folder / "sensor-core.yaml").read_text() == text, f"overwritten: {again.stderr}")

    def image(name, release):
        subprocess.run([MAKE_IMAGE, ROOT / "images", folder / "cache/images", name, release, "1"], check=True)
    image("debian-12-linux-6.12", "6.12.117+deb12-amd64")
    scenario, text = written(folder, package, "--out", "two.yaml", file="two.yaml")
    check("No image that is built has one" in text, "the built image does not fit, and it is not said")
    image("debian-12-linux-6.1", "6.1.0-56-amd64")
    scenario, _ = written(folder, package, "--out", "three.yaml", file="three.yaml")
    check(scenario["matrix"]["image"] == ["debian-12-linux-6.1"], f"images: {scenario['matrix']}")


def others(folder):
    (folder / "gate").mkdir()
    bare = folder / "my-driver.ko"
    bare.write_bytes(MODULE)
    scenario, _ = written(folder, bare, "--out", "gate/bare.yaml", file="gate/bare.yaml")
    check(scenario["guest"]["linux"]["driver"] == {"kind": "kmod"} and scenario["candidate"]["driver"]["candidate"] == "../my-driver.ko", f"{scenario}")
    check(len(scenario["matrix"]["image"]) == 2, "a bare module: all images that are built")
    # Names that YAML or a scenario would read as something else.
    for n, name in enumerate(('a "b" # c: d.deb', "a ${x} b.deb", "a\\b.deb", "- x.deb", "ü.deb")):
        package = deb(folder, name, {"usr/lib/a/a.ko": MODULE})
        scenario, _ = written(folder, package, "--out", f"odd{n}.yaml", file=f"odd{n}.yaml")
        check(scenario["candidate"]["driver"]["candidate"].replace("$${", "${") == name, f"{name}: {scenario['candidate']}")
    # A bare module whose file is called otherwise than the module, and for which one of the images has the kernel.
    other = folder / "My Driver.ko"
    other.write_bytes(module("sensor", "6.1.0-56-amd64 SMP preempt mod_unload modversions "))
    scenario, text = written(folder, other, "--out", "vermagic.yaml", file="vermagic.yaml")
    check(scenario["guest"]["linux"]["driver"] == {"kind": "kmod", "module": "sensor"}, f"a module's own name: {text}")
    check(scenario["matrix"]["image"] == ["debian-12-linux-6.1"], f"vermagic: {scenario['matrix']}")
    # A package without a module: its services stand for it.
    agent = deb(folder, "my-agent_1_amd64.deb", {"lib/systemd/system/agent.service": b""})
    scenario, text = written(folder, agent, file="my-agent.yaml")
    check(scenario["guest"]["linux"]["driver"] == {"kind": "deb", "service": ["agent.service"]} and scenario["name"] == "my-agent", f"services: {text}")
    # An archive of modules, with all of them; many in a package are a comment of many lines.
    for end in ("tar", "tar.gz", "tar.xz"):
        with tarfile.open(folder / f"mods.{end}", "w" + end[3:].replace(".", ":")) as archive:
            for name in ("sensor-core.ko", "sensor.ko"):
                part = tarfile.TarInfo("x/" + name)
                part.size = len(MODULE)
                archive.addfile(part, io.BytesIO(MODULE))
        scenario, text = written(folder, f"mods.{end}", "--module", "sensor", "--out", f"{end}.yaml", file=f"{end}.yaml")
        driver = scenario["guest"]["linux"]["driver"]
        check(driver["kind"] == "script" and driver["modules"] == ["sensor", "sensor_core"], f"{end}: {text}")
        script = folder / "install"
        script.write_text(driver["install"])
        check("modprobe -a sensor sensor_core" in driver["install"] and subprocess.run(["sh", "-n", script]).returncode == 0, f"{end}: {text}")
    many = deb(folder, "many_1.deb", {f"usr/lib/a/module-of-many-{n}.ko": MODULE for n in range(40)})
    scenario, text = written(folder, many, file="many.yaml")
    check(max(map(len, text.splitlines())) < 130 and "module_of_many_39" in text, f"many: {text}")
    source = deb(folder, "dkms_1.deb", {"usr/src/a-1/dkms.conf": b""})
    done = labctl(folder, "init", source)
    check(done.returncode == 2 and "--module" in done.stderr and not (folder / "dkms.yaml").exists(), f"no module: {done.returncode} {done.stderr}")
    # Sources that the guest builds: the modules that dkms.conf names, on images that have DKMS.
    conf = b"PACKAGE_NAME=\"my-loop\"\nPACKAGE_VERSION=1\nBUILT_MODULE_NAME[0]=\"$PACKAGE_NAME\"\nBUILT_MODULE_NAME[1]='other'\nBUILT_MODULE_NAME[2]=$(rm -rf /)\n"
    built = deb(folder, "my-loop-dkms_1_all.deb", {"usr/src/my-loop-1/dkms.conf": conf, "usr/src/my-loop-1/deeper/dkms.conf": b"PACKAGE_NAME=wrong\n"})
    scenario, text = written(folder, built, file="my-loop-dkms.yaml")
    check(scenario["guest"]["linux"]["driver"] == {"kind": "dkms", "module": "my_loop"} and "also in the package: other" in text, f"DKMS: {text}")
    check(scenario["matrix"]["image"] == ["debian-12-linux-6.12-dkms"] and "labctl image build" in text, f"DKMS without an image: {text}")
    subprocess.run([MAKE_IMAGE, ROOT / "images", folder / "cache/images", "debian-12-linux-6.1-dkms", "6.1.0-56-amd64", "1"], check=True)
    packages = next((folder / "cache/images/debian-12-linux-6.1-dkms").glob("*/facts.json")).parent / "packages"
    packages.write_text("bash 5 amd64\ndkms 3 all\n")
    scenario, _ = written(folder, built, "--out", "loop.yaml", file="loop.yaml")
    check(scenario["matrix"]["image"] == ["debian-12-linux-6.1-dkms"], f"DKMS: {scenario['matrix']}")
    scenario, _ = written(folder, source, "--module", "sensor", file="dkms.yaml")
    check(scenario["guest"]["linux"]["driver"]["module"] == "sensor", f"--module: {scenario}")
    for name, data in (("none.deb", None), ("damaged.deb", b"!<arch>\nnothing"), ("setup.msi", b"x"), ("folder.deb", "folder"), ("tutor.ko", b"a text"), ("empty.tar", b"\0" * 10240), ("rules.json", b"{}")):
        if data == "folder":
            (folder / name).mkdir()
        elif data is not None:
            (folder / name).write_bytes(data)
        done = labctl(folder, "init", name)
        check(done.returncode == 2 and name in done.stderr and not list(folder.glob(name.split(".")[0] + "*.yaml")), f"{name}: {done.returncode} {done.stderr}")
    done = labctl(folder, "init", source, "--module", "not a module")
    check(done.returncode == 2 and not list(folder.glob("not*.yaml")), f"a module's name: {done.returncode} {done.stderr}")


with tempfile.TemporaryDirectory() as name:
    os.chmod(name, 0o700)
    found(pathlib.Path(name))
    others(pathlib.Path(name))
print("\n".join(failures) or "a first scenario has what is in the package, and no mistake")
sys.exit(1 if failures else 0)
