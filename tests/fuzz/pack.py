#!/usr/bin/env python3
"""Puts the inputs of a fuzzer's corpus into one file, which the unit tests read, or takes them out again.

  pack.py PACK DIR            writes PACK from the files in DIR, the smallest first
  pack.py --unpack PACK DIR   writes the files into DIR, named by their digest as libFuzzer does
"""
import hashlib
import pathlib
import sys


def read(pack):
    data = pack.read_bytes()
    at = 0
    while at < len(data):
        length = int(data[at:at + 8])
        yield data[at + 9:at + 9 + length]
        at += 9 + length


def main():
    arguments = sys.argv[1:]
    unpack = arguments[:1] == ["--unpack"]
    if len(arguments) != 2 + unpack:
        sys.exit(__doc__)
    pack, folder = map(pathlib.Path, arguments[unpack:])
    if unpack:
        folder.mkdir(parents=True, exist_ok=True)
        for data in read(pack):
            (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
        return
    inputs = sorted({file.read_bytes() for file in folder.iterdir()}, key=lambda data: (len(data), data))
    pack.parent.mkdir(parents=True, exist_ok=True)
    pack.write_bytes(b"".join(b"%08d\n%s" % (len(data), data) for data in inputs))
    print(f"{len(inputs)} inputs, {pack.stat().st_size} bytes")


if __name__ == "__main__":
    main()
