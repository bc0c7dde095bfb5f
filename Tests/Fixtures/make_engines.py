"""Makes the fixtures in engines/ (needs numpy and onnx), on which inference engines are compared.

quantized.onnx  a QDQ model of any batch: two convolutions with per-channel int8 weights of 7 bits, whose 8-bit products
                saturate on no processor, a residual addition, pooling and a linear layer.
types.onnx      inputs and outputs of many element types, of any batch, scalars among them, and an input that no node
                reads.
foreign.onnx    an operator of ONNX Runtime's own domain that other engines have not.
engines.json    inputs and the outputs of the onnx package's reference evaluator.
"""
import json
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "engines")
os.makedirs(OUT, exist_ok=True)
rng = np.random.default_rng(5)


def save(model, name):
    onnx.checker.check_model(model, full_check=True)
    with open(os.path.join(OUT, name), "wb") as file:
        file.write(model.SerializeToString(deterministic=True))
    return ReferenceEvaluator(model)


def quantized():
    nodes, constants = [], []

    def constant(name, array):
        constants.append(numpy_helper.from_array(array, name))
        return name

    def activation(value, scale, zero):
        scale = constant(f"{value}_scale", np.float32(scale))
        zero = constant(f"{value}_zero", np.uint8(zero))
        nodes.append(helper.make_node("QuantizeLinear", [value, scale, zero], [f"{value}_q"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"{value}_q", scale, zero], [f"{value}_dq"]))
        return f"{value}_dq"

    def weight(name, shape, input_scale):
        scale = rng.uniform(0.004, 0.01, size=shape[0]).astype(np.float32)
        codes = rng.integers(-63, 64, size=shape).astype(np.int8)
        bias = rng.integers(-2000, 2000, size=shape[0]).astype(np.int32)
        zeros = np.zeros(shape[0], np.int8)
        nodes.append(helper.make_node(
            "DequantizeLinear",
            [constant(f"{name}_w", codes), constant(f"{name}_scale", scale), constant(f"{name}_zero", zeros)],
            [f"{name}_wd"], axis=0))
        nodes.append(helper.make_node(
            "DequantizeLinear",
            [constant(f"{name}_b", bias), constant(f"{name}_bias_scale", (scale * np.float32(input_scale))),
             constant(f"{name}_bias_zero", np.zeros(shape[0], np.int32))], [f"{name}_bd"], axis=0))
        return [f"{name}_wd", f"{name}_bd"]

    x = activation("x", 1 / 64, 128)
    nodes.append(helper.make_node(
        "Conv", [x] + weight("first", (16, 3, 3, 3), 1 / 64), ["a"], name="first", pads=[1, 1, 1, 1]))
    nodes.append(helper.make_node("Relu", ["a"], ["ar"]))
    a = activation("ar", 0.02, 0)
    nodes.append(helper.make_node(
        "Conv", [a] + weight("second", (16, 16, 3, 3), 0.02), ["b"], name="second", pads=[1, 1, 1, 1]))
    b = activation("b", 0.1, 120)
    nodes.append(helper.make_node("Add", [a, b], ["sum"], name="add"))
    s = activation("sum", 0.1, 120)
    nodes.append(helper.make_node("GlobalAveragePool", [s], ["pool"]))
    p = activation("pool", 0.05, 120)
    nodes.append(helper.make_node("Flatten", [p], ["flat"]))
    nodes.append(helper.make_node("Gemm", ["flat"] + weight("linear", (10, 16), 0.05), ["scores"], name="linear", transB=1))
    graph = helper.make_graph(
        nodes, "quantized", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 12, 12])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 10])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)])
    model.ir_version = 9
    evaluator = save(model, "quantized.onnx")
    inputs = np.clip(rng.normal(scale=0.7, size=(3, 3, 12, 12)), -2, 1.98).astype(np.float32)
    scores = evaluator.run(None, {"x": inputs})[0]
    return {"x": inputs.ravel().tolist(), "dimensions": list(inputs.shape), "scores": scores.ravel().tolist()}


def types():
    scale, point = numpy_helper.from_array(np.float32(0.05), "scale"), numpy_helper.from_array(np.uint8(100), "point")
    axis = numpy_helper.from_array(np.array([0, 1], np.int64), "axes")
    nodes = [
        helper.make_node("Gather", ["x", "indices"], ["gathered"], axis=1),
        helper.make_node("Greater", ["x", "zero"], ["positive"]),
        helper.make_node("ArgMax", ["x"], ["largest"], axis=1, keepdims=0),
        helper.make_node("ReduceSum", ["x", "axes"], ["total"], keepdims=0),
        helper.make_node("QuantizeLinear", ["x", "scale", "point"], ["codes"]),
        helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("Cast", ["bytes"], ["widened"], to=TensorProto.INT32),
        helper.make_node("Not", ["flags"], ["inverted"]),
    ]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "types",
        [info("x", TensorProto.FLOAT, ["N", 4]), info("indices", TensorProto.INT64, ["K"]),
         info("bytes", TensorProto.INT8, [3]), info("flags", TensorProto.BOOL, [2]),
         info("unused", TensorProto.FLOAT, [1]), info("zero", TensorProto.FLOAT, [])],
        [info("gathered", TensorProto.FLOAT, ["N", "K"]), info("positive", TensorProto.BOOL, ["N", 4]),
         info("largest", TensorProto.INT64, ["N"]), info("total", TensorProto.FLOAT, []),
         info("codes", TensorProto.UINT8, ["N", 4]), info("half", TensorProto.FLOAT16, ["N", 4]),
         info("widened", TensorProto.INT32, [3]), info("inverted", TensorProto.BOOL, [2])],
        [scale, point, axis])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)])
    model.ir_version = 9
    evaluator = save(model, "types.onnx")
    feeds = {
        "x": np.array([[0.5, -1.25, 3, 0], [-0.5, -1, -2, -3]], np.float32), "indices": np.array([3, 0, 0], np.int64),
        "bytes": np.array([-128, 0, 127], np.int8), "flags": np.array([True, False]), "unused": np.zeros(1, np.float32),
        "zero": np.float32(0)}
    names = [output.name for output in graph.output]
    outputs = dict(zip(names, evaluator.run(None, feeds)))
    outputs["half"] = outputs["half"].view(np.uint16)
    return {name: {"dimensions": list(np.shape(a)), "values": np.asarray(a, np.float64).ravel().tolist()}
            for name, a in outputs.items()}


def foreign():
    graph = helper.make_graph(
        [helper.make_node("CDist", ["x", "x"], ["y"], domain="com.microsoft", metric="euclidean")], "foreign",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, 3])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19), helper.make_opsetid("com.microsoft", 1)])
    model.ir_version = 9
    with open(os.path.join(OUT, "foreign.onnx"), "wb") as file:
        file.write(model.SerializeToString(deterministic=True))


foreign()
with open(os.path.join(OUT, "engines.json"), "w") as file:
    json.dump({"quantized": quantized(), "types": types()}, file)
