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


class Archive:
    """A Debian archive signed by the vendor's key: an agent, what it needs, and what nobody asked for."""

    def __init__(self, folder, vendor):
        self.folder, self.vendor = folder / "archive", vendor
        index = self.folder / "dists/stable/main/binary-amd64/Packages"
        index.parent.mkdir(parents=True)
        stanzas = []
        for name, more in (("guest-agent", "Depends: agent-lib (>= 1:2)\n"), ("agent-lib", ""), ("unasked", ""), ("broken", "Depends: is-not-there\n")):
            control = folder / "package/DEBIAN/control"
            control.parent.mkdir(parents=True, exist_ok=True)
            control.write_text(f"Package: {name}\nVersion: 1:2.0~rc1+b1\nArchitecture: amd64\nMaintainer: A <a@example.org>\n{more}Description: none\n")
            package = self.folder / f"{name}.deb"
            subprocess.run(["dpkg-deb", "--root-owner-group", "-b", folder / "package", package], check=True, capture_output=True, timeout=60)
            data = package.read_bytes()
            stanzas.append(f"{control.read_text()}Filename: {package.name}\nSize: {len(data)}\nSHA256: {digest(data)}\n")
        index.write_text("\n".join(stanzas))
        self.release = f"Suite: stable\nCodename: stable\nComponents: main\nArchitectures: amd64\nDate: Mon, 01 Jan 2024 00:00:00 UTC\n" \
                       f"SHA256:\n {digest(index.read_bytes())} {index.stat().st_size} main/binary-amd64/Packages\n"
        self.sources = folder / "vendor.sources"
        self.stanza = f"Types: deb\nURIs: file:{self.folder}\nSuites: stable\nComponents: main\nSigned-By: {vendor.keyring}\n"
        self.sign("vendor")

    def sign(self, who, more=""):
        self.sources.write_text(self.stanza + more)
        signed = self.folder / "dists/stable/InRelease"
        signed.unlink(missing_ok=True)
        (self.folder / "dists/stable/Release").unlink(missing_ok=True)
        if who:
            signed.write_bytes(self.vendor.sign("--local-user", f"{who}@example.org", "--clearsign", input=self.release.encode()))
        else:
            (self.folder / "dists/stable/Release").write_text(self.release)
        return self.sources


def all_but_emulator(folder):
    """A PATH with what apt calls, in which no disk can be built."""
    folder.mkdir()
    for place in map(pathlib.Path, ("/usr/bin", "/usr/sbin", "/bin", "/sbin")):
        for program in place.iterdir():
            if not program.name.startswith("qemu-system") and not (folder / program.name).exists() and program.exists():
                (folder / program.name).symlink_to(program)
    return str(folder)


def named_packages(lab, folder):
    """Packages by name come with what they need, verified, and the recipe says what the guest shall take of them."""
    vendor, path = lab.vendor, all_but_emulator(folder / "without-emulator")
    archive = Archive(folder, vendor)
    sums = vendor.publish(f"{digest(vendor.disk.read_bytes())}  {DISK}\n")

    def take(name, words, sources, code, *more, **changes):
        done = lab.take(name, sums, *more, "--packages-from", sources, **{"PATH": path, **changes})
        check(done.returncode == code and words in done.stderr, f"{name}: {done.returncode} {done.stderr}")
        check("hint" in done.stderr, f"{name}: without a next step: {done.stderr}")
        if "this host lacks qemu" not in done.stderr:
            check(not list((lab.cache / "imported").glob(f"{name}*")), f"{name}: leaves something")
        return done

    agent = ("--install", "guest-agent")
    take("named", "this host lacks qemu-system-x86_64", archive.sources, 3, *agent)
    home = lab.cache / "imported/named"
    debs = {file.name.split("_")[0]: digest(file.read_bytes()) for file in home.glob("*.deb")}
    check(sorted(debs) == ["agent-lib", "guest-agent"], f"named: {sorted(debs)}")
    recipe = (home / "image.yaml").read_text() if home.exists() else ""
    check("packages: [guest-agent]" in recipe and all(sha256 in recipe for sha256 in debs.values()), recipe)
    left = sorted(file.suffix for file in home.glob("*"))
    check(left == [".deb", ".deb", ".img", ".yaml"], f"named: leaves {left}")
    check(lab.labctl("image", "list").returncode == 0, "the recipe is not read back")
    if not recipe:
        return
    (home / "image.yaml").write_text(recipe.replace("[guest-agent]", "[--purge]"))
    done = lab.labctl("image", "list")
    check("'--purge' is not the name of a package" in done.stdout + done.stderr, f"an option as a package: {done.stdout} {done.stderr}")
    (home / "image.yaml").write_text(recipe)
    take("unknown", "nothing-such", archive.sources, 2, "--install", "nothing-such")
    take("broken", "is-not-there", archive.sources, 2, "--install", "broken")
    take("option", "is not the name of a package", archive.sources, 2, "--install=--purge")
    take("file", "is not the name of a package", archive.sources, 2, "--install", vendor.disk)
    take("none", "no package is named", archive.sources, 2)
    take("not-sources", "is not a file of package sources", vendor.disk, 2, *agent)
    take("not-there", "there is no such file of package sources", "/nonexistent.sources", 2, *agent)
    take("no-apt", "apt-get is not installed", archive.sources, 3, *agent, PATH=only_some(folder / "no-apt"))
    take("trusting", "without a signature", archive.sign("vendor", "Trusted: yes\n"), 2, *agent)
    take("stranger", "the public key is not available", archive.sign("stranger"), 3, *agent)
    take("unsigned", "not signed", archive.sign(None), 3, *agent)
    archive.sign("vendor")
    with open(archive.folder / "agent-lib.deb", "ab") as package:
        package.write(b"changed")
    take("changed", "Failed to fetch", archive.sources, 3, *agent)
    done = lab.take("no-sources", sums, "--install", "guest-agent", PATH=path)
    check(done.returncode == 2 and "--packages-from" in done.stderr, f"a name without sources: {done.stderr}")


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
        if all(map(shutil.which, ("apt-get", "dpkg-deb"))):
            named_packages(lab, folder)
        subprocess.run(["gpgconf", "--homedir", vendor.gpg, "--kill", "all"], check=False)
    print("\n".join(failures) or "signed lists are understood, and what they do not vouch for is refused")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
