#!/usr/bin/env python3
"""Without asking, a guest has no network card. On `network: isolated` it has one, with an address, and reaches nobody: not the host, which
listens, not another guest of the same run. By hand: some minutes.

  isolated.py LABCTL IMAGE
"""
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading

# What the candidate is: a script that speaks for the guest. It passes when the card is there and everybody else is not. 10.0.2.2 is the
# host in QEMU's own network, 10.0.2.15 the first guest in each. The guests have no ip(8): perl asks the kernel.
ISOLATED = """\
set -eu
card=$(ls /sys/class/net | grep -v '^lo$')
perl -MSocket -e 'my ($card, $mine) = @ARGV;
  socket(my $s, AF_INET, SOCK_DGRAM, 0) or die;
  my $address = pack("a16 S n a4 x16", $card, AF_INET, 0, inet_aton($mine));
  my $mask = pack("a16 S n a4 x16", $card, AF_INET, 0, inet_aton("255.255.255.0"));
  my $up = pack("a16 s x22", $card, 0x41);
  ioctl($s, 0x8916, $address) or die "address: $!";
  ioctl($s, 0x891c, $mask) or die "mask: $!";
  ioctl($s, 0x8914, $up) or die "up: $!";
  my $to = sub { pack("S n a4 x8", AF_INET, 0, inet_aton($_[0])) };
  my $route = pack("x8 a16 a16 a16 S x62", $to->("0.0.0.0"), $to->("10.0.2.2"), $to->("0.0.0.0"), 3);
  ioctl($s, 0x890b, $route) or die "route: $!";' "$card" 10.0.2.@ME@
grep -q "^$card.00000000.0202000A" /proc/net/route  # the card is up, and there is a way to everywhere
reach() { timeout 5 bash -c "echo here >/dev/tcp/$1/$2" 2>/dev/null; }
for who in 10.0.2.2 10.0.2.3 10.0.2.15 10.0.2.16; do
  if [ "$who" != 10.0.2.@ME@ ] && reach "$who" @PORT@; then echo "reached $who" >&2; exit 1; fi
done
if reach @HOST@ @PORT@; then echo "reached @HOST@" >&2; exit 1; fi
"""
NONE = """\
set -eu
test "$(ls /sys/class/net)" = lo
if timeout 5 bash -c "echo here >/dev/tcp/@HOST@/@PORT@" 2>/dev/null; then exit 1; fi
"""
# A boot has ended before udev has loaded the driver of every card.
A_CARD = "timeout 120 sh -c 'until ls /sys/class/net | grep -v ^lo$; do sleep 1; done' | wc -l"
NO_CARD = "ls /sys/class/net | grep -cv ^lo$; true"
SCENARIO = """\
labctl: 1
name: @NAME@
candidate: {driver: {@DRIVERS@}}
@MACHINE@
matrix: {image: [@IMAGE@], driver: [@LABELS@]}
guest:
  linux:
    driver: {kind: script, install: bash $LABCTL_DRIVER}
    proof: [{run: "@LOOK@", prints: "@CARDS@"}]
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
    try:
        own.connect(("192.0.2.1", 9))  # sends nothing: which address would this host use?
        host = own.getsockname()[0]
    except OSError:
        host = "127.0.0.2"
    words = {"@PORT@": str(listener.getsockname()[1]), "@HOST@": host, "@IMAGE@": image}

    def run(name, scripts, machine, look, cards):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            files = {f"{label}.sh": script.replace("@ME@", me) for label, (script, me) in scripts.items()}
            files["gate.yaml"] = (SCENARIO.replace("@NAME@", name).replace("@MACHINE@", machine)
                                  .replace("@CARDS@", cards).replace("@LOOK@", look)
                                  .replace("@LABELS@", ", ".join(scripts))
                                  .replace("@DRIVERS@", ", ".join(f"{label}: {label}.sh" for label in scripts)))
            for file, text in files.items():
                for word, value in words.items():
                    text = text.replace(word, value)
                (folder / file).write_text(text)
            done = subprocess.run([labctl, "run", folder / "gate.yaml", "--out", folder / "out"], capture_output=True, text=True)
        print(done.stdout, flush=True)
        return [] if done.returncode == 0 else [f"{name}: exit code {done.returncode}\n{done.stderr}"]

    socket.create_connection((host if host != "127.0.0.2" else "127.0.0.1", listener.getsockname()[1])).close()  # it does listen
    wrong = run("isolated", {"one": (ISOLATED, "15"), "candidate": (ISOLATED, "16")}, "machine: {network: isolated}", A_CARD, "1")
    wrong += run("no-network", {"candidate": (NONE, "")}, "", NO_CARD, "0")
    if wrong or len(heard) != 1:
        sys.exit("FAILED: " + "\n".join([*wrong, f"{len(heard) - 1} connections from guests"]))
    print("without asking there is no card; each isolated guest had one, and reached nobody")


if __name__ == "__main__":
    main()
