#!/usr/bin/env python3
"""`labctl image import` of cloud images: lists signed by keys made here, in every form, and everything that must be refused.

No guest is started: what is taken is built by a recipe of its own, whose program is looked at with the disks' own tests.

usage: import_test.py LABCTL     77: a tool is not installed
"""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

LABCTL = os.path.abspath(sys.argv[1])
DISK = "vendor-9-x86_64.qcow2"
failures = []


def check(good, what):
    if not good:
        failures.append(what)


def digest(data, kind="sha256"):
    return hashlib.new(kind, data).hexdigest()


class Vendor:
    """Keys, and a folder with what a vendor publishes."""

    def __init__(self, folder):
        self.folder, self.gpg = folder / "vendor", folder / "gpg"
        self.folder.mkdir()
        self.gpg.mkdir(mode=0o700)
        self.disk = self.folder / DISK
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", self.disk, "5G"], check=True, timeout=60)
        for who in ("vendor", "stranger"):
            self.sign("--quick-gen-key", f"{who}@example.org", "ed25519", "sign", "never")
        self.sign("--faked-system-time", "20200101T000000", "--quick-gen-key", "old@example.org", "ed25519", "sign", "1d")
        self.keyring, self.armored = folder / "vendor.gpg", folder / "vendor.asc"
        self.keyring.write_bytes(self.sign("--export", "vendor@example.org", "old@example.org"))
        self.armored.write_bytes(b"A comment.\n" + self.sign("--armor", "--export", "vendor@example.org") + self.sign("--armor", "--export", "old@example.org"))
        self.fingerprint = next(line.split(":")[9] for line in self.sign("--with-colons", "--list-keys", "vendor@example.org").decode().splitlines()
                                if line.startswith("fpr"))

    def sign(self, *words, **more):
        return subprocess.run(["gpg", "--homedir", self.gpg, "--batch", "--quiet", "--yes", "--passphrase", "", "--pinentry-mode", "loopback", *map(str, words)],
                              check=True, capture_output=True, timeout=120, **more).stdout

    def publish(self, text, form="clear", who="vendor", name="SHA256SUMS"):
        """The list as a file, with its signature in it or beside it."""
        for old in self.folder.glob(f"{name}*"):
            old.unlink()
        path = self.folder / name
        user = ("--local-user", f"{who}@example.org") + (("--faked-system-time", "20200101T120000") if who == "old" else ())
        if form == "clear":
            path.write_bytes(self.sign(*user, "--clearsign", input=text.encode()))
        else:
            path.write_text(text)
        if form.startswith("."):
            words = ("--armor",) if form in (".sign", ".asc") else ()
            (self.folder / (name + form)).write_bytes(self.sign(*user, *words, "--detach-sign", "--output", "-", path))
        return path


class Lab:
    def __init__(self, folder, vendor):
        self.cache, self.vendor, self.count = folder / "cache", vendor, 0

    def labctl(self, *words, **environment):
        given = {**os.environ, "LABCTL_CACHE": str(self.cache), "LABCTL_IMAGES": "", **environment}
        return subprocess.run([LABCTL, *map(str, words)], capture_output=True, text=True, timeout=300, env=given)

    def take(self, name, sums, *words, keyring=None, disk=None, **environment):
        # The build ends at once, because the program that it needs is not found: what is taken is what is asked about.
        return self.labctl("image", "import", name, disk or self.vendor.disk, "--sums", sums, "--signed-by", keyring or self.vendor.keyring,
                           "--disks-only", *words, **environment)

    def taken(self, name):
        return (self.cache / "imported" / name / "image.yaml").is_file()


def only_some(folder):
    """A PATH in which no disk can be built: everything that refusing needs, and no emulator."""
    folder.mkdir()
    for program in ("gpgv", "sha512sum", "qemu-img"):
        (folder / program).symlink_to(shutil.which(program))
    return str(folder)


def forms(lab, path):
    """Everything that vendors publish is understood, and the recipe says what was proved."""
    vendor, data = lab.vendor, lab.vendor.disk.read_bytes()
    gnu = f"{digest(b'x')}  other.qcow2\n{digest(data)} *{DISK}\n"
    bsd = f"# {DISK}: {len(data)} bytes\nSHA256 ({DISK}) = {digest(data)}\nSHA256 (other.iso) = {digest(b'x')}\n"
    longer = f"{digest(data, 'sha512')}  ./{DISK}\n"
    cases = [("clear-gnu", gnu, "clear", None), ("clear-bsd", bsd, "clear", vendor.armored), ("sign", gnu, ".sign", vendor.armored), ("gpg", bsd, ".gpg", None),
             ("asc", longer, ".asc", None), ("clear-512", longer.replace("./", "a/b/"), "clear", None), ("sig", "\r\n".join(gnu.split("\n")), ".sig", None)]
    for name, text, form, keyring in cases:
        done = lab.take(name, vendor.publish(text, form), keyring=keyring, PATH=path)
        check(done.returncode == 3 and "this host lacks" in done.stderr and f"labctl image rm {name}" in done.stderr, f"{name}: {done.returncode} {done.stderr}")
        check(vendor.fingerprint in done.stdout + done.stderr, f"{name}: the key is not named: {done.stderr}")
        check(lab.taken(name), f"{name}: no recipe")
    recipe = (lab.cache / "imported/clear-gnu/image.yaml").read_text()
    check(digest(data) in recipe and vendor.fingerprint in recipe and "disk: 5120MiB" in recipe, recipe)
    check((lab.cache / "imported/clear-gnu/vendor.img").read_bytes() == data, "the copy is another disk")
    listed = lab.labctl("image", "list", "--json")
    check(listed.returncode == 0, f"image list: {listed.stderr}")
    listed = json.loads(listed.stdout or '{"images": []}')
    found = next((image for image in listed["images"] if image["name"] == "clear-gnu"), {"origin": "", "state": "", "summary": ""})
    check(found["origin"] == "imported" and found["state"] == "not built" and vendor.fingerprint in found["summary"], f"{found}")
    text = lab.labctl("image", "list").stdout
    check(f"{DISK}, in SHA256SUMS signed by {vendor.fingerprint}\timported" in text, text)
    # Named by hand, where it stands elsewhere; and once more under the same name, which was never built.
    sums = vendor.publish(gnu, ".sign")
    elsewhere = vendor.folder.parent / "elsewhere.sign"
    (vendor.folder / "SHA256SUMS.sign").rename(elsewhere)
    done = lab.take("sign", sums, "--signature", elsewhere, PATH=path)
    check(done.returncode == 3 and "this host lacks" in done.stderr, f"--signature: {done.stderr}")
    # With packages that the guest lacks.
    package = vendor.folder / "qemu-guest-agent_7.2_amd64.deb"
    package.write_bytes(b"a package")
    done = lab.take("with-agent", sums, "--signature", elsewhere, "--install", package, PATH=path)
    check(f"  - {{source: \"{package.name}\", sha256: {digest(b'a package')}}}" in (lab.cache / "imported/with-agent/image.yaml").read_text(), done.stderr)
    check(lab.labctl("image", "rm", "with-agent").returncode == 0 and not (lab.cache / "imported/with-agent").exists(), "image rm leaves the disk")
    check(lab.labctl("image", "list").returncode == 0, "image list after image rm")


def refused(lab, path):
    """Each names what is wrong and the next step, and leaves nothing."""
    vendor, data = lab.vendor, lab.vendor.disk.read_bytes()
    gnu = f"{digest(data)}  {DISK}\n"

    def case(name, words, sums, *more, code=2, **changes):
        done = lab.take(name, sums, *more, **{"PATH": path, **changes})
        check(done.returncode == code and words in done.stderr, f"{name}: {done.returncode} {done.stderr}")
        check("hint" in done.stderr, f"{name}: without a next step: {done.stderr}")
        left = [entry.name for entry in (lab.cache / "imported").glob(f"{name}*")]
        check(not left, f"{name}: leaves {left}")

    def changed(form, old, new):
        sums = vendor.publish(gnu, form)
        sums.write_bytes(sums.read_bytes().replace(old, new))
        return sums

    first = digest(data)[:8].encode()
    case("changed-clear", "is bad", changed("clear", first, b"00000000"))
    case("changed-list", "is bad", changed(".sign", first, b"00000000"))
    case("stranger", "which is not in", vendor.publish(gnu, "clear", "stranger"))
    case("stranger-beside", "which is not in", vendor.publish(gnu, ".gpg", "stranger"))
    case("expired", "has expired", vendor.publish(gnu, "clear", "old"))
    case("unsigned", "there is no signature beside it", vendor.publish(gnu, "none"))
    case("no-signature", "no signature that gpgv can verify", vendor.publish(gnu, "none"), "--signature", vendor.disk)
    case("not-listed", "does not name", vendor.publish(f"{digest(data)}  vendor-9-x86-64.qcow2\n"))
    case("other-digest", "and the signed list says", vendor.publish(f"{digest(b'x')}  {DISK}\n"))
    case("other-512", "its sha512 is", vendor.publish(f"{digest(b'x', 'sha512')}  {DISK}\n"))
    case("two-digests", "with several digests", vendor.publish(gnu + f"{digest(b'x')}  a/{DISK}\n"))
    case("weak", "which prove nothing", vendor.publish(f"{digest(data, 'md5')}  {DISK}\n"))
    case("empty", "names no file", vendor.publish("nothing\n"))
    # What stands around a signed message, or behind it, was signed by nobody.
    sums = vendor.publish(f"{digest(b'x')}  {DISK}\n")
    sums.write_bytes(gnu.encode() + sums.read_bytes() + gnu.encode())
    case("around", "and the signed list says", sums)
    sums = vendor.publish(f"{digest(b'x')}  other.iso\n")
    sums.write_bytes(sums.read_bytes() + vendor.sign("--local-user", "stranger@example.org", "--clearsign", input=gnu.encode()))
    case("two-messages", "several signed messages", sums)
    sums = vendor.publish(gnu)
    keyring = vendor.folder.parent / "damaged.asc"
    keyring.write_text(vendor.armored.read_text().replace("-----END PGP PUBLIC KEY BLOCK-----", ""))
    case("damaged-keyring", "armor is damaged", sums, keyring=keyring)
    keyring.write_text("no keys\n")
    case("no-keyring", "", sums, keyring=keyring)
    case("no-gpgv", "gpgv is not installed", sums, code=3, PATH="/nonexistent")
    case("debian-12-linux-6.12", "is the name of another recipe", sums)
    case("cloud-image", "is the name of another recipe", sums)
    done = lab.take("../escaped", sums, PATH=path)
    check(done.returncode == 2 and "cannot be the name of an image" in done.stderr, f"a path as a name: {done.stderr}")
    for name, bytes_of, words in (("packed.qcow2", b"\xfd7zXZ\0" + b"x" * 100, "is compressed"), ("short.qcow2", b"x", "is not a disk")):
        disk = vendor.folder / name
        disk.write_bytes(bytes_of)
        case(name, words, vendor.publish(f"{digest(bytes_of)}  {name}\n"), disk=disk)
    disk = vendor.folder / "backed.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", disk], check=True, timeout=60)
    case("backed", "needs a backing file", vendor.publish(f"{digest(disk.read_bytes())}  backed.qcow2\n"), disk=disk)
    sums = vendor.publish(gnu)
    for words in (["--sums", sums], ["--signed-by", vendor.keyring]):
        done = lab.labctl("image", "import", "half", vendor.disk, *words)
        check(done.returncode == 2 and "is missing" in done.stderr and "hint" in done.stderr, f"{words}: {done.stderr}")
    done = lab.labctl("image", "import", "debian-12-linux-6.12", vendor.disk)
    check(done.returncode == 2 and "--sums" in done.stderr, f"a Linux without a list: {done.stderr}")
    done = lab.labctl("image", "import", "unheard-of", vendor.disk)
    check(done.returncode == 2 and "--sums" in done.stderr, f"a new name without a list: {done.stderr}")


def main():
    for program in ("gpg", "gpgv", "qemu-img", "sha512sum"):
        if not shutil.which(program):
            print(f"{program} is not here")
            return 77
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o700)
        vendor = Vendor(folder)
        lab, path = Lab(folder, vendor), only_some(folder / "bin")
        forms(lab, path)
        refused(lab, path)
        subprocess.run(["gpgconf", "--homedir", vendor.gpg, "--kill", "all"], check=False)
    print("\n".join(failures) or "signed lists are understood, and what they do not vouch for is refused")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
