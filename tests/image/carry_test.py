#!/usr/bin/env python3
"""Images from one host to another: by others' tools and a registry, and from a web server that breaks off. All on the loopback.

usage: carry_test.py LABCTL     77: a tool is not installed
"""
import functools
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

LABCTL = os.path.abspath(sys.argv[1])
TOOLS = ("skopeo", "umoci", "docker-registry", "qemu-img", "curl")
failures = []


def expect(condition, text):
    if not condition:
        failures.append(text)


def run(*words, code=0, **options):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, **options)
    expect(done.returncode == code, f"{' '.join(map(str, words))}: {done.returncode} instead of {code}\n{done.stdout}{done.stderr}")
    return done


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Host:
    """A cache of its own, with the same recipes as the others."""

    def __init__(self, root, name):
        self.cache = root / name
        self.environment = {**os.environ, "LABCTL_CACHE": str(self.cache), "LABCTL_IMAGES": str(root / "recipes")}

    def labctl(self, *words, code=0):
        return run(LABCTL, *words, code=code, env=self.environment)

    def disk(self):
        return next((self.cache / "images").glob("**/disk.qcow2"), None)


def recipe(root):
    folder = root / "recipes/one"
    folder.mkdir(parents=True)
    (folder / "image.yaml").write_text("os: linux\nsummary: first\nsuite: s\nkernel: k\nbuild: build\ndisk: 1GiB\nneeds: {sh: dash}\n")
    (folder / "build").write_text(
        "#!/bin/sh\nset -eu\nqemu-img create -q -f qcow2 disk.qcow2 64M\nqemu-io -c 'write -P 7 0 8M' disk.qcow2 >/dev/null\n"
        "printf 'a 1 amd64\\n' >packages\n"
        "printf '{\"kernel_release\": \"6.1\", \"kernel_package\": \"k\", \"kernel_version\": \"6.1\"}' >guest.json\n")
    (folder / "build").chmod(0o755)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Registry:
    def __init__(self, root):
        self.place = f"127.0.0.1:{free_port()}"
        config = root / "registry.yml"
        config.write_text(f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {root}/registry}}}}\nhttp: {{addr: '{self.place}'}}\n")
        self.process = subprocess.Popen(["docker-registry", "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", int(self.place.split(":")[1]))) == 0:
                    return
            time.sleep(0.05)

    def close(self):
        self.process.terminate()
        self.process.wait()


class Breaking(http.server.SimpleHTTPRequestHandler):
    """Serves ranges; the first answer for a disk breaks off in its middle."""
    broken, ranges = False, []

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = pathlib.Path(self.translate_path(self.path))
        if not path.is_file():
            return self.send_error(404)
        data, asked = path.read_bytes(), self.headers.get("Range")
        first = int(asked.split("=")[1].split("-")[0]) if asked else 0
        if asked:
            Breaking.ranges.append(first)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        if path.suffix == ".qcow2" and not Breaking.broken:
            Breaking.broken = True
            self.wfile.write(data[first:len(data) // 2])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            return None
        self.wfile.write(data[first:])
        return None


def by_registry(root, host, digest):
    layout, back = root / "layout", root / "back"
    host.labctl("image", "push", "one", f"oci:{layout}")
    tag = f"one-{digest[:12]}"
    run("umoci", "unpack", "--rootless", "--image", f"{layout}:{tag}", root / "unpacked")
    expect(sha256(root / "unpacked/rootfs/disk/disk.qcow2") == digest, "umoci unpacks another disk")
    registry = Registry(root)
    try:
        run("skopeo", "copy", "--dest-tls-verify=false", f"oci:{layout}:{tag}", f"docker://{registry.place}/lab/images:{tag}")
        seen = json.loads(run("skopeo", "inspect", "--tls-verify=false", f"docker://{registry.place}/lab/images:{tag}").stdout)
        expect(seen["Architecture"] == "amd64" and len(seen["Layers"]) == 1, f"skopeo inspect: {seen}")
        run("skopeo", "copy", "--src-tls-verify=false", f"docker://{registry.place}/lab/images:{tag}", f"oci:{back}:{tag}")
    finally:
        registry.close()
    other = Host(root, "by-registry")
    other.labctl("image", "pull", "one", f"oci:{back}", "--sha256", digest)
    expect(other.disk() and sha256(other.disk()) == digest, "the registry's image is another one")
    refused = Host(root, "refused").labctl("image", "pull", "one", f"oci:{back}", "--sha256", "0" * 64, code=2)
    expect("has no image one with the sha256 0000" in refused.stderr, f"another digest: {refused.stderr}")


def by_web(root, host, digest):
    host.labctl("image", "push", "one", root / "folder")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Breaking, directory=str(root / "folder")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    other = Host(root, "by-web")
    for _ in range(3):  # what is here already is kept
        if subprocess.run([LABCTL, "image", "pull", "one", url, "--sha256", digest], env=other.environment,
                          capture_output=True).returncode == 0:
            break
    server.shutdown()
    expect(other.disk() and sha256(other.disk()) == digest, "the web server's image is another one")
    expect(any(first > 0 for first in Breaking.ranges), f"the pull began again: {Breaking.ranges}")


def main():
    if not all(map(shutil.which, TOOLS)):
        return 1 if os.environ.get("LABCTL_NO_SKIPS") else 77
    with tempfile.TemporaryDirectory(prefix="lc") as folder:
        root = pathlib.Path(folder)
        recipe(root)
        host = Host(root, "builder")
        host.labctl("image", "build", "one", "--disks-only")
        digest = sha256(host.disk())
        by_registry(root, host, digest)
        by_web(root, host, digest)
    print("\n".join(failures) or "images travel with others' tools")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
