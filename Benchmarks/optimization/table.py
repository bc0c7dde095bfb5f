"""The results of run.py as Markdown and as one JSON value."""
import json
import os
import pathlib
import platform
import subprocess
import time

import peers

PACKAGES = ['onnxruntime', 'nncf', 'openvino', 'aimet-onnx', 'neural-compressor', 'torch-pruning', 'torch', 'onnx', 'numpy']
FLAGS = ['avx2', 'avx_vnni', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_int8', 'asimddp', 'i8mm']


def versions(tool, python_of):
    """Version of what took part, each asked of the Python that ran it."""
    code = ('import importlib.metadata as m, sys\ntry: print(m.version(sys.argv[1]))\n'
            'except m.PackageNotFoundError: pass')
    ask = lambda command: subprocess.run(command, capture_output=True, text=True).stdout.strip()
    found = {package: ask([python_of(package), '-c', code, package]) for package in PACKAGES}
    return {'neural-scope': ask([tool, '--version']), **{package: version for package, version in found.items() if version}}


def machine():
    text = pathlib.Path('/proc/cpuinfo').read_text() if os.path.exists('/proc/cpuinfo') else ''
    lines = dict([part.strip() for part in line.split(':', 1)] for line in text.splitlines() if ':' in line)
    present = lines.get('flags', lines.get('Features', '')).split()
    return {'cpu': lines.get('model name', platform.machine()), 'cores': os.cpu_count(),
            'flags': [flag for flag in FLAGS if flag in present]}


def conditions(tool, python_of):
    found = {'machine': machine(), 'versions': versions(tool, python_of), 'date': time.strftime('%Y-%m-%d')}
    text = (f'{found["machine"]["cpu"]}, {found["machine"]["cores"]} cores, {" ".join(found["machine"]["flags"])}; '
            + ', '.join(f'{name} {version}' for name, version in found['versions'].items()) + f'; {found["date"]}.\n')
    return text, found


def plural(threads):
    return f'{threads} thread{"s" if threads > 1 else ""}'


class Network:
    """What the folder of one network holds. `entries`: (name, title, engine, in the pruning table) of each candidate."""

    def __init__(self, folder, title, trained, entries, threads):
        self.folder, self.title, self.trained, self.threads = folder, title, trained, threads
        self.titles = {'fp32': 'FP32', **{name: text for name, text, _, _ in entries}}
        self.pruned = {name for name, _, _, pruned in entries if pruned}
        self.judged = {entry['name']: entry for entry in self.read('judged.json', [])}
        self.timed = {count: {entry['name']: entry for entry in self.read(f'times-{count}.json', [])} for count in threads}
        self.records = {name: self.read(f'{name}.json', None) for name, _, _, _ in entries}
        self.records = {name: record for name, record in self.records.items() if record}
        self.warnings = []

    def read(self, file, otherwise):
        path = self.folder / file
        return json.loads(path.read_text()) if path.exists() else otherwise

    def columns(self):
        return [*(['top-1 %', 'points lost (95% interval)'] if self.trained else []), 'agrees with FP32 %', 'SQNR dB', 'MB',
                'times smaller', *(f'speed, {plural(count)}' for count in self.threads), 'optimizing: wall / CPU s', 'peak MiB']

    def cells(self, name):
        entry, base = self.judged[name], self.judged['fp32']
        low, high = entry['dropInterval']
        row = []
        if self.trained:
            row += [f'{100 * entry["top1"]:.2f}', f'{100 * entry["drop"]:+.2f} ({100 * low:+.2f} to {100 * high:+.2f})']
        row += [f'{100 * entry["agreement"]:.2f}', '–' if entry['decibels'] is None else f'{entry["decibels"]:.1f}',
                f'{entry["bytes"] / 1e6:.3f}', f'{base["bytes"] / entry["bytes"]:.2f}']
        for count in self.threads:
            timed = self.timed[count].get(name)
            row.append('–' if not timed else f'{timed["ratio"]:.2f} ({"-".join(f"{q:.2f}" for q in timed["ratioQuartiles"])})')
        cost = self.records.get(name)
        return row + ([f'{cost["wallSeconds"]:.1f} / {cost["cpuSeconds"]:.1f}', f'{cost["peakMiB"]:.0f}'] if cost else ['–', '–'])

    def table(self, names, macs=False):
        head = ['', *(['MACs'] if macs else []), *self.columns()]
        lines = [f'| {" | ".join(head)} |', '|' + '---|' * len(head)]
        for name in names:
            share = [f'{self.judged[name]["macs"] / self.judged["fp32"]["macs"]:.2f}'] if macs else []
            title = self.titles[name.removesuffix('@openvino')]
            lines.append(f'| {" | ".join([title, *share, *self.cells(name)])} |')
        return lines

    def milliseconds(self, name):
        entries = [(count, self.timed[count].get(name)) for count in self.threads]
        return ', '.join(f'{entry["milliseconds"]:.2f} ms on {plural(count)} ({entry["rounds"]} rounds)'
                         for count, entry in entries if entry)

    def compare_with_what_the_tool_said(self, name):
        """The tool's own figures beside the ones measured here: they must be the same."""
        said = json.loads((self.folder / f'{name}.out').read_text())['optimization']
        value = lambda key: said.get(key, {}).get('value')
        self.records[name]['said'] = {
            **{key: said.get(key) for key in ('chosen', 'notes', 'calibrationImages', 'evaluationImages')},
            **{key: value(key) for key in ('originalAccuracy', 'optimizedAccuracy', 'agreement')}}
        judged, base = self.judged[name], self.judged['fp32']
        for what, theirs, here in [
                ('evaluation images', said.get('evaluationImages'), base['images']),
                ('FP32 top-1', value('originalAccuracy'), base['top1']),
                ('top-1', value('optimizedAccuracy'), judged['top1']), ('agreement', value('agreement'), judged['agreement'])]:
            if theirs is not None and abs(theirs - here) > 1e-9:
                self.warnings.append(f'{self.titles[name]}: the tool says {what} {theirs:g}, measured here {here:g}.')
        return f'{self.titles[name]} chose: {said.get("chosen")}.'

    def markdown(self):
        if not self.judged:
            return ''
        base = self.judged['fp32']
        seen = '' if self.trained else f' (the original puts them into {base["classesSeen"]} classes)'
        openvino = [name for name in self.judged if name.endswith('@openvino') or self.is_openvino(name)]
        plain = [name for name in self.judged if name not in openvino and name not in self.pruned]
        pruned = [name for name in self.judged if name in self.pruned]
        out = [f'## {self.title}', '', f'{base["images"]} evaluation images{seen}; FP32 {self.milliseconds("fp32")}.', '',
               '### In ONNX Runtime', '', *self.table(plain)]
        if openvino:
            out += ['', '### In OpenVINO', '', f'Speed against FP32 in OpenVINO: {self.milliseconds("fp32@openvino")}.', '',
                    *self.table(openvino)]
        if pruned:
            out += ['', '### Pruned, in ONNX Runtime', '', *self.table(pruned, macs=True)]
        missing = [f'{self.titles[name]} ({record["reason"] or "exit code " + str(record["exitCode"])})'
                   for name, record in self.records.items() if name not in self.judged]
        out += ['', 'Not run: ' + '; '.join(missing)] if missing else []
        for name in self.records:
            if name in self.judged and name not in peers.RECIPES:
                out += ['', self.compare_with_what_the_tool_said(name)]
        return '\n'.join(out + ([''] + self.warnings if self.warnings else [])) + '\n'

    def is_openvino(self, name):
        return name in peers.RECIPES and peers.RECIPES[name].engine == 'openvino'

    def data(self):
        return {'prepared': self.read('prepared.json', {}), 'optimizing': self.records, 'judged': list(self.judged.values()),
                'timed': {count: list(entries.values()) for count, entries in self.timed.items()}, 'warnings': self.warnings}
