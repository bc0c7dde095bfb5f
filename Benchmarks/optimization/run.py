#!/usr/bin/env python3
"""Optimizers beside each other on the same networks, calibration images and evaluation images.

    run.py --work FOLDER --efficientnet-lite0 CHECKPOINT --resnet56 CHECKPOINT --resnet20 CHECKPOINT --resnet18 MODEL.onnx
           --imagenet DIR --cifar DIR [--tool .build/release/neural-scope]
           [--python PACKAGE=PYTHON]... [--flags NAME=FLAGS]...
           [--models ...] [--steps prepare,optimize,judge,time,table] [--only NAME,...] [--again]

What a network's folder under FOLDER already holds is not made again without --again (--only says which). So ours alone
is measured anew by `--steps optimize --only neural-scope --again` and then `--steps judge,time,table`. README.md beside
this file says what is compared, how, and how to install the peers.

This file imports nothing heavy: a child's peak memory as the system reports it begins with its parent's.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import peers
import table

HERE = pathlib.Path(__file__).resolve().parent
# Ours: name, title, extra arguments, networks (None: all), whether it stands in the pruning table.
OURS = [
    ('neural-scope', 'Neural-Scope', [], None, False),
    ('neural-scope-pruned', 'Neural-Scope, pruning', ['--technique', 'pruning', '--max-accuracy-drop', '1.5'],
     ('resnet56',), True),
    ('neural-scope-pruned-int8', 'Neural-Scope, pruning and INT8', ['--technique', 'pruning,int8', '--objective', 'balanced', '--max-accuracy-drop', '0.6'], ('resnet56',), True),
]
# Network: title, way to build it, data, preprocessing (what the tool chooses by itself for it), trained.
NETWORKS = {
    'efficientnet_lite0': ('EfficientNet-Lite0', 'efficientnet_lite0', 'imagenet', 'tf', True),
    'resnet56': ('CIFAR ResNet-56', 'cifar_resnet', 'cifar', 'cifar', True),
    'resnet20': ('CIFAR ResNet-20', 'cifar_resnet', 'cifar', 'cifar', True),
    'resnet18': ('ResNet18, random weights', 'onnx', 'imagenet', 'imagenet', False),
}


def measure(command, output):
    """Runs one process: wall seconds, CPU seconds, peak resident MiB, exit code, last words. Its output goes to a file."""
    with open(output, 'wb') as out, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        lines = errors.read().decode(errors='replace').strip().splitlines()
        words = next((line for line in lines if line.lower().startswith('error')), lines[-1] if lines else '')
    return {'wallSeconds': wall, 'cpuSeconds': usage.ru_utime + usage.ru_stime, 'peakMiB': usage.ru_maxrss / 1024,
            'exitCode': process.returncode, 'reason': words[:200] if process.returncode else ''}


def python_of(options, package):
    return dict(entry.split('=', 1) for entry in options.python).get(package, sys.executable)


def source_of(options, name):
    return getattr(options, name)


def recipes(name):
    """Name, title, engine, in the pruning table?, for every candidate but FP32."""
    ours = [(key, title, 'onnxruntime', pruned) for key, title, _, only, pruned in OURS if only is None or name in only]
    theirs = [(key, recipe.title, recipe.engine, recipe.models is not None) for key, recipe in peers.RECIPES.items()
              if recipe.models is None or name in recipe.models]
    return theirs + ours


def prepare(options, name, folder):
    if (folder / 'prepared.json').exists() and not options.again:
        return
    title, network, data, preprocessing, _ = NETWORKS[name]
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, str(HERE / 'prepare.py'), network, source_of(options, name), getattr(options, data),
                    preprocessing, str(folder)], check=True)


def optimize(options, name, folder):
    for key, title, engine, _ in recipes(name):
        if options.only and key not in options.only:
            continue
        record = folder / f'{key}.json'
        if record.exists() and not options.again:
            continue
        path = folder / (f'{key}.xml' if engine == 'openvino' else f'{key}.onnx')
        path.unlink(missing_ok=True)
        if key in peers.RECIPES:
            command = [python_of(options, peers.RECIPES[key].package), str(HERE / 'peers.py'), key, str(folder), str(path)]
            if peers.RECIPES[key].models:
                command += ['--checkpoint', source_of(options, name)]
        else:
            data, extra = NETWORKS[name][2], next(entry[2] for entry in OURS if entry[0] == key)
            extra = dict(entry.split('=', 1) for entry in options.flags).get(key, ' '.join(extra)).split()
            if not NETWORKS[name][4]:  # random weights: labels mean nothing
                extra += ['--judge', 'agreement']
            command = [options.tool, 'optimize', source_of(options, name), '--data', getattr(options, data),
                       '--out', str(path), '--json', *extra]
        result = measure(command, folder / f'{key}.out')
        result['path'], result['engine'] = str(path), engine
        if result['exitCode'] == 0 and not path.exists():
            result['reason'] = 'wrote no model'
        if not path.exists():
            print(f'{name}, {title}: not run: {result["reason"] or result["exitCode"]}', file=sys.stderr)
        else:
            print(f'{name}, {title}: {result["wallSeconds"]:.1f} s, {result["peakMiB"]:.0f} MiB', file=sys.stderr)
        record.write_text(json.dumps(result, indent=1))


def candidates(options, name, folder):
    """FP32 first in each engine. In OpenVINO also ours and the best of ONNX Runtime's recipes, as files."""
    base = str(folder / 'fp32.onnx')
    found = [{'name': 'fp32', 'path': base, 'engine': 'onnxruntime'}]
    for key, _, engine, _ in recipes(name):
        record = folder / f'{key}.json'
        if record.exists():
            entry = json.loads(record.read_text())
            if pathlib.Path(entry['path']).exists():
                found.append({'name': key, 'path': entry['path'], 'engine': engine})
    if any(entry['engine'] == 'openvino' for entry in found):
        found.append({'name': 'fp32@openvino', 'path': base, 'engine': 'openvino'})
        for key in ('ort-u8s8-channel-7bit', 'neural-scope'):
            found += [{**entry, 'name': f'{key}@openvino', 'engine': 'openvino'} for entry in found if entry['name'] == key]
        found.sort(key=lambda entry: (entry['engine'] == 'openvino', entry['name'] != 'fp32@openvino'))
    path = folder / 'candidates.json'
    path.write_text(json.dumps(found, indent=1))
    return path


def judge(options, name, folder):
    arguments = ['judge', str(folder), str(candidates(options, name, folder))]
    done = subprocess.run([sys.executable, str(HERE / 'measure.py'), *arguments], check=True, stdout=subprocess.PIPE)
    (folder / 'judged.json').write_bytes(done.stdout)


def clock(options, name, folder):
    for threads in options.threads:
        arguments = ['time', str(folder), str(candidates(options, name, folder)), '--threads', str(threads),
                     '--seconds', str(options.seconds)]
        done = subprocess.run([sys.executable, str(HERE / 'measure.py'), *arguments], check=True, stdout=subprocess.PIPE)
        (folder / f'times-{threads}.json').write_bytes(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--work', required=True)
    for name in NETWORKS:
        parser.add_argument(f'--{name.replace("_", "-")}', dest=name)
    parser.add_argument('--imagenet')
    parser.add_argument('--cifar')
    parser.add_argument('--tool', default='.build/release/neural-scope')
    parser.add_argument('--python', action='append', default=[], metavar='PACKAGE=PYTHON',
                        help='the interpreter that has a peer')
    parser.add_argument('--flags', action='append', default=[], metavar='NAME=FLAGS', help='other flags for one of ours')
    parser.add_argument('--models', default=','.join(NETWORKS))
    parser.add_argument('--steps', default='prepare,optimize,judge,time,table')
    parser.add_argument('--only', type=lambda text: text.split(','), default=[], help='recipes to run in the step optimize')
    parser.add_argument('--again', action='store_true')
    parser.add_argument('--threads', type=lambda text: [int(part) for part in text.split(',')], default=[1, 2])
    parser.add_argument('--seconds', type=float, default=40, help='time for one timing')
    options = parser.parse_args()
    work, steps = pathlib.Path(options.work), options.steps.split(',')
    if not os.access(options.tool, os.X_OK):
        raise SystemExit(f'no program at {options.tool}: build it, or name it with --tool')
    texts, data = [], {}
    for name in options.models.split(','):
        title, _, images, _, trained = NETWORKS[name]
        if not source_of(options, name) or not getattr(options, images):
            print(f'{name}: skipped: no --{name.replace("_", "-")} or no --{images}', file=sys.stderr)
            continue
        folder = work / name
        if 'prepare' not in steps and not (folder / 'prepared.json').exists():
            print(f'{name}: skipped: the step prepare has not run', file=sys.stderr)
            continue
        for step, run in [('prepare', prepare), ('optimize', optimize), ('judge', judge), ('time', clock)]:
            if step in steps:
                run(options, name, folder)
        if 'table' in steps:
            network = table.Network(folder, title, trained, recipes(name), options.threads)
            texts.append(network.markdown())
            data[name] = network.data()
    if 'table' in steps:
        head, conditions = table.conditions(options.tool, lambda package: python_of(options, package))
        text = head + '\n' + '\n'.join(texts)
        (work / 'table.md').write_text(text)
        (work / 'results.json').write_text(json.dumps({'conditions': conditions, 'networks': data}, indent=1))
        print(text)


if __name__ == '__main__':
    main()
