#!/usr/bin/env python3
"""`labctl init`: what it finds in a package is in the scenario, and every scenario it writes has no mistake.

usage: init_test.py LABCTL MAKE_IMAGE
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import yaml

LABCTL, MAKE_IMAGE = (os.path.abspath(name) for name in sys.argv[1:3])
ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULE = b"\x7fELF not a whole one"  # its name is then its file's
failures = []


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
    for name, data in (("none.deb", None), ("damaged.deb", b"!<arch>\nnothing"), ("setup.msi", b"x"), ("folder.deb", "folder")):
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
