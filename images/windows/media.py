"""What Microsoft's installation medium says of itself: the editions that it installs, out of the XML of the WIM files in it.

The medium's own file system is UDF, which few programs read. It holds each file in one piece, from the beginning of a sector, so
that the header of a WIM is found by looking. All of it is somebody's bytes: sizes are bounded, and what makes no sense is left out.
"""
import html
import os
import re

MAGIC = b"MSWIM\0\0\0"
SECTOR = 2048
HEADER = 208
LARGEST = 16 << 20  # bytes of XML: a medium's has some ten thousand
PIECE = 16 << 20


def headers(file):
    """Where in the file a WIM may begin."""
    at, size = 0, os.fstat(file.fileno()).st_size
    while at < size:
        file.seek(at)
        piece = file.read(PIECE)
        found = piece.find(MAGIC)
        while found >= 0:
            if found % SECTOR == 0:
                yield at + found
            found = piece.find(MAGIC, found + 1)
        at += PIECE


def xml_of(file, begin):
    """Its XML, or nothing: the header says where it is, and that it is not compressed."""
    file.seek(begin)
    header = file.read(HEADER)
    if len(header) < HEADER or int.from_bytes(header[8:12], "little") != HEADER:
        return ""
    stored, flags = int.from_bytes(header[72:79], "little"), header[79]
    at, size = int.from_bytes(header[80:88], "little"), int.from_bytes(header[88:96], "little")
    if flags & 4 or stored != size or not 2 <= size <= LARGEST or begin + at + size > os.fstat(file.fileno()).st_size:
        return ""
    file.seek(begin + at)
    data = file.read(size)
    return data[2:].decode("utf-16-le", "replace") if data[:2] == b"\xff\xfe" else ""


def editions(path):
    """The names, each once, as /IMAGE/NAME of an answer file has to say them; those of the setup's own system are among them."""
    names = []
    with open(path, "rb") as file:
        for begin in headers(file):
            for name in re.findall(r"<NAME>([^<]{1,200})</NAME>", xml_of(file, begin)):
                name = html.unescape(name).strip()
                if name.isprintable() and name not in names and len(names) < 100:
                    names.append(name)
    return names
