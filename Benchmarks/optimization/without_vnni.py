#!/usr/bin/env python3
"""What the quantized models compute on an x86-64 CPU without VNNI: the same ONNX Runtime under QEMU's user emulation.

    without_vnni.py --work FOLDER [--models resnet20,efficientnet_lite0] [--images 0] [--only NAME,...]
                    [--tool .build/release/neural-scope --checkpoint CIFAR_CHECKPOINT --cifar DIR [--limit 200]]
                    [--qemu qemu-x86_64] [--cpu Haswell]

FOLDER is the one that run.py has filled. A Haswell has AVX2 and neither AVX-512 nor VNNI: ONNX Runtime then multiplies
u8 by s8 with VPMADDUBSW, which adds pairs of products in 16 bits and saturates. Emulated instructions give the numbers
that real ones give, so accuracy is evidence; time is none, and none is given. A control goes first: a product that must
saturate without VNNI must come out as if saturated. Scores are kept beside the models, some images at a time, so an
interrupted run goes on where it was. With --tool the tool itself searches under emulation.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile


def control():
    """The largest u8 x s8 product, 64 terms long: ONNX Runtime's answer and the exact one."""
    import numpy as np
    import onnxruntime
    from onnx import TensorProto, helper
    value = helper.make_tensor_value_info
    graph = helper.make_graph([helper.make_node('MatMulInteger', ['a', 'b'], ['c'])], 'control', [
        value('a', TensorProto.UINT8, [4, 64]), value('b', TensorProto.INT8, [64, 16])], [
            value('c', TensorProto.INT32, [4, 16])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=['CPUExecutionProvider'])
    feeds = {'a': np.full((4, 64), 255, np.uint8), 'b': np.full((64, 16), 127, np.int8)}
    return {'got': int(session.run(None, feeds)[0][0, 0]), 'exact': 255 * 127 * 64, 'saturated': 32767 * 32}


def scores(path, data, images):
    """Scores of evenly spaced evaluation images on one thread."""
    import numpy as np
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: data[i:i + 1]})[0].reshape(1, -1) for i in images])


def child():
    """--child JSON OUT: the control or the scores of one model, as a process that may be emulated."""
    import numpy as np
    job = json.loads(sys.argv[2])
    if job['what'] == 'control':
        print(json.dumps(control()))
    else:
        data = np.load(f'{job["folder"]}/evaluation.npz')['x']
        np.save(sys.argv[3], scores(job['path'], data, job['images']))


def run(prefix, job, out=''):
    # NumPy's own kernels need no threads here; the emulator says on the error output which features it leaves out.
    environment = {**os.environ, 'OPENBLAS_NUM_THREADS': '1', 'OMP_NUM_THREADS': '1'}
    done = subprocess.run([*prefix, sys.executable, __file__, '--child', json.dumps(job), out], env=environment,
                          capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if 'TCG doesn' not in line]
        raise SystemExit(f'{" ".join([*prefix, "python"])} failed: {lines[-1] if lines else done.returncode}')
    return done.stdout


def compare(options, prefix, name, data):
    import numpy as np
    import measure
    import run as benchmark
    folder = pathlib.Path(options.work) / name
    evaluation = np.load(folder / 'evaluation.npz')
    labels, trained = evaluation['y'], benchmark.NETWORKS[name][4]
    count = min(options.images or len(labels), len(labels))
    images = [(2 * i + 1) * len(labels) // (2 * count) for i in range(count)]
    titles = {'fp32': 'FP32', **{key: text for key, text, _, _ in benchmark.recipes(name)}}
    candidates = [entry for entry in json.loads((folder / 'candidates.json').read_text())
                  if entry['engine'] == 'onnxruntime'
                  and (not options.only or entry['name'] in options.only or entry['name'] == 'fp32')]
    print(f'\n## {benchmark.NETWORKS[name][0]}, {count} images\n')
    print('|  | ' + ('top-1 %, native | without VNNI | ' if trained else '')
          + 'agrees with FP32 %, native | without VNNI | SQNR dB, native | without VNNI | same class on both % |')
    print('|---|' + '---|' * (7 if trained else 5))
    chunk = 100 if evaluation['x'][0].size < 10_000 else 25
    reference = None
    for entry in candidates:
        found = []
        for kind, command in [('native', []), ('emulated', prefix)]:
            parts = []
            for first in range(0, count, chunk):
                path = folder / 'scores' / f'{entry["name"]}-{kind}-{first}-of-{count}.npy'
                path.parent.mkdir(exist_ok=True)
                if not path.exists() or path.stat().st_mtime < os.path.getmtime(entry['path']):
                    job = {'what': 'scores', 'folder': str(folder), 'path': entry['path'],
                           'images': images[first:first + chunk]}
                    run(command, job, f'{path}.part.npy')
                    os.replace(f'{path}.part.npy', path)
                parts.append(np.load(path))
            found.append(np.concatenate(parts))
        reference = found[0] if reference is None else reference
        same = float((found[0].argmax(1) == found[1].argmax(1)).mean())
        result = {'name': entry['name'], 'images': count, 'sameClass': same}
        for kind, values in zip(('native', 'emulated'), found):
            result[kind] = {'top1': float((values.argmax(1) == labels[images]).mean()),
                            'agreement': float((values.argmax(1) == reference.argmax(1)).mean()),
                            'decibels': measure.decibels(reference, values)}
        data.setdefault(name, []).append(result)
        pair = [result['native'], result['emulated']]
        cells = [f'{100 * side["top1"]:.2f}' for side in pair] if trained else []
        cells += [f'{100 * side["agreement"]:.2f}' for side in pair]
        cells += ['–' if side['decibels'] is None else f'{side["decibels"]:.1f}' for side in pair]
        cells.append(f'{100 * result["sameClass"]:.2f}')
        print(f'| {" | ".join([titles[entry["name"]], *cells])} |', flush=True)


def search(options, prefix, data):
    """The tool's own search under emulation: what it noticed and chose."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*prefix, options.tool, 'optimize', options.checkpoint, '--data', options.cifar,
                   '--limit', str(options.limit), '--out', f'{folder}/out.onnx', '--json']
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if 'TCG doesn' not in line]
        print(f'\nThe tool under emulation failed with exit code {done.returncode}: {" ".join(lines)[-300:]}')
        return
    said = json.loads(done.stdout)['optimization']
    data['search'] = {'chosen': said['chosen'], 'notes': said['notes'], 'calibrationImages': said['calibrationImages'],
                      'evaluationImages': said['evaluationImages'], 'agreement': said['agreement']['value']}
    print(f'\nThe tool under emulation, on {options.limit} images, chose {said["chosen"]}; it noted:')
    for note in said['notes']:
        print(f'- {note}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--work', required=True)
    parser.add_argument('--models', default='resnet20,efficientnet_lite0')
    parser.add_argument('--images', type=int, default=0, help='evaluation images, evenly spaced; 0 takes all')
    parser.add_argument('--only', type=lambda text: text.split(','), default=[])
    parser.add_argument('--qemu', default='qemu-x86_64')
    parser.add_argument('--cpu', default='Haswell')
    parser.add_argument('--tool')
    parser.add_argument('--checkpoint')
    parser.add_argument('--cifar')
    parser.add_argument('--limit', type=int, default=200)
    options = parser.parse_args()
    prefix, data = [options.qemu, '-cpu', options.cpu], {}
    native, emulated = (json.loads(run(command, {'what': 'control'})) for command in ([], prefix))
    print(f'Largest u8 x s8 product of 64 terms: exact {native["exact"]:,}; here {native["got"]:,}; {options.cpu}, emulated: '
          f'{emulated["got"]:,} (with saturating pairs: {emulated["saturated"]:,})')
    if emulated['got'] != emulated['saturated']:
        raise SystemExit('The emulated CPU does not saturate: this is no CPU without VNNI.')
    data['control'] = {'native': native, 'emulated': emulated}
    for name in filter(None, options.models.split(',')):
        compare(options, prefix, name, data)
    if options.tool:
        search(options, prefix, data)
    (pathlib.Path(options.work) / 'without_vnni.json').write_text(json.dumps(data, indent=1))


if __name__ == '__main__':
    child() if sys.argv[1:2] == ['--child'] else main()
