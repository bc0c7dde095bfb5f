#!/usr/bin/env python3
"""Structure analysis as a whole process, against the tools practitioners use, taking turns on the same machine.

    python Benchmarks/analysis/run.py [--rounds 3] [--python PYTHON] [--zoo .zoo] [--big FOLDER]

1. Multiply-accumulates of four torchvision models: neural-scope on the ONNX export, torchinfo and fvcore on the PyTorch
   module, onnx-tool on the ONNX export. Each answer stands beside the exact one (FlopCounterMode / 2).
2. Large files: neural-scope, and reading them in Python (the safetensors header, torch.load, onnx.load, onnx-tool).
   They are written into FOLDER (default: a temporary one, deleted afterwards) by big.py.

Prints the medians of wall time, CPU time and peak resident memory with the range over the rounds. Needs torch,
torchvision, torchinfo, fvcore, onnx, onnx-tool; the ONNX files are written by Tests/Fixtures/export_zoo.py.
"""
import argparse, json, os, pathlib, statistics, subprocess, sys, tempfile, time

EXACT = {'resnet18': 1_814_073_344, 'mobilenet_v3_small': 56_510_400, 'vit_b_16': 17_563_828_224, 'swin_t': 4_490_566_656}

TORCHINFO = """
import sys, torchvision, torchinfo
model = getattr(torchvision.models, sys.argv[1])(weights=None)
print(torchinfo.summary(model, input_size=(1, 3, 224, 224), verbose=0).total_mult_adds)
"""
FVCORE = """
import logging, sys, torch, torchvision
from fvcore.nn import FlopCountAnalysis
logging.disable(logging.CRITICAL)
model = getattr(torchvision.models, sys.argv[1])(weights=None).eval()
count = FlopCountAnalysis(model, torch.zeros(1, 3, 224, 224)).unsupported_ops_warnings(False)
by = count.by_operator()
print(int(sum(by[k] for k in by if k in ('conv', 'linear', 'matmul', 'addmm', 'bmm', 'einsum'))))
"""
ONNX_TOOL = """
import contextlib, io, numpy, sys, onnx_tool
with contextlib.redirect_stdout(io.StringIO()):
    model = onnx_tool.Model(sys.argv[1])
    inputs = {n: numpy.zeros([1 if isinstance(d, str) else d for d in model.graph.tensormap[n].get_shape()], numpy.float32)
              for n in model.graph.input}
    model.graph.shape_infer(inputs)
    model.graph.profile()
print(int(model.graph.macs[0]))
"""
HEADER = "import json, struct, sys; f = open(sys.argv[1], 'rb'); print(len(json.loads(f.read(struct.unpack('<Q', f.read(8))[0]))))"
LOAD = "import sys, torch; print(len(torch.load(sys.argv[1], weights_only=True)))"
MAPPED = "import sys, torch; print(len(torch.load(sys.argv[1], weights_only=True, mmap=True)))"
ONNX = "import sys, onnx; print(len(onnx.load(sys.argv[1]).graph.node))"


def measure(command):
    """Wall seconds, CPU seconds, peak resident MiB and standard output of one process."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        if process.returncode:
            lines = errors.read().decode().strip().splitlines()
            return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, f'failed: {lines[-1][:80] if lines else process.returncode}'
        out.seek(0)
        return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out.read().decode()


def macs(text):
    """The tool's answer in multiply-accumulates, or its last words."""
    if '"analysis"' in text:
        analysis = json.loads(text)['analysis']
        return int(analysis['macs']['value']) if 'macs' in analysis else 'not told'
    last = text.strip().splitlines()[-1] if text.strip() else ''
    return int(last) if last.isdigit() else last


def compare(title, commands, rounds, exact=None):
    results = {name: [] for name in commands}
    answers = {name: measure(command)[3] for name, command in commands.items()}  # warms the file cache
    for _ in range(rounds):
        for name, command in commands.items():
            results[name].append(measure(command)[:3])
    print(f'\n{title}' + (f', exact {exact:,} MACs' if exact else ''))
    print(f"{'':26}{'wall s':>22}{'CPU s':>22}{'peak MiB':>12}   " + ('MACs' if exact else ''))
    for name, runs in results.items():
        walls, cpus, peaks = zip(*runs)
        cell = lambda values: f'{statistics.median(values):.3f} ({min(values):.3f}-{max(values):.3f})'
        note = ''
        if exact:
            answer = macs(answers[name])
            note = f'{answer:,} ({100 * (answer - exact) / exact:+.1f}%)' if isinstance(answer, int) else str(answer)
        elif answers[name].startswith('failed'):
            note = answers[name]
        print(f'{name:26}{cell(walls):>22}{cell(cpus):>22}{statistics.median(peaks):12.1f}   {note}')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--binary', default='.build/release/neural-scope')
    parser.add_argument('--python', default=sys.executable)
    parser.add_argument('--zoo', default=os.environ.get('NEURAL_SCOPE_ZOO', '.zoo'))
    parser.add_argument('--big')
    parser.add_argument('--rounds', type=int, default=3)
    options = parser.parse_args()
    ours = lambda path: [options.binary, 'analyze', str(path), '--no-run', '--json']
    python = lambda code, argument: [options.python, '-c', code, str(argument)]
    print(f'medians of {options.rounds} rounds (lowest-highest), taking turns, {os.cpu_count()} cores')
    for name, exact in EXACT.items():
        path = f'{options.zoo}/{name}.onnx'
        compare(name, {
            'neural-scope': ours(path), 'onnx-tool': python(ONNX_TOOL, path), 'torchinfo': python(TORCHINFO, name),
            'fvcore': python(FVCORE, name)}, options.rounds, exact)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(options.big or temporary)
        # In a process of its own: children start as copies of this one, and the peak they report includes it.
        subprocess.run([sys.executable, str(pathlib.Path(__file__).with_name('big.py')), str(folder)], check=True)
        with tempfile.TemporaryDirectory() as small:
            subprocess.run([options.python, '-c', "import sys, torch, torchvision; torch.save("
                            "torchvision.models.resnet18(weights=None).state_dict(), sys.argv[1])", f'{small}/resnet18.pth'], check=True)
            compare('resnet18.pth', {'neural-scope': ours(f'{small}/resnet18.pth'),
                                     'torch.load': python(LOAD, f'{small}/resnet18.pth')}, options.rounds)
        compare('3.2 GB safetensors', {'neural-scope': ours(folder / 'big.safetensors'),
                                       'header in Python': python(HEADER, folder / 'big.safetensors')}, options.rounds)
        compare('3.2 GB .pth', {'neural-scope': ours(folder / 'big.pth'), 'torch.load': python(LOAD, folder / 'big.pth'),
                                'torch.load, mmap': python(MAPPED, folder / 'big.pth')}, options.rounds)
        compare('1.6 GB ONNX', {'neural-scope': ours(folder / 'big.onnx'), 'onnx.load': python(ONNX, folder / 'big.onnx'),
                                'onnx-tool': python(ONNX_TOOL, folder / 'big.onnx')}, options.rounds)
        compare('ONNX with 3.2 GB beside it', {'neural-scope': ours(folder / 'external/big.onnx')}, options.rounds)


if __name__ == '__main__':
    main()
