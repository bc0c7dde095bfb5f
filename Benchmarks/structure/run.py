#!/usr/bin/env python3
"""Structure analysis as a whole process: neural-scope against torchinfo on the same model, in one go.

    python Benchmarks/structure/run.py [--model .zoo/resnet18.onnx] [--torchvision resnet18] [--rounds 5] [--python PYTHON]

Prints wall time, CPU time and peak resident memory of each (median over rounds, run in turn) and the ratios.
The ONNX file is written by Tests/Fixtures/export_zoo.py.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, time

TORCHINFO = """
import sys, torchvision, torchinfo
model = getattr(torchvision.models, sys.argv[1])(weights=None)
s = torchinfo.summary(model, input_size=(1, 3, 224, 224), verbose=0)
print('{"parameters": %d, "macs": %d}' % (s.total_params, s.total_mult_adds))
"""


def measure(command):
    """Wall seconds, CPU seconds, peak resident MiB and standard output of one process."""
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE)
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f'{command[0]} failed ({process.returncode}): {errors.decode()[-400:]}')
        out.seek(0)
        return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out.read().decode()


def figures(text):
    data = json.loads(text[text.index('{'):])
    data = data.get('analysis', data)
    value = lambda x: x if isinstance(x, (int, float)) else x.get('value')
    return {k: value(data[k]) for k in ('parameters', 'macs') if k in data}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--model', default='.zoo/resnet18.onnx')
    parser.add_argument('--torchvision', default='resnet18')
    parser.add_argument('--binary', default='.build/release/neural-scope')
    parser.add_argument('--python', default=sys.executable)
    parser.add_argument('--rounds', type=int, default=5)
    options = parser.parse_args()
    commands = {
        'neural-scope': [options.binary, 'analyze', options.model, '--no-run', '--json'],
        'torchinfo': [options.python, '-c', TORCHINFO, options.torchvision],
    }
    rows = {name: [] for name in commands}
    output = {}
    for name, command in commands.items():  # warms the file cache
        output[name] = figures(measure(command)[3])
    for _ in range(options.rounds):
        for name, command in commands.items():
            rows[name].append(measure(command)[:3])
    median = {name: [statistics.median(column) for column in zip(*runs)] for name, runs in rows.items()}
    print(f'{options.model}, median of {options.rounds} rounds, alternating')
    print(f"{'':14}{'wall s':>10}{'CPU s':>10}{'peak MiB':>10}   figures")
    for name, (wall, cpu, memory) in median.items():
        print(f'{name:14}{wall:10.3f}{cpu:10.3f}{memory:10.1f}   {output[name]}')
    ours, theirs = median['neural-scope'], median['torchinfo']
    print('torchinfo / neural-scope: ' + ', '.join(
        f'{label} {b / max(a, 1e-9):.0f}x' for label, a, b in zip(('wall', 'CPU', 'memory'), ours, theirs)))


if __name__ == '__main__':
    main()
