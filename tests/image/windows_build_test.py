#!/usr/bin/env python3
"""How images/windows/build watches an installation, on a QEMU that is none (fake_qemu.py), and what it says of disks that somebody
brings. Nothing is booted.

usage: windows_build_test.py LABCTL
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

IMAGES = pathlib.Path(__file__).resolve().parents[2] / "images"
BUILD = IMAGES / "windows/build"
failures = []


def check(condition, text):
    if not condition:
        failures.append(text)


def disk_of(*partitions, start=b"\x55\xaa"):
    """One of 1 MiB with an old partition table: each partition is its type and what its first sector says that it is."""
    data = bytearray(1 << 20)
    data[510:512] = start
    for number, (kind, name) in enumerate(partitions):
        at = 446 + 16 * number
        data[at + 4], data[at + 8:at + 12] = kind, (64 * (number + 1)).to_bytes(4, "little")
        data[32768 * (number + 1) + 3:32768 * (number + 1) + 11] = name
    return bytes(data)


THEIRS = {  # what somebody brings as a windows-11, and the reason why it is not taken
    "empty": (disk_of(start=b"\0\0"), "this is no disk of a Windows: it has no partitions (it was read as raw bytes)"),
    "text": (b"no disk\n", "this is no disk of a Windows: it has no partitions (it was read as raw bytes)"),
    "linux": (disk_of((0xEF, b"mkfs.fat"), (0x83, bytes(8))), "this is no disk of a Windows: none of its 2 partitions is an NTFS"),
    "encrypted": (disk_of((0xEF, b"mkfs.fat"), (7, b"-FVE-FS-")), "the disk is encrypted by BitLocker: in the guest, manage-bde -off C:"),
    "for a BIOS": (disk_of((7, b"NTFS    ")), "the disk has no EFI system partition, and this image starts by UEFI"),
    "torn": (b"QFI\xfb\0\0\0\3" + bytes(60), "this is no disk that can be read: "),
    "whole": (disk_of((0xEF, b"mkfs.fat"), (7, b"NTFS    ")), ""),
}


def check_theirs():
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, LABCTL_LAYERS=str(IMAGES / "windows-11"), LABCTL_DISK_MIB="1024")
        take_theirs(folder, environment)


def take_theirs(folder, environment):
    for name, (content, reason) in THEIRS.items():
        own = pathlib.Path(folder) / name
        own.mkdir()
        (own / "theirs.img").write_bytes(content)
        told = subprocess.run([BUILD], cwd=own, env=dict(environment, LABCTL_WINDOWS_DISK=str(own / "theirs.img")),
                              capture_output=True, text=True, check=False)
        check(told.returncode == (1 if reason else 0) and told.stderr.startswith(reason), f"{name}: {told.stderr}")
        left = sorted(path.name for path in own.iterdir())
        check(reason or left == ["disk.qcow2", "guest.json", "packages", "theirs.img"], f"left: {left}")
    # One that ends too early reads as if zeros followed: they must not become an image.
    own = pathlib.Path(folder) / "whole"
    (own / "theirs.img").write_bytes(THEIRS["whole"][0][:-(512 << 10)] + os.urandom(512 << 10))
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", "theirs.img", "short.img"], cwd=own, check=True)
    os.truncate(own / "short.img", (own / "short.img").stat().st_size - (256 << 10))
    told = subprocess.run([BUILD], cwd=own, env=dict(environment, LABCTL_WINDOWS_DISK=str(own / "short.img")),
                          capture_output=True, text=True, check=False)
    check(told.returncode == 1 and told.stderr.startswith("the disk is damaged or not whole"), f"cut short: {told.stderr}")
    # One that names other files of this host as a part of itself: they would be the guest's to read.
    for words in (["-b", own / "theirs.img", "-F", "raw"], ["-o", f"data_file={own}/other.img,data_file_raw=on"]):
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *words, own / "named.qcow2", "4M"], check=True)
        told = subprocess.run([BUILD], cwd=own, env=dict(environment, LABCTL_WINDOWS_DISK=str(own / "named.qcow2")),
                              capture_output=True, text=True, check=False)
        check(told.returncode == 1 and told.stderr.startswith("the disk is made of several files"), f"{words}: {told.stderr}")


INSTALLATIONS = {  # what QEMU's guest does, and what is said of it
    "boots;installing the virtio drivers;package viostor.inf;ready 10.0.20348.0 Windows": "",
    "boots;failed something is still missing": "Windows was not installed to its end: its last words are 'failed something is still missing'",
    "boots": "Windows was not installed to its end: it switched itself off without a word on its second serial port, COM2",
    "boots;making it fit;silent": "the installation stalled: for 4 seconds its screen has not changed and it has said nothing; its agent "
                                  "does not answer",
    "dead": "the medium was not started in 4 seconds: is it one that installs this Windows?",
}


def wim_of(*names, xml=None, size=None, at=1024):
    """As a medium has one: a header that says where its XML is."""
    text = "<WIM>" + "".join(f'<IMAGE INDEX="1"><NAME>{name}</NAME></IMAGE>' for name in names) + "</WIM>" if xml is None else xml
    data = b"\xff\xfe" + text.encode("utf-16-le")
    size = len(data) if size is None else size
    header = bytearray(208)
    header[:8], header[8:12] = b"MSWIM\0\0\0", (208).to_bytes(4, "little")
    header[72:79], header[80:88], header[88:96] = size.to_bytes(7, "little"), at.to_bytes(8, "little"), size.to_bytes(8, "little")
    return bytes(header).ljust(1024, b"\0") + data


def medium_of(*wims):
    return b"CD".ljust(32768, b"\0") + b"".join(wim.ljust((len(wim) + 2047) // 2048 * 2048, b"\0") for wim in wims)


SERVER = "Windows Server 2022 Standard Evaluation (Desktop Experience)"
MEDIA = {  # what a medium holds, and the names that are read of it
    "two": (medium_of(wim_of("Microsoft Windows PE (amd64)"), wim_of("Windows &amp; Co", SERVER)),
            ["Microsoft Windows PE (amd64)", "Windows & Co", SERVER]),
    "none": (medium_of(b"no WIM"), []),
    "between sectors": (medium_of(b"x" * 512 + wim_of(SERVER)), []),
    "too large": (medium_of(wim_of(SERVER, size=1 << 40)), []),
    "behind the end": (medium_of(wim_of(SERVER, at=1 << 40)), []),
    "cut short": (medium_of(wim_of(SERVER))[:32768 + 100], []),
    "no text": (medium_of(wim_of(xml="<NAME>" + "x" * 300 + "</NAME><NAME>a\x1bb</NAME>")), []),
}


def check_editions():
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "setup.iso"
        for name, (content, editions) in MEDIA.items():
            file.write_bytes(content)
            told = subprocess.run([BUILD, "--editions", file], capture_output=True, text=True, check=True)
            check(told.stdout.splitlines() == editions, f"{name}: {told.stdout}")
        for content, reason in ((medium_of(wim_of(SERVER)), ""), (medium_of(wim_of("Windows 11 Pro")), "the medium has no edition '" + SERVER)):
            own = pathlib.Path(folder) / (reason[:3] or "has")
            own.mkdir()
            process = install(own, "boots;failed for the test", content)
            told, said = process.communicate()
            check(said.startswith(reason or "Windows was not installed to its end"), f"{reason}: {said}")
            check((own / "arguments").exists() != bool(reason), "nothing is started with a medium that lacks the edition")
            check(bool(reason) or f"labctl: the medium has the edition '{SERVER}'" in told, f"what is on the medium: {told}")


def install(folder, plan, medium=b""):
    (folder / "bin").mkdir()
    (folder / "bin/qemu-system-x86_64").symlink_to(pathlib.Path(__file__).resolve().with_name("fake_qemu.py"))
    for name in ("setup.iso", "virtio.iso"):
        (folder / name).write_bytes(medium)
    environment = dict(os.environ, FAKE_QEMU=plan, PATH=f"{folder}/bin:{os.environ['PATH']}", LABCTL_LAYERS=str(IMAGES / "windows-server-2022"),
                       LABCTL_DISK_MIB="64", LABCTL_WINDOWS_ISO=str(folder / "setup.iso"), LABCTL_VIRTIO_ISO=str(folder / "virtio.iso"),
                       LABCTL_WINDOWS_STALL="4", LABCTL_ACCEL="tcg")
    return subprocess.Popen([BUILD], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def check_installations():
    with tempfile.TemporaryDirectory() as work:
        begun = []
        for number, plan in enumerate(INSTALLATIONS):
            folder = pathlib.Path(work) / str(number)
            folder.mkdir()
            begun.append((plan, folder, install(folder, plan)))
        for plan, folder, process in begun:
            told, reason = process.communicate()
            check(reason.startswith(INSTALLATIONS[plan]) and (process.returncode == 0) == (INSTALLATIONS[plan] == ""), f"{plan}: {reason}")
            check("Traceback" not in reason, f"{plan}: {reason}")
            if INSTALLATIONS[plan]:
                continue
            check(json.loads((folder / "guest.json").read_text())["kernel_release"] == "10.0.20348.0", "the build's number")
            check((folder / "packages").read_text() == "viostor.inf\n", "the drivers that were added")
            check("labctl: ready 10.0.20348.0 Windows" in told, "its last words are told")
            check("accel\ntcg" in (folder / "arguments").read_text(), "what labctl found is used")


def check_killed():
    """Whoever waits for it may be killed without a word; then nothing goes on for hours."""
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        process = install(work, "boots;silent")
        process_of_qemu = wait_for(lambda: (work / "arguments").exists() and pathlib.Path("/proc") / (work / "pid").read_text())
        check(process_of_qemu and process_of_qemu.exists(), "the fake QEMU does not run")
        process.kill()
        process.wait()
        if not wait_for(lambda: not runs(process_of_qemu)):
            check(False, "QEMU outlives who started it")
            os.kill(int(process_of_qemu.name), signal.SIGKILL)


def runs(process):
    """A zombie does not."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition):
    for _ in range(100):
        if value := condition():
            return value
        time.sleep(0.1)
    return None


def check_import(labctl):
    """The same by labctl's own command, which leaves nothing in the store."""
    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder) / "cache/images/windows-11"
        disk = pathlib.Path(folder) / "theirs.img"
        disk.write_bytes(THEIRS["linux"][0])
        environment = dict(os.environ, LABCTL_CACHE=folder + "/cache", LABCTL_IMAGES=str(IMAGES))
        for name, reason in (("windows-11", THEIRS["linux"][1]), ("windows-12", "there is no image 'windows-12'")):
            told = subprocess.run([labctl, "image", "import", name, disk], env=environment, capture_output=True, text=True, check=False)
            small = "are free, and a build takes up to" in told.stderr  # this host's disk
            check(told.returncode in (2, 3) and (reason in told.stderr or small), f"import {name}: {told.stderr}")
        check(not [path for path in store.glob("*") if path.is_dir()], "what was refused is left in the store")


def main():
    check_theirs()
    check_import(sys.argv[1])
    check_installations()
    check_editions()
    check_killed()
    for failure in failures:
        print(failure)
    return 1 if failures else 0


sys.exit(main())
