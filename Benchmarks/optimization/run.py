#!/usr/bin/env python3
"""Optimizers beside each other on the same networks, calibration images and evaluation images.

    run.py --work FOLDER --efficientnet-lite0 CHECKPOINT --resnet56 CHECKPOINT --resnet20 CHECKPOINT --resnet18 MODEL.onnx
           --imagenet DIR --cifar DIR [--tool .build/release/neural-scope] [--python PACKAGE=PYTHON]...
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
import platform
import subprocess
import sys
import tempfile
import time

import peers

HERE = pathlib.Path(__file__).resolve().parent
# Ours: name, title, extra arguments, networks (None: all), whether it stands in the pruning table.
OURS = [
    ('neural-scope', 'Neural-Scope', [], None, False),
    ('neural-scope-pruned', 'Neural-Scope, --technique pruning', ['--technique', 'pruning'], ('resnet56',), True),
    ('neural-scope-pruned-int8', 'Neural-Scope, --technique pruning,int8', ['--technique', 'pruning,int8'], ('resnet56',), True),
]
# Network: title, way to build it, data, preprocessing, trained, tool's preset where the file does not say.
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
    return {'wallSeconds': wall, 'cpuSeconds': usage.ru_utime + usage.ru_stime, 'peakMiB': usage.ru_maxrss / 1024,
            'exitCode': process.returncode, 'reason': lines[-1][:200] if process.returncode and lines else ''}


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
            command = [options.tool, 'optimize', source_of(options, name), '--data', getattr(options, data), '--out', str(path), '--json', *extra]
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
        arguments = ['time', str(folder), str(candidates(options, name, folder)), '--threads', str(threads), '--seconds', str(options.seconds)]
        done = subprocess.run([sys.executable, str(HERE / 'measure.py'), *arguments], check=True, stdout=subprocess.PIPE)
        (folder / f'times-{threads}.json').write_bytes(done.stdout)


def versions(options):
    """Versions of what took part, each asked of the Python that ran it."""
    code = ("import importlib.metadata as m, sys\nfor name in sys.argv[1:]:\n try: print(name, m.version(name))\n"
            " except m.PackageNotFoundError: pass")
    found = {}
    for package in ['onnxruntime', 'nncf', 'openvino', 'aimet-onnx', 'neural-compressor', 'torch-pruning', 'torch', 'torchvision', 'onnx', 'numpy']:
        done = subprocess.run([python_of(options, package), '-c', code, package], capture_output=True, text=True)
        found |= dict(line.split() for line in done.stdout.splitlines())
    found['neural-scope'] = subprocess.run([options.tool, '--version'], capture_output=True, text=True).stdout.strip()
    return found


def machine():
    text = pathlib.Path('/proc/cpuinfo').read_text() if os.path.exists('/proc/cpuinfo') else ''
    lines = dict((part.strip() for part in line.split(':', 1)) for line in text.splitlines() if ':' in line)
    flags = set(lines.get('flags', lines.get('Features', '')).split())
    wanted = ['avx2', 'avx_vnni', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_int8', 'asimddp', 'i8mm']
    return {'cpu': lines.get('model name', platform.machine()), 'cores': os.cpu_count(), 'flags': [flag for flag in wanted if flag in flags]}


def table(options, name, folder, data):
    """Markdown of one network; everything also goes into `data`."""
    title, _, _, _, trained = NETWORKS[name]
    read = lambda file: json.loads((folder / file).read_text()) if (folder / file).exists() else []
    judged = {entry['name']: entry for entry in read('judged.json')}
    timed = {threads: {entry['name']: entry for entry in read(f'times-{threads}.json')} for threads in options.threads}
    if not judged:
        return ''
    titles = {key: text for key, text, _, _ in recipes(name)}
    pruned = {key for key, _, _, in_table in recipes(name) if in_table}
    base = judged['fp32']
    seen = f', top-1 among {base["classesSeen"]} classes' if not trained else ''
    records = {key: json.loads((folder / f'{key}.json').read_text()) for key in titles if (folder / f'{key}.json').exists()}

    def cells(key):
        entry, cost = judged[key], records.get(key.split('@')[0], {}) if '@' not in key else {}
        low, high = entry['dropInterval']
        row = [f'{100 * entry["top1"]:.2f}', f'{100 * entry["drop"]:+.2f} ({100 * low:+.2f} to {100 * high:+.2f})'] if trained else []
        row += [f'{100 * entry["agreement"]:.2f}', '–' if entry['decibels'] is None else f'{entry["decibels"]:.1f}', f'{entry["bytes"] / 1e6:.3f}',
                f'{base["bytes"] / entry["bytes"]:.2f}']
        for threads in options.threads:
            clocked = timed[threads].get(key)
            row.append(f'{clocked["ratio"]:.2f} ({clocked["ratioQuartiles"][0]:.2f}-{clocked["ratioQuartiles"][1]:.2f})' if clocked else '–')
        row += [f'{cost["wallSeconds"]:.1f} / {cost["cpuSeconds"]:.1f}', f'{cost["peakMiB"]:.0f}'] if cost else ['–', '–']
        return row

    def lines(keys, first, extra=lambda key: []):
        return [f'| {" | ".join([first(key), *extra(key), *cells(key)])} |' for key in keys]

    columns = (['top-1 %', 'points lost (95% interval)'] if trained else []) + ['agrees with FP32 %', 'SQNR dB', 'MB', 'times smaller']
    columns += [f'speed, {threads} thread{"s" if threads > 1 else ""}' for threads in options.threads]
    columns += ['optimizing: wall / CPU s', 'peak MiB']
    named = lambda key: {'fp32': 'FP32'}.get(key, titles.get(key, key))
    head = lambda kind: [f'| {" | ".join(kind + columns)} |', '|' + '---|' * (len(kind) + len(columns))]
    milliseconds = ', '.join(f'{timed[t]["fp32"]["milliseconds"]:.2f} ms on {t} thread{"s" if t > 1 else ""} ({timed[t]["fp32"]["rounds"]} rounds)'
                             for t in options.threads if 'fp32' in timed[t])
    out = [f'## {title}', '', f'{base["images"]} evaluation images{seen}; FP32 {milliseconds}', '', '### In ONNX Runtime', '']
    out += head(['']) + lines([key for key in judged if '@' not in key and key not in pruned and not key.startswith('nncf-openvino')], named)
    openvino = [key for key in judged if '@' in key or key.startswith('nncf-openvino')]
    if openvino:
        milliseconds = ', '.join(f'{timed[t]["fp32@openvino"]["milliseconds"]:.2f} ms on {t} thread{"s" if t > 1 else ""}'
                                 for t in options.threads if 'fp32@openvino' in timed[t])
        out += ['', f'### In OpenVINO (speed against FP32 in OpenVINO, {milliseconds})', '', *head([''])]
        out += lines(openvino, lambda key: named(key.removesuffix('@openvino')))
    if pruned & set(judged):
        out += ['', '### Pruned, in ONNX Runtime', '', *head(['', 'MACs'])]
        out += lines([key for key in judged if key in pruned], named, lambda key: [f'{judged[key]["macs"] / base["macs"]:.2f}'])
    missing = [f'{titles[key]}: {record["reason"] or "exit code " + str(record["exitCode"])}' for key, record in records.items()
               if not pathlib.Path(record['path']).exists()]
    if missing:
        out += ['', 'Not run: ' + '; '.join(missing)]
    warnings = []
    for key, record in records.items():
        output = folder / f'{key}.out'
        if key in peers.RECIPES or key not in judged or not output.exists():
            continue
        said = json.loads(output.read_text())['optimization']
        record['said'] = {
            'chosen': said.get('chosen'), 'notes': said.get('notes'), 'calibrationImages': said.get('calibrationImages'),
            'evaluationImages': said.get('evaluationImages'), 'originalAccuracy': said.get('originalAccuracy', {}).get('value'),
            'optimizedAccuracy': said.get('optimizedAccuracy', {}).get('value'), 'agreement': said.get('agreement', {}).get('value')}
        for what, ours, here in [('images', said.get('evaluationImages'), base['images']),
                                 ('FP32 top-1', record['said']['originalAccuracy'], base['top1']),
                                 ('top-1', record['said']['optimizedAccuracy'], judged[key]['top1']),
                                 ('agreement', record['said']['agreement'], judged[key]['agreement'])]:
            if ours is not None and abs(ours - here) > 1e-9:
                warnings.append(f'{titles[key]}: the tool says {what} {ours:g}, measured here {here:g}')
        out += ['', f'{titles[key]} chose: {record["said"]["chosen"]}.']
    out += ['', *warnings] if warnings else []
    data[name] = {'prepared': read('prepared.json'), 'optimizing': records, 'judged': list(judged.values()),
                  'timed': {threads: list(entries.values()) for threads, entries in timed.items()}, 'warnings': warnings}
    return '\n'.join(out) + '\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--work', required=True)
    for name in NETWORKS:
        parser.add_argument(f'--{name.replace("_", "-")}', dest=name)
    parser.add_argument('--imagenet')
    parser.add_argument('--cifar')
    parser.add_argument('--tool', default='.build/release/neural-scope')
    parser.add_argument('--python', action='append', default=[], metavar='PACKAGE=PYTHON', help='the interpreter that has a peer')
    parser.add_argument('--models', default=','.join(NETWORKS))
    parser.add_argument('--steps', default='prepare,optimize,judge,time,table')
    parser.add_argument('--only', type=lambda text: text.split(','), default=[], help='recipes to run in the step optimize')
    parser.add_argument('--again', action='store_true')
    parser.add_argument('--threads', type=lambda text: [int(part) for part in text.split(',')], default=[1, 2])
    parser.add_argument('--seconds', type=float, default=40, help='time for one timing')
    options = parser.parse_args()
    work, steps = pathlib.Path(options.work), options.steps.split(',')
    texts, data = [], {}
    for name in options.models.split(','):
        if not source_of(options, name) or not getattr(options, NETWORKS[name][2]):
            print(f'{name}: skipped: no --{name.replace("_", "-")} or no --{NETWORKS[name][2]}', file=sys.stderr)
            continue
        folder = work / name
        for step, run in [('prepare', prepare), ('optimize', optimize), ('judge', judge), ('time', clock)]:
            if step in steps:
                run(options, name, folder)
        if 'table' in steps:
            texts.append(table(options, name, folder, data))
    if 'table' in steps:
        conditions = {'machine': machine(), 'versions': versions(options), 'date': time.strftime('%Y-%m-%d')}
        head = (f'{conditions["machine"]["cpu"]}, {conditions["machine"]["cores"]} cores, {" ".join(conditions["machine"]["flags"])}; '
                + ', '.join(f'{key} {value}' for key, value in conditions['versions'].items()) + f'; {conditions["date"]}.\n')
        text = head + '\n' + '\n'.join(texts)
        (work / 'table.md').write_text(text)
        (work / 'results.json').write_text(json.dumps({'conditions': conditions, 'networks': data}, indent=1))
        print(text)


if __name__ == '__main__':
    main()
