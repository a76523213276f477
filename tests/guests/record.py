#!/usr/bin/env python3
"""Records consoles: what a kernel says when a module of the zoo kills it, and what it says when all is well.

  record.py crash   RELEASE ZOO_DIR OUT_DIR [NAME...]    OUT_DIR/NAME-RELEASE.log, from a few lines before the crash
  record.py healthy RELEASE OUT_FILE [--disk QCOW2] [--boots N] [--modules N] [--append "KERNEL WORDS"]

A guest here is a kernel, an initramfs made on the spot and, for `healthy --disk`, a disk with Debian on it, which is not
written to; neither libvirt nor labctl takes part. ZOO_DIR is what build.sh makes. Kernel and busybox are fetched with the
apt client as it is configured and kept under ${XDG_CACHE_HOME:-~/.cache}/labctl/kernels. A healthy guest prints all it
can, loads and unloads a hundred ordinary modules in each boot, and reboots. Bytes are kept as they came; only where a log
begins is chosen, by words and not by the recogniser, which is to be tested with it.

Needs: qemu-system-x86 qemu-utils apt dpkg cpio kmod
"""
import argparse
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "labctl" / "kernels"

INIT = r"""#!/bin/busybox sh
/bin/busybox mkdir -p /bin /sbin /proc /sys /dev /run /new /tmp /var/lib
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs run /run
. /todo
"""
CRASH = r"""
echo 10 >/proc/sys/kernel/hung_task_timeout_secs
insmod /{name}.ko
sleep {wait}
# The first process itself asks: some modules wait for that.
exec reboot -f
"""
MODULES = r"""
load() { for m in $(cat /modules); do modprobe $m 2>/dev/null; done; for m in $(cat /modules); do modprobe -r $m 2>/dev/null; done; }
"""
BARE = MODULES + r"""
load; sync; reboot -f
"""
DEBIAN = r"""
for m in crc32c_generic virtio_pci virtio_blk ext4; do modprobe $m 2>/dev/null; done
sleep 1
mount -o ro /dev/vda1 /new || mount -o ro /dev/vda /new
mkdir -p /run/modules /run/systemd/system/multi-user.target.wants
cp -r /lib/modules/* /run/modules
cp /modules /run/modules.list
mount --bind /run/modules /new/lib/modules
cat >/run/systemd/system/record.service <<END
[Unit]
After=multi-user.target
DefaultDependencies=no
[Service]
ExecStart=/bin/sh -c 'for m in \$(cat /run/modules.list); do modprobe \$m; done; for m in \$(cat /run/modules.list); do modprobe -r \$m; done; systemctl reboot'
END
ln -s ../record.service /run/systemd/system/multi-user.target.wants/record.service
for d in proc sys dev run; do mount --move /$d /new/$d; done
exec switch_root /new /sbin/init
"""
# What a report may begin with, and what stands in front of its first line.
FRIGHTENING = re.compile(
    rb"BUG: |Oops|Kernel panic|general protection|cut here|INFO: task|detected stall|list_del corruption|kernel BUG|LOCKUP")
SILENCE = 10
PATIENCE = {"soft_lockup": 90, "hung_task": 60}


def run(*command, **how):
    return subprocess.run(command, check=True, **how)


def package(name):
    """The unpacked contents of a Debian package."""
    root = CACHE / name
    if not root.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as work:
            run("apt-get", "download", "-q", name, cwd=work, stderr=subprocess.DEVNULL)
            run("dpkg-deb", "-x", str(next(pathlib.Path(work).glob("*.deb"))), work + "/new")
            os.rename(work + "/new", root)
    return root


def kernel_tree(release):
    """The modules of a kernel. Debian keeps them in one package with the kernel, or, since 7.0, in another."""
    for name in ("linux-image-", "linux-modules-"):
        for lib in ("lib", "usr/lib"):
            tree = package(name + release) / lib / "modules" / release
            if (tree / "kernel").exists():
                if not (tree / "modules.dep").exists():
                    run("/sbin/depmod", "-b", str(tree.parents[2]), release)
                return tree
    raise SystemExit(f"record: no modules for {release}")


def kernel(release):
    image = package("linux-image-" + release) / "boot" / ("vmlinuz-" + release)
    if image.exists():
        return image
    return next(package("linux-binary-" + release).rglob("vmlinuz*"))


def module_tree(release, wanted, into):
    """Some ordinary modules and what they need, as a tree that modprobe understands; their names."""
    tree = kernel_tree(release)
    needs = {}
    for line in (tree / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        needs[path] = rest.split()
    name = lambda path: pathlib.Path(path).name.split(".ko")[0]
    base = [p for p in needs if name(p) in ("virtio_pci", "virtio_blk", "ext4", "crc32c_generic", "virtio_net")]
    # Loadable without their hardware, and harmless to load: not what resets machines or tests the kernel itself.
    ordinary = [p for p in sorted(needs) if re.search(
        r"kernel/(fs|crypto|net/(netfilter|sched|ipv4|ipv6|bridge|8021q)|drivers/(net|usb|hid|input|md|block|i2c|media/usb|scsi|"
        r"input|char|hwmon|leds|mmc))/", p) and not re.search(r"watchdog|_test|test_|kunit|torture|scsi_debug|ocfs2|dlm", p)]
    chosen = random.Random(release).sample(ordinary, min(wanted, len(ordinary)))
    for path in set(base + chosen) | {need for p in base + chosen for need in needs[p]}:
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tree / path, into / path)
        if path.endswith(".xz"):
            run("xz", "-d", str(into / path))
    for table in ("modules.builtin", "modules.order", "modules.builtin.modinfo"):
        if (tree / table).exists():
            shutil.copy(tree / table, into)
    run("/sbin/depmod", "-b", str(into.parents[2]), release)
    return [name(p) for p in chosen]


def initramfs(work, todo, files=()):
    root = work / "initramfs"
    (root / "bin").mkdir(parents=True, exist_ok=True)
    shutil.copy(package("busybox-static") / "bin" / "busybox", root / "bin" / "busybox")
    (root / "init").write_text(INIT)
    (root / "init").chmod(0o755)
    (root / "todo").write_text(todo)
    for file in files:
        shutil.copy(file, root)
    archive = work / "initramfs.cpio"
    with archive.open("wb") as out:
        names = subprocess.Popen(["find", "."], cwd=root, stdout=subprocess.PIPE)
        run("cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0", cwd=root, stdin=names.stdout, stdout=out)
    return archive


def boot(work, release, archive, words, log, boots, limit, disk=None, cpus=1, silence=SILENCE):
    """Runs until the guest has started `boots` + 1 times, is gone, has crashed (no boots) and is silent, or for too long."""
    command = ["qemu-system-x86_64", "-machine", "pc", "-accel", "tcg,thread=single", "-cpu", "max", "-smp", f"{cpus},maxcpus=2",
               "-m", "768", "-nodefaults", "-display", "none", "-no-user-config", "-serial", f"file:{log}",
               "-netdev", "user,id=n,restrict=on", "-device", "virtio-net-pci,netdev=n", "-device", "qemu-xhci",
               "-device", "usb-tablet", "-kernel", str(kernel(release)), "-initrd", str(archive),
               "-append", "console=ttyS0 panic=1 " + words]
    if boots == 0:
        command.append("-no-reboot")
    if disk:
        overlay = work / "disk.qcow2"
        run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(pathlib.Path(disk).resolve()), str(overlay))
        command += ["-drive", f"file={overlay},if=virtio,cache=unsafe"]
    began = spoke = time.monotonic()
    said = b""
    guest = subprocess.Popen(command)
    while guest.poll() is None and time.monotonic() - began < limit:
        time.sleep(1)
        now = log.read_bytes() if log.exists() else b""
        if now != said:
            said, spoke = now, time.monotonic()
        silent = time.monotonic() - spoke > silence and FRIGHTENING.search(said)
        if said.count(b"] Linux version ") > boots if boots else silent:
            break
    guest.kill()
    guest.wait()
    return log.read_bytes()


def crash(arguments):
    names = arguments.names or sorted(line.split("\t")[0] for line in (HERE / "zoo.tsv").read_text().splitlines()
                                      if "\tcrashed" in line)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            wait = PATIENCE.get(name, 3 if name.endswith("_load") else 20)
            archive = initramfs(work, CRASH.format(name=name, wait=wait), [arguments.zoo / arguments.release / (name + ".ko")])
            raw = boot(work, arguments.release, archive, "", work / "log", 0, 60 + 4 * wait)
        lines = raw.splitlines(keepends=True)
        first = next((i for i, line in enumerate(lines) if FRIGHTENING.search(line)), None)
        if first is None:
            print(f"record: {name} on {arguments.release}: no crash on the console", file=sys.stderr)
            continue
        text = b"".join(lines[max(0, first - 3):])
        (arguments.out / f"{name.replace('_', '-')}-{arguments.release}.log").write_bytes(text)
        print(f"record: {name} on {arguments.release}: {len(text)} bytes", flush=True)


def healthy(arguments):
    words = "ignore_loglevel initcall_debug printk.devkmsg=on udev.log_level=debug "
    if arguments.disk:
        words += "systemd.log_level=debug systemd.log_target=kmsg systemd.journald.forward_to_console=1 "
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        tree = work / "initramfs" / "lib" / "modules" / arguments.release
        tree.mkdir(parents=True)
        chosen = module_tree(arguments.release, arguments.modules, tree)
        (work / "modules").write_text("\n".join(chosen))
        archive = initramfs(work, DEBIAN if arguments.disk else BARE, [work / "modules"])
        raw = boot(work, arguments.release, archive, arguments.append or words, work / "log", arguments.boots,
                   arguments.limit, arguments.disk)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(raw)
    print(f"record: {arguments.out.name}: {len(raw)} bytes, {raw.count(b'] Linux version ')} boots", flush=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    verbs = parser.add_subparsers(required=True)
    verb = verbs.add_parser("crash")
    verb.set_defaults(act=crash)
    verb.add_argument("release")
    verb.add_argument("zoo", type=pathlib.Path)
    verb.add_argument("out", type=pathlib.Path)
    verb.add_argument("names", nargs="*")
    verb = verbs.add_parser("healthy")
    verb.set_defaults(act=healthy)
    verb.add_argument("release")
    verb.add_argument("out", type=pathlib.Path)
    verb.add_argument("--disk", type=pathlib.Path)
    verb.add_argument("--boots", type=int, default=2)
    verb.add_argument("--modules", type=int, default=100)
    verb.add_argument("--limit", type=int, default=240, help="seconds")
    verb.add_argument("--append")
    arguments = parser.parse_args()
    arguments.act(arguments)


if __name__ == "__main__":
    main()
