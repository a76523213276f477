#!/usr/bin/env python3
"""Stands for QEMU while images/windows/build installs: speaks its monitor's protocol and writes on COM2, without a guest.

What it does is FAKE_QEMU: "boots" when the second key is pressed; then it is "silent", or says the rest, one line behind another, and
ends, as a guest does that switches itself off: in the middle of whatever its watcher does.
"""
import json
import os
import pathlib
import socket
import struct
import sys
import threading
import time
import zlib


def picture(number):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes([0, number]))) + chunk(b"IEND", b""))


def live(plan, pressed):
    while len(pressed) < 2:
        time.sleep(0.05)
    for line in plan[1:]:
        time.sleep(0.2)
        with open("words.log", "a") as words:
            words.write(f"labctl: {line}\r\n")
    if "silent" not in plan:
        os._exit(0)


def main():
    plan = os.environ["FAKE_QEMU"].split(";")
    path = next(word for word in sys.argv if word.startswith("unix:"))[len("unix:"):].split(",")[0]
    pathlib.Path("pid").write_text(str(os.getpid()))
    pathlib.Path("arguments").write_text("\n".join(sys.argv[1:]))
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    lines = server.accept()[0].makefile("rw")
    pressed = []
    if "dead" not in plan:
        threading.Thread(target=live, args=(plan, pressed), daemon=True).start()
    lines.write('{"QMP": {}}\n')
    lines.flush()
    while line := lines.readline():
        asked = json.loads(line)
        answer = {}
        if asked["execute"] == "send-key":
            pressed.append(asked)
        if asked["execute"] == "screendump":
            pathlib.Path(asked["arguments"]["filename"]).write_bytes(picture(len(pressed)))
        if asked["execute"] == "query-blockstats":
            read = 100 << 20 if len(pressed) >= 2 and "dead" not in plan else 1 << 20
            answer = [{"device": "disk", "stats": {"rd_bytes": 512, "wr_bytes": 0}},
                      {"device": "medium", "stats": {"rd_bytes": read, "wr_bytes": 0}}]
        lines.write('{"event": "RTC_CHANGE"}\n' + json.dumps({"return": answer}) + "\n")
        lines.flush()
    time.sleep(60)  # QEMU goes on when its monitor's other end is gone


main()
