"""Checks and times the models that WriteWeightModelsTests wrote (needs numpy, onnx and onnxruntime).

    python Tests/Fixtures/check_weights.py FOLDER [--threads 1] [--seconds 60] [--only EXPRESSION]

Every model goes through onnx.checker with type inference and is loaded by ONNX Runtime; sizes, the ratio of signal to
noise of the first output against folded.onnx, and the speed against it, timed in turn, are printed.
"""
import argparse
import os
import re
import time

import numpy as np
import onnx
import onnxruntime


def feeds(model, generator, vocabulary):
    """Random numbers, random token numbers, masks of ones; open sizes: no past, 8 tokens, one sample."""
    result = {}
    inputs = model.get_inputs()
    for index, value in enumerate(inputs):
        open_sizes = {"past": 0, "sequence": 8, "past + sequence": 8}
        shape = [d if isinstance(d, int) else open_sizes.get(d, 1) for d in value.shape]
        if value.type != "tensor(int64)":
            result[value.name] = generator.normal(size=shape).astype(np.float32)
        elif index > 0:
            result[value.name] = np.ones(shape, np.int64)
        else:
            result[value.name] = generator.integers(0, vocabulary, size=shape)
    return result


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    start = time.perf_counter()
    made = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return made, time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--only", default="")
    parser.add_argument("--no-checker", action="store_true")
    parser.add_argument("--vocabulary", type=int, default=1000)
    arguments = parser.parse_args()
    names = sorted(n for n in os.listdir(arguments.folder)
                   if n.endswith(".onnx") and n != "folded.onnx" and re.search(arguments.only, n))
    reference, load = session(os.path.join(arguments.folder, "folded.onnx"), arguments.threads)
    generator = np.random.default_rng(0)
    feed = [feeds(reference, generator, arguments.vocabulary) for _ in range(3)]
    wanted = [reference.run(None, f)[0] for f in feed]
    bytes_before = os.path.getsize(os.path.join(arguments.folder, "folded.onnx"))
    print(f"folded.onnx {bytes_before / 1e6:.1f} MB, loaded in {load:.2f} s")
    budget = arguments.seconds / max(len(names), 1)
    for name in names:
        path = os.path.join(arguments.folder, name)
        verdict = "checked"
        if arguments.no_checker:
            verdict = ""
        else:
            try:
                onnx.checker.check_model(path, full_check=True)
            except Exception as error:  # the checker's own message is what matters
                verdict = f"CHECKER: {str(error)[:200]}"
        try:
            other, load = session(path, arguments.threads)
        except Exception as error:
            print(f"{name[:-5]:60s} NOT LOADED: {str(error)[:200]}")
            continue
        signal = noise = 0.0
        for f, y in zip(feed, wanted):
            found = other.run(None, f)[0].astype(np.float64)
            signal += float((y.astype(np.float64) ** 2).sum())
            noise += float(((found - y) ** 2).sum())
        ratios = []
        end = time.perf_counter() + budget
        while arguments.seconds > 0 and (time.perf_counter() < end or len(ratios) < 5):
            times = []
            for which in ((reference, other) if len(ratios) % 2 else (other, reference)):
                start = time.perf_counter()
                which.run(None, feed[0])
                times.append(time.perf_counter() - start)
            if not len(ratios) % 2:
                times.reverse()
            ratios.append(times[0] / times[1])
        size = os.path.getsize(path)
        ratio = float("nan") if not signal else 10 * np.log10(signal / noise) if noise else float("inf")
        speed = (f"{np.median(ratios):5.2f}x fast ({np.quantile(ratios, .25):.2f}-{np.quantile(ratios, .75):.2f}, "
                 f"{len(ratios)} pairs)  " if ratios else "")
        print(f"{name[:-5]:60s} {size / 1e6:7.1f} MB {bytes_before / size:5.2f}x  {speed}{ratio:6.1f} dB  "
              f"load {load:.2f} s  {verdict}", flush=True)
        del other


main()
