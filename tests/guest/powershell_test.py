#!/usr/bin/env python3
"""Parses every PowerShell program, for guests and of the collectors, by tree-sitter's grammar of the language.

  powershell_test.py FOLDER     FOLDER keeps the grammar between runs

Exits 77 (skipped) where npm or the package cannot be had; LABCTL_NO_SKIPS=1, as tests/run.sh sets it, makes that a failure.
The formatter prettier-plugin-powershell is not used: it accepts `if ($x { 1 }`, and what it writes is another program (it
makes `/f:xml` into `/ f:xml`).
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

PACKAGE = "@vscode/tree-sitter-wasm@0.3.1"
ROOT = pathlib.Path(__file__).resolve().parents[2]
PARSE = """
const {readFileSync} = require('node:fs');
const folder = process.argv[2] + '/node_modules/@vscode/tree-sitter-wasm/wasm/';
const {Parser, Language} = require(folder + 'tree-sitter.js');
const first = node => node.isError || node.isMissing ? node : node.children.filter(c => c.hasError || c.isMissing).map(first)[0];
(async () => {
  await Parser.init();
  const parser = new Parser();
  parser.setLanguage(await Language.load(folder + 'tree-sitter-powershell.wasm'));
  for (const name of process.argv.slice(3)) {
    const root = parser.parse(readFileSync(name, 'utf8')).rootNode;
    if (root.hasError) {
      const {row, column} = (first(root) ?? root).startPosition;
      console.log(`${name}:${row + 1}:${column + 1}: syntax error`);
    }
  }
})();
"""
BAD = ["if ($x { 1 }", "foreach ($a in $b) {", "$x = 'abc", "$x = @(1, 2", "a | | b", "for ($i = 0; $i -lt 3) }", "if ($x) 1"]


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(1 if os.environ.get("LABCTL_NO_SKIPS") == "1" else 77)


def install(folder):
    if not shutil.which("npm"):
        skip("npm is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "package.txt").is_file() and (folder / "package.txt").read_text() == PACKAGE:
        return
    done = subprocess.run(["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE],
                          capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        skip(f"npm cannot install {PACKAGE}: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    (folder / "package.txt").write_text(PACKAGE)


def mistakes(folder, files):
    done = subprocess.run(["node", "-", str(folder), *map(str, files)], input=PARSE, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        sys.exit(f"the parser failed: {done.stderr}")
    return done.stdout.splitlines()


def main(folder):
    install(folder)
    with tempfile.TemporaryDirectory() as scratch:
        bad = []
        for number, text in enumerate(BAD):
            bad.append(pathlib.Path(scratch) / f"{number}.ps1")
            bad[-1].write_text(text + "\n")
        found = mistakes(folder, bad)
        missed = [text for number, text in enumerate(BAD) if not any(f"/{number}.ps1:" in line for line in found)]
        if missed:
            sys.exit(f"accepted, but must not be: {missed}")
    files = sorted([*(ROOT / "labctl/guest/scripts").glob("*.ps1"), *(ROOT / "templates/collectors").glob("*.ps1")])
    if not files:
        sys.exit("no programs found")
    found = mistakes(folder, files)
    print("\n".join(found) or f"{len(files)} programs parsed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
