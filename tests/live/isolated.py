#!/usr/bin/env python3
"""A guest on `network: isolated` has a card with an address, and reaches nobody: not the host, which listens, not another guest of
the same run. By hand: some minutes.

  isolated.py LABCTL IMAGE
"""
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading

# What the candidate is: a script that speaks for the guest. It passes when the card is there and everybody else is not. 10.0.2.2 is the
# host in QEMU's own network, 10.0.2.15 the first guest in each.
SCRIPT = """\
set -eu
card=$(ls /sys/class/net | grep -v '^lo$' | head -1)
test -n "$card"
ip link set "$card" up
ip addr add 10.0.2.@ME@/24 dev "$card" || true
ip route add default via 10.0.2.2 || true
reach() { timeout 5 bash -c "echo here >/dev/tcp/$1/$2" 2>/dev/null; }
for who in 10.0.2.2 10.0.2.15 10.0.2.16 @HOST@; do
  if [ "$who" != 10.0.2.@ME@ ] && reach "$who" @PORT@; then echo "reached $who" >&2; exit 1; fi
done
"""
SCENARIO = """\
labctl: 1
name: isolated
candidate: {driver: {one: one, candidate: two}}
machine: {network: isolated}
matrix: {image: [@IMAGE@], driver: [one, candidate]}
guest:
  linux:
    driver: {kind: script, install: bash $LABCTL_DRIVER}
    proof: [{run: "ls /sys/class/net | grep -cv '^lo$'", prints: "1"}]
story: [install driver, reboot]
"""


def main():
    labctl, image = sys.argv[1:3]
    heard = []
    listener = socket.socket()
    listener.bind(("0.0.0.0", 0))
    listener.listen()
    threading.Thread(target=lambda: [heard.append(listener.accept()[1]) for _ in range(100)], daemon=True).start()
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.connect(("192.0.2.1", 9))  # sends nothing: which address would this host use?
    words = {"@PORT@": str(listener.getsockname()[1]), "@HOST@": own.getsockname()[0], "@IMAGE@": image}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, text in (("one", SCRIPT), ("two", SCRIPT), ("isolated.yaml", SCENARIO)):
            for word, value in {**words, "@ME@": "15" if name == "one" else "16"}.items():
                text = text.replace(word, value)
            (folder / name).write_text(text)
        socket.create_connection(listener.getsockname()).close()  # it does listen
        done = subprocess.run([labctl, "run", folder / "isolated.yaml", "--out", folder / "out"], capture_output=True, text=True)
    print(done.stdout)
    if done.returncode != 0 or len(heard) != 1:
        sys.exit(f"FAILED: exit code {done.returncode}, {len(heard) - 1} connections from guests\n{done.stderr}")
    print("each guest had a card, and reached nobody")


if __name__ == "__main__":
    main()
