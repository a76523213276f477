#!/usr/bin/env python3
"""Disks as vendors make them, of Debian's packages, through `labctl image import` and `labctl canary`.

  vendor_images.py LABCTL OUT_DIR [SHAPE...] [--keep-images]

Shapes (all when none is named), none of which knows of labctl or has its agent:
  xfs      Debian 12: XFS root in a partition of its own beside /boot, dracut, SELinux labels of Debian's policy, cloud-init 22.4
  btrfs    Debian 13: BTRFS root in a subvolume, dracut, cloud-init 25.1
  lvm      Debian 12: ext4 root on a logical volume, /boot outside, initramfs-tools
  old      Debian 11: ext4 root, initramfs-tools, cloud-init 20.4
Each disk stands in a list signed by a key made here. Its agent, with what that needs, is named and not given: `--packages-from` resolves it
on this host. Prints a line for each shape; exit 1 when one of them was not imported or proved. About ten minutes for each on two cores
without KVM. Needs root, a kernel with loop, XFS and BTRFS, and: mmdebstrap e2fsprogs xfsprogs btrfs-progs lvm2 grub-common
grub-pc-bin qemu-utils policycoreutils gpg.
"""
import argparse
import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

MIB = 1 << 20
ROOT_START, DISK_SIZE = 260 * MIB, 3072 * MIB  # /boot has what is before the root, from 1 MiB on
COMMON = "systemd,systemd-sysv,udev,kmod,dbus,cloud-init,linux-image-cloud-amd64,grub2-common,grub-pc-bin,ca-certificates"


def sources_of(suite):
    """Where this host has its packages from, for another suite."""
    for stanza in pathlib.Path("/etc/apt/sources.list.d/debian.sources").read_text().split("\n\n"):
        if "security" not in stanza:
            return re.sub(r"(?m)^Suites:.*$", f"Suites: {suite}", re.sub(r"(?m)^#.*\n", "", stanza)) + "\n"
    raise SystemExit("the host's debian.sources names no archive")



class Shape:
    """What a vendor decided."""

    def __init__(self, suite, file_system, initramfs, *, lvm=False, subvolume=None, boot=False, selinux=False):
        self.suite, self.file_system, self.initramfs = suite, file_system, initramfs
        self.lvm, self.subvolume, self.boot, self.selinux = lvm, subvolume, boot, selinux

    def packages(self):
        tools = {"ext4": "e2fsprogs", "xfs": "xfsprogs", "btrfs": "btrfs-progs"}[self.file_system]
        packages = [COMMON, self.initramfs, tools]
        packages += ["lvm2"] if self.lvm else []
        packages += ["selinux-policy-default,selinux-utils,policycoreutils"] if self.selinux else []
        return ",".join(packages)

    def root_words(self):
        words = "root=/dev/vendor/root" if self.lvm else "root=LABEL=vendor-root"
        words += f" rootflags=subvol={self.subvolume}" if self.subvolume else ""
        return words + (" security=selinux selinux=1" if self.selinux else "")


SHAPES = {
    "xfs": Shape("bookworm", "xfs", "dracut", boot=True, selinux=True),
    "btrfs": Shape("trixie", "btrfs", "dracut", subvolume="@"),
    "lvm": Shape("bookworm", "ext4", "initramfs-tools", lvm=True, boot=True),
    "old": Shape("bullseye", "ext4", "initramfs-tools"),
}


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, **more)


def told(*words):
    return run(*words, stdout=subprocess.PIPE, text=True).stdout


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def install(shape, tree, work):
    """The vendor's system in a folder, as its own tools make it."""
    sources = work / "sources"
    sources.write_text(sources_of(shape.suite))
    setup = work / "setup"
    write(setup / "etc/dracut.conf.d/vendor.conf", 'hostonly="no"\n')
    run("mmdebstrap", "--mode=root", "--variant=essential", "--aptopt=Apt::Install-Recommends \"false\"", "--dpkgopt=force-unsafe-io",
        f"--include={shape.packages()}", f"--setup-hook=cp -r {setup}/. \"$1\"", shape.suite, tree, sources)
    device = "/dev/vendor/root" if shape.lvm else "LABEL=vendor-root"
    options = f"subvol={shape.subvolume}" if shape.subvolume else "defaults"
    fstab = f"{device} / {shape.file_system} {options} 0 0\n"
    if shape.boot:
        fstab += "LABEL=vendor-boot /boot ext4 defaults 0 0\n"
    write(tree / "etc/fstab", fstab)
    write(tree / "etc/hostname", "vendor\n")
    write(tree / "etc/machine-id", "")
    # What a vendor's own GRUB says, which is for the import to keep: without it the root is not found again.
    words = shape.root_words().split(" ", 1)[1:] or [""]
    write(tree / "etc/default/grub", 'GRUB_DEFAULT=0\nGRUB_TIMEOUT=5\nGRUB_DISTRIBUTOR=Vendor\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'
          f'GRUB_CMDLINE_LINUX="net.ifnames=0 {words[0]}"\n')
    if shape.selinux:
        write(tree / "etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=default\n")
    shutil.copytree("/usr/lib/grub/i386-pc", tree / "boot/grub/i386-pc", dirs_exist_ok=True)
    kernel = next(path.name for path in (tree / "boot").glob("vmlinuz-*"))
    initrd = next(path.name for path in (tree / "boot").glob("initrd.img-*"))
    inside = "" if shape.boot else (f"/{shape.subvolume}" if shape.subvolume else "") + "/boot"
    write(tree / "boot/grub/grub.cfg", f"linux {inside}/{kernel} {shape.root_words()} ro quiet\ninitrd {inside}/{initrd}\nboot\n")


@contextlib.contextmanager
def mounted(device, where, *options):
    where.mkdir(exist_ok=True)
    run("mount", *options, device, where)
    try:
        yield where
    finally:
        run("umount", where)


@contextlib.contextmanager
def loop(file, start=0, size=0):
    words = ["--offset", start] + (["--sizelimit", size] if size else [])
    device = told("losetup", "--find", "--show", *words, file).strip()
    try:
        yield device
    finally:
        run("losetup", "--detach", device)


def logical_volume(disk):
    """A volume group with one volume in it, by its metadata alone: no device mapper. Returns where the volume lies in the disk."""
    with loop(disk, ROOT_START) as device, tempfile.TemporaryDirectory() as folder:
        settings = f'devices {{ filter=["a|^{device}$|","r|.*|"] use_devicesfile=0 scan=["/dev"] }} global {{ locking_type=1 }} activation {{ udev_sync=0 udev_rules=0 }} ' \
                   f'backup {{ backup=0 archive=0 backup_dir="{folder}" archive_dir="{folder}" }}'
        tool = lambda *words: run(words[0], "--config", settings, *words[1:], stdout=subprocess.PIPE, text=True).stdout
        tool("pvcreate", "-ff", "-y", device)
        tool("vgcreate", "vendor", device)
        tool("lvcreate", "-y", "-an", "-Zn", "-Wn", "-l", "95%FREE", "-n", "root", "vendor")
        start = int(tool("pvs", "--noheadings", "--nosuffix", "--units=b", "-o", "pe_start", device))
        extent, ranges = tool("lvs", "--noheadings", "--nosuffix", "--units=b", "-o", "vg_extent_size,seg_pe_ranges", "vendor/root").split()
        first, last = map(int, re.fullmatch(r".*:(\d+)-(\d+)", ranges).groups())
        return ROOT_START + start + first * int(extent), (last - first + 1) * int(extent)


def fill(shape, tree, disk, work):
    """File systems and what is in them."""
    start, size = (ROOT_START, DISK_SIZE - ROOT_START) if shape.boot else (MIB, DISK_SIZE - MIB)
    if shape.lvm:
        start, size = logical_volume(disk)
    make = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q", "-f"], "btrfs": ["mkfs.btrfs", "-q", "-f"]}[shape.file_system]
    with loop(disk, start, size) as device:
        run(*make, "-L", "vendor-root", device)
        with mounted(device, work / "root") as root:
            if shape.subvolume:
                run("btrfs", "-q", "subvolume", "create", root / shape.subvolume)
                root = root / shape.subvolume
            boot = tree / "boot"
            if shape.boot:
                with loop(disk, MIB, ROOT_START - MIB) as beside:
                    run("mkfs.ext4", "-q", "-F", "-L", "vendor-boot", beside)
                    with mounted(beside, work / "boot") as there:
                        run("cp", "-a", f"{boot}/.", there)
            run("cp", "-a", f"{tree}/.", root)
            if shape.boot:
                run("sh", "-c", 'rm -rf "$1"/boot/*', "sh", root)
            if shape.selinux:
                run("setfiles", "-F", "-r", root, root / "etc/selinux/default/contexts/files/file_contexts", root)


def make_bootable(shape, disk, work):
    """GRUB before the first partition, which finds its configuration where the vendor's grub-install would have it."""
    label = "vendor-boot" if shape.boot else "vendor-root"
    place = "/grub" if shape.boot else (f"/{shape.subvolume}" if shape.subvolume else "") + "/boot/grub"
    early = work / "early.cfg"
    early.write_text(f"search.fs_label {label} root\nset prefix=($root){place}\nconfigfile ($root){place}/grub.cfg\n")
    core = work / "core.img"
    file_system = "ext2" if shape.boot or shape.file_system == "ext4" else shape.file_system
    run("grub-mkimage", "-O", "i386-pc", "-o", core, "-c", early, "-p", place, "biosdisk", "part_msdos", file_system, "search", "search_label",
        "configfile", "normal", "linux", "echo", "test", "minicmd")
    partitions = [(MIB, ROOT_START, 0x83), (ROOT_START, DISK_SIZE, 0x8e if shape.lvm else 0x83)] if shape.boot else [(MIB, DISK_SIZE, 0x83)]
    assert core.stat().st_size < MIB - 512
    with open(disk, "r+b") as file:
        file.write(pathlib.Path("/usr/lib/grub/i386-pc/boot.img").read_bytes()[:440])
        file.seek(446)
        for number, (start, end, kind) in enumerate(partitions):
            file.write(struct.pack("<BBBBBBBBII", 0x80 if number == 0 else 0, 0xfe, 0xff, 0xff, kind, 0xfe, 0xff, 0xff, start // 512, (end - start) // 512))
        file.seek(510)
        file.write(b"\x55\xaa" + core.read_bytes())


def make_disk(name, out):
    shape, disk = SHAPES[name], out / f"vendor-{name}.qcow2"
    with tempfile.TemporaryDirectory(prefix="vendor-", dir=out) as folder:
        work = pathlib.Path(folder)
        tree, raw = work / "tree", work / "disk.raw"
        install(shape, tree, work)
        with open(raw, "wb") as file:
            file.truncate(DISK_SIZE)
        fill(shape, tree, raw, work)
        make_bootable(shape, raw, work)
        run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, disk)
    return disk


def publish(out, disks):
    """The list of a vendor, signed by a key that nobody else has."""
    home = out / "gpg"
    home.mkdir(mode=0o700, exist_ok=True)
    gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--yes", "--passphrase", "", "--pinentry-mode", "loopback"]
    if not (out / "vendor.gpg").exists():
        run(*gpg, "--quick-gen-key", "vendor@example.org", "ed25519", "sign", "never")
        run(*gpg, "--output", out / "vendor.gpg", "--export", "vendor@example.org")
    lines = []
    for disk in disks:
        with open(disk, "rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {disk.name}\n")
    (out / "SHA256SUMS").write_text("".join(lines))
    run(*gpg, "--output", out / "SHA256SUMS.gpg", "--detach-sign", out / "SHA256SUMS")


def prove(labctl, name, out, disk):
    """What a user does. Returns a complaint, or nothing."""
    image, sources = f"vendor-{name}", out / f"{SHAPES[name].suite}.sources"
    sources.write_text(sources_of(SHAPES[name].suite))
    subprocess.run([labctl, "image", "rm", image], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(out / f"{name}.log", "w", encoding="utf-8") as log:
        for words in (["image", "import", image, disk, "--sums", out / "SHA256SUMS", "--signed-by", out / "vendor.gpg", "--install",
                       "qemu-guest-agent", "--packages-from", sources], ["canary", image]):
            done = subprocess.run([labctl, *map(str, words)], stdout=log, stderr=subprocess.STDOUT, check=False)
            if done.returncode:
                return f"labctl {' '.join(words[:2])} ended with {done.returncode}: {log.name}"
    return ""


def main():
    arguments = argparse.ArgumentParser(usage=__doc__)
    arguments.add_argument("labctl", type=pathlib.Path)
    arguments.add_argument("out", type=pathlib.Path)
    arguments.add_argument("shapes", nargs="*", metavar="SHAPE", default=list(SHAPES))
    arguments.add_argument("--keep-images", action="store_true")
    given = arguments.parse_args()
    unknown = [name for name in given.shapes if name not in SHAPES]
    if unknown:
        arguments.error(f"no such shape: {', '.join(unknown)}; there are {', '.join(SHAPES)}")
    labctl, out = given.labctl.resolve(), given.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    disks = {}
    for name in given.shapes:
        disks[name] = out / f"vendor-{name}.qcow2"
        if not disks[name].exists():
            make_disk(name, out)
        print(f"made\t{name}\t{disks[name].stat().st_size // MIB} MiB", flush=True)
    publish(out, disks.values())
    wrong = 0
    for name, disk in disks.items():
        start = time.monotonic()
        complaint = prove(labctl, name, out, disk)
        wrong += bool(complaint)
        print(f"{'WRONG' if complaint else 'ok'}\t{name}\t{time.monotonic() - start:.0f}s\t{complaint}", flush=True)
        if not given.keep_images:
            subprocess.run([labctl, "image", "rm", f"vendor-{name}"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print(f"{len(disks)} shapes, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
