#!/usr/bin/env python3
"""Builds the sample sensor for Windows and looks at what came out, so that it cannot rot where no Windows loads it.

  windows_driver_test.py             exit 77 (skipped) where mingw-w64 is not installed
"""
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

root = pathlib.Path(__file__).resolve().parents[2]
sources = root / "scenarios" / "sensor" / "windows"
NATIVE, AMD64, DYNAMIC_BASE, NX = 1, 0x8664, 0x40, 0x100


def driver_mistakes(image):
    """What keeps a Windows from taking this file for a driver of its own, as a list of words."""
    mistakes = []
    (pe,) = struct.unpack_from("<I", image, 0x3C)
    if image[:2] != b"MZ" or image[pe:pe + 4] != b"PE\0\0":
        return ["no PE image"]
    machine, sections, _, _, _, optional_size, flags = struct.unpack_from("<HHIIIHH", image, pe + 4)
    optional = pe + 24
    magic, = struct.unpack_from("<H", image, optional)
    entry, = struct.unpack_from("<I", image, optional + 16)
    subsystem, characteristics = struct.unpack_from("<HH", image, optional + 68)
    if machine != AMD64 or magic != 0x20B:
        mistakes.append("not of x86-64")
    if subsystem != NATIVE:
        mistakes.append(f"subsystem {subsystem} is not native")
    if entry == 0:
        mistakes.append("no entry point")
    if not characteristics & DYNAMIC_BASE or flags & 1:
        mistakes.append("cannot be put anywhere in memory")
    if not characteristics & NX:
        mistakes.append("wants memory that is written to and executed")
    table = [struct.unpack_from("<8sIIII", image, optional + optional_size + 40 * i) for i in range(sections)]

    def at(rva):
        for _, size, begin, raw_size, raw in table:
            if begin <= rva < begin + max(size, raw_size):
                return raw + rva - begin
        raise ValueError(f"no section holds 0x{rva:x}")

    names = []
    imports, = struct.unpack_from("<I", image, optional + 112 + 8)
    place = at(imports) if imports else None
    while place and (name := struct.unpack_from("<I", image, place + 12)[0]):
        begin = at(name)
        names.append(image[begin:image.index(b"\0", begin)].decode().lower())
        place += 20
    if names != ["ntoskrnl.exe"]:
        mistakes.append(f"imports from {', '.join(names) or 'nothing'}, not from ntoskrnl.exe alone")
    relocations, = struct.unpack_from("<I", image, optional + 112 + 5 * 8)
    if not relocations:
        mistakes.append("no relocations")
    return mistakes


def inf_mistakes(text):
    """Sections that are named and not there, words that the build left, words that Windows asks for."""
    mistakes = []
    sections, current = {}, None
    for line in text.splitlines():
        line = line.split(";")[0].strip()
        if match := re.fullmatch(r"\[([\w.]+)\]", line):
            current = sections.setdefault(match[1].lower(), {})
        elif line and current is not None:
            key, _, value = line.partition("=")
            current[key.strip().lower()] = value.strip()
        elif line:
            mistakes.append(f"'{line}' stands in no section")
    mistakes += [f"no [{name}]" for name in ("version", "defaultinstall.ntamd64", "sourcedisksfiles", "strings") if name not in sections]
    version = sections.get("version", {})
    for key in ("signature", "class", "classguid", "provider", "driverver", "catalogfile", "pnplockdown"):
        if key not in version:
            mistakes.append(f"[Version] says no {key}")
    if not re.fullmatch(r"\d\d/\d\d/\d{4},\d+\.\d+\.\d+\.\d+", version.get("driverver", "")):
        mistakes.append(f"DriverVer '{version.get('driverver', '')}' is no date and version")
    install = "defaultinstall.ntamd64"
    if files := sections.get(install, {}).get("copyfiles"):
        for file in sections.get(files.lower(), {"?": ""}):
            if file not in sections.get("sourcedisksfiles", {}):
                mistakes.append(f"{file} is copied from nowhere")
    else:
        mistakes.append("nothing is copied")
    service = sections.get(install + ".services", {}).get("addservice", ",,")
    if service.split(",")[2].strip().lower() not in sections:
        mistakes.append(f"no section for the service '{service}'")
    for word in re.findall(r"%([A-Za-z]\w*)%", text):
        if word.lower() not in sections.get("strings", {}):
            mistakes.append(f"no string %{word}%")
    if re.search(r"@[A-Z]+@", text):
        mistakes.append("the build left a word in it")
    return mistakes


def self_test(image, inf):
    """Each check must find what it is there for."""
    (pe,) = struct.unpack_from("<I", image, 0x3C)

    def patched(at, value):
        changed = bytearray(image)
        struct.pack_into("<H", changed, pe + 24 + at, value)
        return bytes(changed)

    assert driver_mistakes(patched(68, 3)) == ["subsystem 3 is not native"]
    assert "cannot be put anywhere in memory" in driver_mistakes(patched(70, 0))
    assert driver_mistakes(image.replace(b"ntoskrnl.exe", b"kernel32.dll")) != []
    assert driver_mistakes(b"\0" * 4096) == ["no PE image"]
    assert any("service" in m for m in inf_mistakes(inf.replace("[Sensor.Service]", "[Other]")))
    assert any("nowhere" in m for m in inf_mistakes(inf.replace("sensor.sys = 1", "other.sys = 1")))
    assert any("DriverVer" in m for m in inf_mistakes(inf.replace("07/01/2026", "@DATE@")))
    assert any("%Device%" in m for m in inf_mistakes(inf.replace("Device   =", "Devices  =")))


def main():
    if not shutil.which("x86_64-w64-mingw32-gcc"):
        print("skipped: gcc-mingw-w64-x86-64 is not installed")
        return 77
    with tempfile.TemporaryDirectory() as work:
        out, again = pathlib.Path(work) / "one", pathlib.Path(work) / "two"
        for folder in (out, again):
            subprocess.run([sources / "build.sh", "--out", folder], check=True)
        mistakes = []
        for release in ("7.15", "7.16"):
            for name in (f"sensor_{release}.sys", f"sensor_{release}.zip"):
                if (out / name).read_bytes() != (again / name).read_bytes():
                    mistakes.append(f"{name}: two builds differ")
            image = (out / f"sensor_{release}.sys").read_bytes()
            package = zipfile.ZipFile(out / f"sensor_{release}.zip")
            inf = package.read("sensor.inf").decode("ascii")
            if package.read("sensor.sys") != image:
                mistakes.append(f"{release}: the package holds another driver")
            if f"{release}.0.0".encode("utf-16-le") not in image:
                mistakes.append(f"{release}: the file does not tell its version")
            mistakes += [f"sensor_{release}.sys: {m}" for m in driver_mistakes(image)]
            mistakes += [f"sensor_{release}.inf: {m}" for m in inf_mistakes(inf)]
        self_test(image, inf)
    for mistake in mistakes:
        print("WRONG", mistake)
    print(f"the Windows driver of the sample: {len(mistakes)} mistakes")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
