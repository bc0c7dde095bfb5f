#!/usr/bin/env python3
"""Runs picklescan (normal and --strict), modelscan, fickling and modelaudit beside neural-scope: how many of the bad
files of the generated corpus each finds, how many of the good ones it flags, and the time and peak memory that each
needs for a checkpoint.

    python Benchmarks/security/compare.py [CHECKPOINT ...] [--scanner PATH] [--peers FOLDER] [--family NAME] [--missed]

The other tools are installed into environments of their own below --peers (.build/security-peers); one that does not
install is named and left out. Nothing is loaded: the files are scanned as they lie in Tests/Fixtures/malicious.
"""
import argparse, os, statistics, subprocess, time

import peers

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def corpus(root, wanted):
    """(family, bad files, good files) of every family that is there."""
    for family in sorted(os.listdir(root)):
        folders = [os.path.join(root, family, kind) for kind in ("bad", "good")]
        if (not wanted or family == wanted) and all(os.path.isdir(f) for f in folders):
            yield family, *([os.path.join(f, n) for n in sorted(os.listdir(f)) if os.path.isfile(os.path.join(f, n))] for f in folders)


def cost(command):
    """Seconds and MiB of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=peers.QUIET)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("checkpoints", nargs="*")
    parser.add_argument("--scanner", default=os.path.join(ROOT, ".build/release/neural-scope"))
    parser.add_argument("--peers", default=os.path.join(ROOT, ".build/security-peers"))
    parser.add_argument("--corpus", default=os.path.join(ROOT, "Tests/Fixtures/malicious"))
    parser.add_argument("--family", help="one family of the corpus")
    parser.add_argument("--missed", action="store_true", help="name the files each tool gets wrong")
    parser.add_argument("--runs", type=int, default=3, help="runs per checkpoint; the median is shown")
    options = parser.parse_args()
    os.makedirs(options.peers, exist_ok=True)

    tools = {"neural-scope": peers.neural_scope(options.scanner)}
    for name, make in {"picklescan": peers.picklescan, "modelscan": peers.modelscan, "fickling": peers.fickling, "modelaudit": peers.modelaudit}.items():
        version = peers.install(options.peers, name)
        if version is None:
            print(f"{name}: not installed, left out")
            continue
        tools[f"{name} {version}"] = make(options.peers)
        if name == "picklescan":
            tools[f"{name} {version} --strict"] = make(options.peers, "--strict")

    families = list(corpus(options.corpus, options.family))
    heads = [f"{family} ({len(bad)} / {len(good)})" for family, bad, good in families]
    print("\nFound / false alarms, by family (bad / good files):\n")
    print("| tool | " + " | ".join(heads) + " | all | seconds |\n|---|" + "---|" * (len(heads) + 2))
    wrong = {}
    for tool, (scan, _) in tools.items():
        cells, total, start = [], [0, 0], time.perf_counter()
        for family, bad, good in families:
            found, alarms = scan(bad), scan(good)
            hits, false = [f for f in bad if found.get(f)], [f for f in good if alarms.get(f)]
            cells.append(f"{len(hits)} / {len(false)}")
            total[0] += len(hits)
            total[1] += len(false)
            wrong.setdefault(tool, []).append((family, sorted({os.path.basename(f) for f in bad} - {os.path.basename(f) for f in hits}), [os.path.basename(f) for f in false]))
        print(f"| {tool} | " + " | ".join(cells) + f" | {total[0]} / {total[1]} | {time.perf_counter() - start:.1f} |", flush=True)
    if options.missed:
        for tool, entries in wrong.items():
            for family, missed, false in entries:
                print(f"\n{tool}, {family}: missed {' '.join(missed) or '-'}; false alarms {' '.join(false) or '-'}")

    for path in options.checkpoints:
        print(f"\n{os.path.basename(path)}, {os.path.getsize(path) / 1e6:.1f} MB, median of {options.runs} processes:\n\n| tool | seconds | MiB |\n|---|---|---|")
        for tool, (_, command) in tools.items():
            runs = [cost(command(path)) for _ in range(options.runs)]
            print(f"| {tool} | {statistics.median(r[0] for r in runs):.3f} | {max(r[1] for r in runs):.0f} |", flush=True)


if __name__ == "__main__":
    main()
