#!/usr/bin/env python3
"""What can be said of the Windows recipes without a Windows: the answer file is XML that setup would find its parts in, the
scripts are whole, and nothing that a cell depends on is forgotten.

usage: windows_test.py
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as tree

IMAGES = pathlib.Path(__file__).resolve().parents[2] / "images"
BUILD = IMAGES / "windows/build"
NAMES = ("windows-server-2022", "windows-server-2025", "windows-11")
SPACE = "{urn:schemas-microsoft-com:unattend}"
WANTED = {  # what the facts ask of an image, by a word of the script that sees to it
    "dump": "CrashDumpEnabled", "NMI": "NMICrashDump", "restart": "AutoReboot", "console": "emssettings EMSPORT:1",
    "recovery": "recoveryenabled No", "environment": "reagentc.exe /disable", "quick recovery": "CloudRemediation",
    "boot status": "bootstatuspolicy IgnoreAllFailures", "fast startup": "HiberbootEnabled", "hibernation": "/hibernate off",
    "updates": "NoAutoUpdate", "encryption": "manage-bde", "language": "en-US", "signing": "testsigning on", "evaluation": "/xpr",
}
failures = []


def check(condition, text):
    if not condition:
        failures.append(text)


def answers(name, *key):
    told = subprocess.run([BUILD, "--answers", IMAGES / name, *key], capture_output=True, text=True, check=True)
    check("@" not in re.sub(r"<!--.*?-->", "", told.stdout, flags=re.S), f"{name}: a word was not filled in")
    return tree.fromstring(told.stdout)


def texts(root, tag):
    return [node.text for node in root.iter(SPACE + tag)]


def check_answers():
    for name in NAMES:
        root = answers(name)
        check([node.get("pass") for node in root.iter(SPACE + "settings")] == ["windowsPE", "specialize", "oobeSystem"], name)
        check(len(texts(root, "AcceptEula")) == 1, f"{name}: the licence")
        check(all(language == "en-US" for language in texts(root, "UILanguage")), f"{name}: the language")
        check(texts(root, "PreventDeviceEncryption") == ["true"], f"{name}: encryption")
        check(all(language == "en-US" for language in texts(root, "UILanguageFallback")), f"{name}: the other language")
        check(len(texts(root, "UILanguageFallback")) == 2, f"{name}: a language for what has no English")
        check(len(list(root.iter(SPACE + "ProductKey"))) == 1 and not texts(root, "Key")[-1], f"{name}: a key that nobody gave")
        check("Evaluation" in texts(root, "Value")[0], f"{name}: the edition")
        # Windows goes on the last partition that is made.
        numbers = texts(root, "PartitionID")
        check(numbers[-1] == str(len(list(root.iter(SPACE + "CreatePartition")))), f"{name}: the partition")
        command = texts(root, "CommandLine")[0]
        check("setup.ps1" in command and f"-Signing {'secure' if name == 'windows-11' else 'test'}" in command, name)
        check(any("viostor" in path for path in texts(root, "Path")), f"{name}: the disk's driver")
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("AAAAA-<&>-BBBBB\n")
        file.flush()
        root = answers("windows-11", file.name)
    check(texts(root, "Key")[-1] == "AAAAA-<&>-BBBBB", "a key is a text and no XML")
    check(texts(root, "Value")[0] == "Windows 11 Enterprise", "a key means the retail edition")


def without_texts(script):
    script = re.sub(r"#.*", "", script)
    return re.sub(r"'[^']*'|\"[^\"]*\"", "''", script)


def check_scripts():
    fit = (IMAGES / "windows/make-fit.ps1").read_text()
    for what, word in WANTED.items():
        check(word in fit, f"make-fit.ps1 forgets: {what}")
    for name in ("make-fit.ps1", "setup.ps1"):
        text = (IMAGES / "windows" / name).read_text()
        check("{ $true }" not in text, f"{name}: what is always so is never mended")
        check(text.isascii(), f"{name}: Windows PowerShell reads a file without a mark as another alphabet")
        bare = without_texts(text)
        for opening, closing in ("{}", "()"):
            check(bare.count(opening) == bare.count(closing), f"{name}: {opening} without {closing}")


def check_messages():
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, LABCTL_LAYERS=str(IMAGES / "windows-11"), LABCTL_DISK_MIB="1024")
        for variable in ("LABCTL_WINDOWS_ISO", "LABCTL_VIRTIO_ISO", "LABCTL_WINDOWS_DISK"):
            environment.pop(variable, None)
        told = subprocess.run([BUILD], cwd=folder, env=environment, capture_output=True, text=True, check=False)
        check(told.returncode == 1 and told.stderr.startswith("no installation medium: --iso"), "a missing medium")


SPY = """#!/usr/bin/env python3
import os, pathlib, sys
seen = "\\n".join([*sys.argv, *(f"{n}={v}" for n, v in os.environ.items())])
for file in ("seed", "seed.iso"):
    if os.path.exists(file):
        seen += f"\\n{file} is for others" * (os.stat(file).st_mode & 0o077 != 0)
pathlib.Path(os.environ["SEEN"], pathlib.Path(sys.argv[0]).name).write_text(seen)
if "xorriso" in sys.argv[0]:
    pathlib.Path(os.environ["SEEN"], "on the medium").write_text(pathlib.Path("seed/autounattend.xml").read_text())
    pathlib.Path("seed.iso").write_text(pathlib.Path("seed/autounattend.xml").read_text())
sys.exit("qemu-system" in sys.argv[0])
"""


def check_secret():
    """A product key is on the medium that setup reads, and nowhere else: in no command line, environment, output or file left."""
    key = "SECRT-SECRT-SECRT-SECRT-SECRT"
    with tempfile.TemporaryDirectory() as root:
        programs, seen, work = (pathlib.Path(root, name) for name in ("bin", "seen", "work"))
        for folder in (programs, seen, work):
            folder.mkdir()
        for name in ("xorriso", "qemu-img", "qemu-system-x86_64"):
            (programs / name).write_text(SPY)
            (programs / name).chmod(0o755)
        pathlib.Path(root, "key").write_text(key + "\n")
        (work / "w.iso").touch()
        environment = dict(os.environ, LABCTL_LAYERS=str(IMAGES / "windows-server-2022"), LABCTL_DISK_MIB="1024",
                           LABCTL_WINDOWS_ISO="w.iso", LABCTL_VIRTIO_ISO="v.iso", LABCTL_WINDOWS_KEY_FILE=root + "/key",
                           SEEN=str(seen), PATH=f"{programs}:{os.environ['PATH']}")
        environment.pop("LABCTL_WINDOWS_DISK", None)
        told = subprocess.run([BUILD], cwd=work, env=environment, capture_output=True, text=True, check=False)
        check(told.returncode == 1 and "QEMU did not start" in told.stderr, f"the fake installation: {told.stderr}")
        check(key in (seen / "on the medium").read_text(), "setup is not told the product key")
        check(key not in told.stdout + told.stderr, "the product key is printed")
        for program in programs.iterdir():
            text = (seen / program.name).read_text()
            check(key not in text, f"{program.name} has the product key in its command line or environment")
            check("for others" not in text, "the medium with the product key is open to others")
        check(not any(key.encode() in path.read_bytes() for path in work.rglob("*") if path.is_file()), "the product key is left in a file")
        pathlib.Path(root, "key").write_text("")
        told = subprocess.run([BUILD], cwd=work, env=environment, capture_output=True, text=True, check=False)
        check(told.stderr.startswith("there is no product key in "), f"an empty file: {told.stderr}")


def check_updates():
    """A recipe's updates are on the medium in their order, those of what it extends first; what is none is refused."""
    with tempfile.TemporaryDirectory() as root:
        programs, work, base, own = (pathlib.Path(root, name) for name in ("bin", "work", "base", "own"))
        for folder in (programs, work, base / "updates", own / "updates"):
            folder.mkdir(parents=True)
        for name in ("qemu-img", "qemu-system-x86_64"):
            (programs / name).write_text("#!/bin/sh\nexit 1\n")
            (programs / name).chmod(0o755)
        (programs / "xorriso").write_text("#!/bin/sh\nls seed/updates >listed 2>&1\nexit 1\n")
        (programs / "xorriso").chmod(0o755)
        (work / "w.iso").touch()
        (base / "updates/z-servicing.MSU").touch()
        for name in ("kb2.msu", "kb1.cab"):
            (own / "updates" / name).touch()
        layers = "\n".join(str(layer) for layer in (IMAGES / "windows", IMAGES / "windows-server-2022", base, own))
        environment = dict(os.environ, LABCTL_LAYERS=layers, LABCTL_DISK_MIB="1024", LABCTL_WINDOWS_ISO="w.iso",
                           LABCTL_VIRTIO_ISO="v.iso", PATH=f"{programs}:{os.environ['PATH']}")
        environment.pop("LABCTL_WINDOWS_DISK", None)
        subprocess.run([BUILD], cwd=work, env=environment, capture_output=True, text=True, check=False)
        listed = (work / "listed").read_text().split()
        check(listed == ["00-z-servicing.MSU", "01-kb1.cab", "02-kb2.msu"], f"the updates on the medium: {listed}")
        (own / "updates/readme.txt").touch()
        shutil.rmtree(work / "seed")
        told = subprocess.run([BUILD], cwd=work, env=environment, capture_output=True, text=True, check=False)
        check(told.stderr.startswith("an update is a .msu or a .cab: "), f"what is no update: {told.stderr}")


def main():
    check_secret()
    check_updates()
    check_answers()
    check_scripts()
    check_messages()
    for failure in failures:
        print(failure)
    return 1 if failures else 0


sys.exit(main())
