#!/usr/bin/env python3
"""Runs neural-scope, picklescan and fickling over the security corpus: detections, false alarms, time.

    python Benchmarks/security/compare.py [--scanner .build/release/neural-scope] [--corpus Tests/Fixtures/malicious/core]

Needs `pip install picklescan fickling`; a tool that is not installed is left out and said so. The files of the
corpus are scanned, never loaded. picklescan and fickling are called as libraries in this process, so that their
start-up is not counted; neural-scope is a process of its own, start-up counted.
"""
import argparse, json, logging, os, subprocess, sys, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def neural_scope(binary):
    def scan(folder):
        run = subprocess.run([binary, "security", folder, "--json"], capture_output=True, text=True)
        files = json.loads(run.stdout)
        files = files if isinstance(files, list) else files.get("files", [files])
        return {os.path.basename(f["path"]): f["verdict"] == "unsafe" for f in files}

    return scan


def picklescan(strict):
    import picklescan.scanner as scanner

    logging.getLogger("picklescan").setLevel(logging.CRITICAL)

    def scan(folder):
        flagged = {}
        for name in sorted(os.listdir(folder)):
            try:
                result = scanner.scan_file_path(os.path.join(folder, name), **({"strict": True} if strict else {}))
                flagged[name] = result.issues_count > 0 or bool(getattr(result, "scan_err", False))
            except Exception:
                flagged[name] = True
        return flagged

    return scan


def fickling():
    from fickling.analysis import Severity, check_safety
    from fickling.fickle import StackedPickle

    def scan(folder):
        flagged = {}
        for name in sorted(os.listdir(folder)):
            try:
                with open(os.path.join(folder, name), "rb") as file:
                    pickles = StackedPickle.load(file)
                flagged[name] = any(check_safety(p).severity > Severity.LIKELY_SAFE for p in pickles)
            except Exception:
                flagged[name] = name.endswith((".pkl",))  # it refuses what it cannot parse
        return flagged

    return scan


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--scanner", default=os.path.join(ROOT, ".build/release/neural-scope"))
    parser.add_argument("--corpus", default=os.path.join(ROOT, "Tests/Fixtures/malicious/core"))
    parser.add_argument("--extension", help="only files of this extension, e.g. .pkl (tools that read pickles alone)")
    parser.add_argument("--missed", action="store_true", help="name the files each tool gets wrong")
    options = parser.parse_args()
    bad, good = (os.path.join(options.corpus, kind) for kind in ("bad", "good"))
    tools = {}
    if os.path.exists(options.scanner):
        tools["neural-scope"] = lambda: neural_scope(options.scanner)
    tools |= {"picklescan": lambda: picklescan(False), "picklescan --strict": lambda: picklescan(True), "fickling": fickling}
    wanted = lambda name: not options.extension or name.endswith(options.extension)
    names = {folder: [n for n in os.listdir(folder) if wanted(n)] for folder in (bad, good)}
    print(f"{len(names[bad])} malicious, {len(names[good])} benign\n\n| tool | found | false alarms | seconds |\n|---|---|---|---|")
    for tool, make in tools.items():
        try:
            scan = make()
        except ImportError as error:
            print(f"| {tool} | not installed: {error.name} | | |")
            continue
        start = time.perf_counter()
        found, alarms = scan(bad), scan(good)
        seconds = time.perf_counter() - start
        hits = [n for n in names[bad] if found.get(n)]
        false = [n for n in names[good] if alarms.get(n)]
        print(f"| {tool} | {len(hits)} | {len(false)} | {seconds:.2f} |")
        if options.missed:
            print("  missed:", *sorted(set(names[bad]) - set(hits)), "\n  false:", *sorted(false))


if __name__ == "__main__":
    main()
