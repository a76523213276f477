#!/usr/bin/env python3
"""Does QEMU's TCG invent crashes or lose disk requests on guests with two vCPUs? By hand; takes as long as it is told.

  threads.py KERNEL_TREE BUSYBOX [--threads single|multi] [--seconds 150] [--vcpus 2] [--disk virtio|sata]

KERNEL_TREE is an unpacked kernel package (boot/vmlinuz-*, lib/modules), BUSYBOX a static busybox with insmod. The guest does two
things for ever: it patches its own kernel's code (the static key of the scheduler's statistics, turned on and off while both vCPUs
switch tasks), which is what a boot does some hundred times, and it reads its disk past the cache, one small request after the
other. A crash of this guest is the emulator's, and so is a request that is never answered. Prints one line of what was seen;
exits with 1 when the guest crashed or stopped.
"""
import argparse
import gzip
import lzma
import os
import pathlib
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
for m in @MODULES@; do insmod /lib/$m; done
n=0; until [ -b /dev/@DISK@ ] || [ $n -gt 50 ]; do n=$((n+1)); sleep 0.2; done
echo threads: begin
case @WHAT@ in both|patches) for i in 1 2; do (while :; do /bin/true; done) & done
(n=0; while :; do for i in 1 2 3 4 5 6 7 8 9 10; do echo 1 >/proc/sys/kernel/sched_schedstats; echo 0 >/proc/sys/kernel/sched_schedstats; done
  n=$((n+20)); echo $n >/pokes; done) & ;; *) echo 0 >/pokes;; esac
case @WHAT@ in both|disk) (n=0; while :; do dd if=/dev/@DISK@ of=/dev/null bs=4k count=500 iflag=direct 2>/dev/null || echo threads: read failed; n=$((n+500)); echo $n >/reads; done) & ;; *) echo 0 >/reads;; esac
while :; do sleep 2; echo threads: pokes $(cat /pokes) reads $(cat /reads); done
"""
MODULES = {
    "virtio": ["virtio", "virtio_ring", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk"],
    "sata": ["scsi_common", "scsi_mod", "libata", "libahci", "ahci", "crc64", "crc64-rocksoft_generic", "crc64-rocksoft", "t10-pi", "crct10dif_common",
             "crc-t10dif", "sd_mod"],
}


def cpio_entry(name, mode, data=b"", inode=[0]):
    inode[0] += 1
    fields = [inode[0], mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def initramfs(tree, busybox, disk, what):
    modules = {}
    for file in tree.glob("lib/modules/**/*.ko*"):
        modules[file.name.split(".ko")[0]] = file
    wanted = [name for name in MODULES[disk] if name in modules]
    entries = [cpio_entry(d, 0o040755) for d in ("bin", "lib", "dev", "proc", "sys")]
    entries.append(cpio_entry("bin/busybox", 0o100755, busybox.read_bytes()))
    for name in wanted:
        data = modules[name].read_bytes()
        entries.append(cpio_entry(f"lib/{name}.ko", 0o100644, lzma.decompress(data) if modules[name].suffix == ".xz" else data))
    init = INIT.replace("@MODULES@", " ".join(f"{name}.ko" for name in wanted)).replace("@DISK@", "vda" if disk == "virtio" else "sda").replace("@WHAT@", what)
    entries.append(cpio_entry("init", 0o100755, init.encode()))
    entries.append(cpio_entry("TRAILER!!!", 0))
    return gzip.compress(b"".join(entries), 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=pathlib.Path)
    parser.add_argument("busybox", type=pathlib.Path)
    parser.add_argument("--threads", choices=["single", "multi"], default="single")
    parser.add_argument("--seconds", type=int, default=150)
    parser.add_argument("--vcpus", type=int, default=2)
    parser.add_argument("--disk", choices=["virtio", "sata"], default="virtio")
    parser.add_argument("--ioeventfd", choices=["on", "off"], default="off")
    parser.add_argument("--what", choices=["both", "patches", "disk"], default="both")
    parser.add_argument("--show", action="store_true", help="the guest's console")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="labctl-threads-"))
    try:
        (folder / "initrd").write_bytes(initramfs(args.tree, args.busybox, args.disk, args.what))
        with open(folder / "disk", "wb") as file:
            file.truncate(64 << 20)
        # The machine as labctl defines it: one possible CPU more than there are (decision 0011).
        argv = ["qemu-system-x86_64", "-accel", f"tcg,thread={args.threads},tb-size=128", "-machine", "pc", "-cpu", "max", "-m", "512",
                "-smp", f"{args.vcpus},maxcpus={args.vcpus + 1}", "-kernel", str(next(args.tree.glob("boot/vmlinuz-*"))),
                "-initrd", str(folder / "initrd"), "-append", "console=ttyS0 loglevel=7 panic=-1 oops=panic", "-display", "none", "-monitor", "none",
                "-serial", "stdio", "-no-reboot", "-nodefaults", "-drive", f"file={folder}/disk,format=raw,if=none,id=d,cache=unsafe"]
        argv += (["-device", f"virtio-blk-pci,drive=d,ioeventfd={args.ioeventfd}"] if args.disk == "virtio"
                 else ["-device", "ahci,id=a", "-device", "ide-hd,drive=d,bus=a.0"])
        return watch(argv, args)
    finally:
        shutil.rmtree(folder)


def watch(argv, args):
    began = time.monotonic()
    qemu = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text, last, reads, moved = "", began, None, began
    crash = None
    while time.monotonic() - began < args.seconds:
        if select.select([qemu.stdout], [], [], 1)[0]:
            block = os.read(qemu.stdout.fileno(), 65536).decode("latin-1")
            if not block:
                break
            text += block
            last = time.monotonic()
            if args.show:
                sys.stdout.write(block)
        crash = crash or re.search(r"(Oops: .*|BUG: .*|Kernel panic.*|general protection.*|int3: .*|blocked for more.*|WARNING: .*)", text)
        said = re.findall(r"threads: pokes (\d+) reads (\d+)", text)
        if said and said[-1][1] != reads:
            reads, moved = said[-1][1], time.monotonic()
        if crash and time.monotonic() - last > 3:
            break
        if time.monotonic() - last > 120 or (args.what != "patches" and time.monotonic() - moved > 180):
            break
    took = time.monotonic() - began
    qemu.kill()
    qemu.wait()
    said = re.findall(r"threads: pokes (\d+) reads (\d+)", text)
    pokes, reads = said[-1] if said else ("0", "0")
    stopped = took < args.seconds - 2
    what = crash.group(1).strip() if crash else "stopped" if stopped else "well"
    print(f"threads={args.threads} vcpus={args.vcpus} disk={args.disk} ioeventfd={args.ioeventfd}: {took:.0f} s, {pokes} patches of the kernel's code, {reads} disk requests: {what}",
          flush=True)
    return 1 if crash or stopped else 0


if __name__ == "__main__":
    sys.exit(main())
