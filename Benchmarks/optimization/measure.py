#!/usr/bin/env python3
"""Judges and times several forms of one network in one process.

    measure.py judge FOLDER CANDIDATES.json     top-1, agreement, signal-to-noise ratio of the scores, size, MACs
    measure.py time FOLDER CANDIDATES.json [--threads 1] [--seconds 40]

CANDIDATES.json: [{"name": ..., "path": ..., "engine": "onnxruntime" or "openvino"}, ...]; the first of each engine is
what the others of that engine are compared with. Prints JSON. Timing: batch 1, every round runs each candidate once
untimed (so that it finds its own data in the cache) and once timed, starting one further on in every round; threads do
not spin while they wait. One thread: CPU time of the calling thread (OpenVINO computes on a thread of its own: CPU time
of the process). More threads: wall time. The ratio is taken within each round.
"""
import argparse
import json
import os
import time

import numpy as np


def onnxruntime_call(path, image, threads, spin):
    """A function that runs the model once on a bound input, and one that returns its scores for any image."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry('session.intra_op.allow_spinning', '1' if spin else '0')
    session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    name, output = session.get_inputs()[0].name, session.get_outputs()[0].name
    binding = session.io_binding()
    binding.bind_cpu_input(name, image)
    binding.bind_output(output)
    return lambda: session.run_with_iobinding(binding), lambda x: session.run([output], {name: x})[0]


def openvino_call(path, image, threads, spin):
    import openvino
    core = openvino.Core()
    # bfloat16 would be the default on some CPUs; FP32 is what the others are compared with.
    model = core.read_model(path)
    if model.is_dynamic():
        model.reshape(image.shape)
    request = core.compile_model(model, 'CPU', {
        'INFERENCE_NUM_THREADS': threads, 'NUM_STREAMS': 1, 'PERFORMANCE_HINT': 'LATENCY',
        'INFERENCE_PRECISION_HINT': 'f32'}).create_infer_request()
    request.set_input_tensor(openvino.Tensor(image))

    def scores(x):
        return request.infer([x]).to_tuple()[0].copy()
    return lambda: request.infer(), scores


CALLS = {'onnxruntime': onnxruntime_call, 'openvino': openvino_call}


def decibels(reference, other):
    """What distinguishes the images from each other against the error."""
    signal = ((reference - reference.mean(0)) ** 2).sum(dtype=np.float64)
    noise = ((reference - other) ** 2).sum(dtype=np.float64)
    return None if noise == 0 else 10 * float(np.log10(signal / noise))


def macs(path):
    """Multiply-accumulates of convolutions and matrix products at batch 1."""
    import onnx
    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    shapes = {v.name: [d.dim_value or 1 for d in v.type.tensor_type.shape.dim]
              for v in [*model.graph.value_info, *model.graph.output, *model.graph.input]}
    shapes |= {value.name: list(value.dims) for value in model.graph.initializer}
    total = 0
    for node in model.graph.node:
        if node.op_type == 'Conv':
            total += int(np.prod(shapes[node.output[0]])) * int(np.prod(shapes[node.input[1]][1:]))
        elif node.op_type in ('Gemm', 'MatMul'):
            total += int(np.prod(shapes[node.input[1]]))
    return total


def size(path):
    weights = os.path.splitext(path)[0] + '.bin'
    return os.path.getsize(path) + (os.path.getsize(weights) if path.endswith('.xml') else 0)


def judge(folder, candidates):
    data = np.load(f'{folder}/evaluation.npz')
    images, labels = data['x'], data['y']
    results, references = [], {}
    for candidate in candidates:
        start = time.perf_counter()
        _, scores = CALLS[candidate['engine']](candidate['path'], images[:1], os.cpu_count(), True)
        values = np.concatenate([scores(images[i:i + 1]).reshape(1, -1) for i in range(len(images))])
        reference = references.setdefault('scores', values)
        right, before = values.argmax(1) == labels, reference.argmax(1) == labels
        lost = before.astype(float) - right
        half = 1.96 * lost.std() / np.sqrt(len(lost))
        results.append({
            'name': candidate['name'], 'images': len(images), 'top1': float(right.mean()), 'drop': float(lost.mean()),
            'dropInterval': [float(lost.mean() - half), float(lost.mean() + half)],
            'agreement': float((values.argmax(1) == reference.argmax(1)).mean()),
            'classesSeen': int(len(set(reference.argmax(1)))),
            'decibels': decibels(reference, values), 'bytes': size(candidate['path']),
            'macs': macs(candidate['path']) if candidate['path'].endswith('.onnx') else None,
            'seconds': time.perf_counter() - start})
    return results


def clock(engine, threads):
    if threads > 1:
        return time.perf_counter
    return time.thread_time if engine == 'onnxruntime' else time.process_time


def times(folder, candidates, threads, seconds):
    image = np.load(f'{folder}/evaluation.npz')['x'][:1]
    results = []
    for engine in CALLS:
        chosen = [candidate for candidate in candidates if candidate['engine'] == engine]
        if not chosen:
            continue
        calls = [CALLS[engine](candidate['path'], image, threads, False)[0] for candidate in chosen]
        now, taken = clock(engine, threads), [[] for _ in chosen]
        for call in calls:
            for _ in range(3):
                call()
        # An engine's share of the time follows from how many candidates it runs.
        end = time.perf_counter() + seconds * len(chosen) / len(candidates)
        for turn in range(400):
            if turn >= 40 and time.perf_counter() > end:
                break
            for step in range(len(calls)):
                index = (step + turn) % len(calls)
                calls[index]()
                start = now()
                calls[index]()
                taken[index].append(now() - start)
        base = np.array(taken[0])
        for candidate, values in zip(chosen, taken):
            ratios = base / np.array(values)
            results.append({
                'name': candidate['name'], 'threads': threads, 'rounds': len(values),
                'milliseconds': 1000 * float(np.median(values)),
                'quartiles': [1000 * float(q) for q in np.percentile(values, [25, 75])],
                'ratio': float(np.median(ratios)), 'ratioQuartiles': [float(q) for q in np.percentile(ratios, [25, 75])]})
    return results


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('what', choices=['judge', 'time'])
    parser.add_argument('folder')
    parser.add_argument('candidates')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--seconds', type=float, default=40)
    options = parser.parse_args()
    candidates = json.load(open(options.candidates))
    if options.what == 'judge':
        print(json.dumps(judge(options.folder, candidates)))
    else:
        print(json.dumps(times(options.folder, candidates, options.threads, options.seconds)))


if __name__ == '__main__':
    main()
