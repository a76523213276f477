#!/usr/bin/env python3
"""cmake --install into an empty folder gives a labctl that works from there, without the source tree.

usage: install_test.py BUILD MAKE_BUNDLE
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BUILD, MAKE_BUNDLE = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
ROOT = pathlib.Path(__file__).resolve().parents[2]
failures = []


def check(good, what):
    if not good:
        failures.append(what)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        root, environment = folder / "root", {"PATH": os.environ["PATH"], "HOME": str(folder)}
        subprocess.run(["cmake", "--install", BUILD, "--prefix", root], check=True, stdout=subprocess.DEVNULL)
        bundle = subprocess.run([MAKE_BUNDLE, folder, "passed"], check=True, capture_output=True, text=True).stdout.strip()
        (folder / "console.log").write_text("[    4.100000] Kernel panic - not syncing: out of luck\n"
                                            "[    4.200000] ---[ end Kernel panic - not syncing: out of luck ]---\n")

        def run(program, *words):
            done = subprocess.run([root / "bin" / program, *words], capture_output=True, text=True, cwd=folder, env=environment, timeout=600)
            return done.returncode, done.stdout + done.stderr

        listed = subprocess.run([BUILD / "bin/labctl", "image", "list"], capture_output=True, text=True, check=True, env=environment).stdout
        recipes = [line.split("\t")[0] for line in listed.splitlines()]
        code, text = run("labctl", "image", "list")
        check(code == 0 and recipes and all(re.search(rf"^{re.escape(name)}\t", text, re.M) for name in recipes), f"image list: {code} {text}")
        check(str(ROOT) not in text, f"image list names the source tree: {text}")
        for scenario in sorted((root / "share/doc/labctl/examples").glob("*.yaml")):
            values = ["--set", "boots=20"] if "${boots}" in scenario.read_text() else []
            code, text = run("labctl", "validate", scenario, *values)
            check(code == 0, f"validate {scenario.name}: {code} {text}")
        for program in ("labctl", "labctl-judge"):
            code, text = run(program, "judge", bundle)
            check(code == 0 and "PASSED" in text, f"{program} judge: {code} {text}")
            code, text = run(program, "scan", "console.log")
            check(code == 1 and "out of luck" in text, f"{program} scan: {code} {text}")
        for recipe in (ROOT / "images").rglob("*"):
            if recipe.is_file():
                installed = root / "share/labctl/images" / recipe.relative_to(ROOT / "images")
                check(installed.is_file() and os.access(installed, os.X_OK) == os.access(recipe, os.X_OK), f"{recipe} is not installed as it is")
        for wanted in ("share/man/man1/labctl-run.1", "share/bash-completion/completions/labctl", "share/zsh/vendor-completions/_labctl",
                       "share/fish/vendor_completions.d/labctl.fish", "share/labctl/schemas/scenario.schema.json",
                       *(f"share/labctl/schemas/{name}.schema.json" for name in ("run", "verdict", "history", "rings", "signatures", "waivers", "image", "plan", "scan", "split", "watch")),
                       "share/doc/labctl/docs/tutorial/first-run.md", "share/doc/labctl/LICENSE"):
            check((root / wanted).is_file(), f"{wanted} is not installed")
    print("\n".join(failures) or f"{len(recipes)} recipes and all verbs work from an installation")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
