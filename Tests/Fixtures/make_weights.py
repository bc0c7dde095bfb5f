"""Makes optimization/weights.json (needs numpy, ml_dtypes, onnx and onnxruntime).

packed  blocks of 4 and 8 bits by onnxruntime's own quantizer (quantize_matmul_4bits / _8bits), and the weights as its
        MatMulNBits kernel reads them back (the product with the identity at accuracy level 1).
floats  codes of numbers in float16, bfloat16, float8 E4M3FN and E5M2 by NumPy and ml_dtypes.
dynamic a product by DynamicQuantizeLinear and MatMulInteger computed with NumPy from their definitions.
"""
import json
import os

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.capi import _pybind_state as ort

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "optimization", "weights.json")
rng = np.random.default_rng(11)


def short(values):
    """The shortest decimals that give the same float32 numbers."""
    return [float(str(value)) for value in np.asarray(values, np.float32).ravel()]


def read_back(packed, scales, zeros, k, n, bits, block):
    node = helper.make_node("MatMulNBits", ["x", "q", "s"] + (["z"] if zeros is not None else []), ["y"],
                            domain="com.microsoft", K=k, N=n, bits=bits, block_size=block, accuracy_level=1)
    constants = {"q": packed, "s": scales} | ({"z": zeros} if zeros is not None else {})
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [k, k])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [k, n])],
        [numpy_helper.from_array(v, name) for name, v in constants.items()])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.eye(k, dtype=np.float32)})[0]


def packed():
    cases = []
    for bits in (4, 8):
        for symmetric in (True, False):
            for k, n, block in ((32, 4, 16), (40, 3, 32), (64, 2, 16), (100, 5, 32)):
                weight = rng.normal(size=(k, n)).astype(np.float32)
                weight[:, 1] *= 100
                weight[3, 0] = 7
                per_byte, blocks = 8 // bits, (k + block - 1) // block
                codes = np.zeros((n, blocks, block // per_byte), np.uint8)
                zeros = np.zeros((n, (blocks + per_byte - 1) // per_byte), np.uint8)
                scales = np.zeros((n, blocks), np.float32)
                padded = np.pad(weight, ((0, blocks * block - k), (0, 0)))
                quantize = ort.quantize_matmul_4bits if bits == 4 else ort.quantize_matmul_8bits
                quantize(codes, padded, scales, zeros, block, n, k, symmetric)
                real = read_back(codes, scales, None if symmetric else zeros, k, n, bits, block)
                cases.append({
                    "bits": bits, "isSymmetric": symmetric, "inputs": k, "outputs": n, "blockSize": block,
                    "weight": short(weight), "codes": codes.ravel().tolist(),
                    "scales": short(scales), "zeroPoints": [] if symmetric else zeros.ravel().tolist(),
                    "real": short(real)})
    return cases


def floats():
    numbers = np.concatenate([
        rng.normal(size=40), rng.normal(size=40) * 1e-5, rng.normal(size=20) * 1e-7, rng.normal(size=20) * 100,
        [0.0, -0.0, 1, -1, 1.0625, 1.1875, 0.5 + 2**-12, 1 + 2**-11, 1 + 3 * 2**-11, 2**-24, 2**-25, 3 * 2**-26, 2**-14,
         2**-9, 2**-10, 3 * 2**-11, 2**-16, 2**-17, 447.0, 448.0, 6.1e-5, 5.96e-8, 1e-30, 1e-40, 240.0]]).astype(np.float32)
    types = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float8e4m3": ml_dtypes.float8_e4m3fn,
             "float8e5m2": ml_dtypes.float8_e5m2}
    kept = numbers[np.abs(numbers) <= 448]
    result = {"values": kept.view(np.uint32).tolist()}
    for name, kind in types.items():
        bits = kept.astype(kind)
        result[name] = bits.view(np.uint16 if bits.itemsize == 2 else np.uint8).tolist()
    return result


def dynamic():
    x = rng.normal(size=(3, 24)).astype(np.float32)
    weight = rng.normal(size=(24, 5)).astype(np.float32)
    bias = rng.normal(size=5).astype(np.float32)
    scale = np.abs(weight).max(0) / np.float32(127)
    codes = np.clip(np.rint(weight.astype(np.float64) / scale), -127, 127).astype(np.int64)
    low, high = min(x.min(), 0), max(x.max(), 0)
    step = np.float32((high - low) / np.float32(255))
    zero = int(np.clip(np.rint(-low / step), 0, 255))
    quantized = np.clip(np.rint(x / step) + zero, 0, 255).astype(np.int64)
    result = ((quantized - zero) @ codes) * (step * scale).astype(np.float64) + bias
    return {"x": short(x), "weight": short(weight), "bias": short(bias), "result": short(result)}


with open(OUT, "w") as file:
    json.dump({"packed": packed(), "floats": floats(), "dynamic": dynamic()}, file)
