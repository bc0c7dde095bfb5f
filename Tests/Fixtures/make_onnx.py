"""Makes the ONNX fixtures in onnx/ (needs onnx and numpy).

Every model is written by the onnx package, so reading it and writing it back must give the very same bytes.
"""
import json
import os

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx")
os.makedirs(OUT, exist_ok=True)


def save(model, name, check=True):
    if check:
        onnx.checker.check_model(model)
    with open(os.path.join(OUT, name), "wb") as file:
        file.write(model.SerializeToString(deterministic=True))


def all_types():
    """One initializer per element type, in the raw field and in the typed field."""
    integers = {
        "uint8": (TensorProto.UINT8, np.uint8), "int8": (TensorProto.INT8, np.int8),
        "uint16": (TensorProto.UINT16, np.uint16), "int16": (TensorProto.INT16, np.int16),
        "int32": (TensorProto.INT32, np.int32), "int64": (TensorProto.INT64, np.int64),
        "uint32": (TensorProto.UINT32, np.uint32), "uint64": (TensorProto.UINT64, np.uint64),
    }
    floats = {
        "float32": (TensorProto.FLOAT, np.float32), "float64": (TensorProto.DOUBLE, np.float64),
        "float16": (TensorProto.FLOAT16, np.float16), "bfloat16": (TensorProto.BFLOAT16, ml_dtypes.bfloat16),
    }
    initializers, expected = [], {}
    for kind, (code, dtype) in integers.items():
        signed = np.issubdtype(dtype, np.signedinteger)
        values = np.array([[-3, 2, 100] if signed else [3, 2, 100], [0, 1, 7]], dtype=dtype)
        initializers.append(numpy_helper.from_array(values, f"raw_{kind}"))
        initializers.append(helper.make_tensor(f"typed_{kind}", code, values.shape, values.flatten().tolist()))
        expected[f"raw_{kind}"] = expected[f"typed_{kind}"] = values.flatten().astype(float).tolist()
    for kind, (code, dtype) in floats.items():
        values = np.array([0.5, -1.25, 65504.0, 6.0e-8, 0.0], dtype=np.float64).astype(dtype)
        initializers.append(helper.make_tensor(f"raw_{kind}", code, values.shape, values.tobytes(), raw=True))
        initializers.append(helper.make_tensor(f"typed_{kind}", code, values.shape, values.astype(np.float64).tolist()))
        typed = numpy_helper.to_array(initializers[-1]).astype(np.float64)
        expected[f"raw_{kind}"] = values.astype(np.float64).tolist()
        expected[f"typed_{kind}"] = typed.tolist()
    initializers.append(helper.make_tensor("typed_bool", TensorProto.BOOL, [3], [True, False, True]))
    expected["typed_bool"] = [1, 0, 1]
    initializers.append(helper.make_tensor("typed_int4", TensorProto.INT4, [3], [-8, 7, 1]))
    expected["typed_int4"] = [-8, 7, 1]
    initializers.append(helper.make_tensor("typed_uint4", TensorProto.UINT4, [3], [15, 0, 9]))
    expected["typed_uint4"] = [15, 0, 9]
    for name in ("FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ"):
        initializers.append(helper.make_tensor(f"typed_{name}", getattr(TensorProto, name), [2], [0.5, 2.0]))
    initializers.append(helper.make_tensor("typed_complex64", TensorProto.COMPLEX64, [1], [1 + 2j]))
    initializers.append(helper.make_tensor("typed_complex128", TensorProto.COMPLEX128, [1], [1 + 2j]))
    initializers.append(helper.make_tensor("typed_string", TensorProto.STRING, [2], [b"a", b"bc"]))
    initializers.append(helper.make_tensor("scalar", TensorProto.FLOAT, [], [3.5]))
    expected["scalar"] = [3.5]
    initializers.append(helper.make_tensor("empty", TensorProto.FLOAT, [0, 4], []))
    expected["empty"] = []
    node = helper.make_node("Add", ["x", "scalar"], ["y"], name="add", doc_string="kept")
    graph = helper.make_graph(
        [node], "types", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, None])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3, None])], initializers, doc_string="kept too")
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], producer_name="fixtures", doc_string="kept")
    model.ir_version = 10
    model.metadata_props.add(key="author", value="neural-scope")
    save(model, "types.onnx")
    with open(os.path.join(OUT, "types.json"), "w") as file:
        json.dump(expected, file, indent=0)


def subgraphs():
    """If inside If, both capturing an outer value; every attribute kind."""
    def branch(op, inner=None):
        nodes = [helper.make_node(op, ["x", "w"], ["z" + op])]
        if inner:
            nodes = [helper.make_node("If", ["c"], ["z" + op], then_branch=inner, else_branch=branch("Mul"))]
        return helper.make_graph(nodes, "branch" + op, [], [helper.make_tensor_value_info("z" + op, TensorProto.FLOAT, [2])])
    nodes = [
        helper.make_node("If", ["c"], ["y"], then_branch=branch("Add", branch("Sub")), else_branch=branch("Div")),
        helper.make_node(
            "Custom", ["y", "", "x"], ["q"], domain="example.org", f=1.5, i=-7, s="text", fs=[1.0, 2.5], ints=[1, -2, 3],
            ss=["a", "b"], t=numpy_helper.from_array(np.arange(3, dtype=np.float32), "inner")),
    ]
    graph = helper.make_graph(
        nodes, "subgraphs",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2]), helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("q", TensorProto.FLOAT, [2])],
        [numpy_helper.from_array(np.array([1, 2], dtype=np.float32), "w")])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("example.org", 1)]), "subgraphs.onnx")


def functions():
    node = helper.make_node("Scaled", ["x"], ["y"], domain="local", alpha=2.0)
    constant = onnx.NodeProto(op_type="Constant", output=["a"])
    attribute = constant.attribute.add(name="value_float", type=onnx.AttributeProto.FLOAT)
    attribute.ref_attr_name = "alpha"
    function = helper.make_function(
        "local", "Scaled", ["v"], ["r"], [constant, helper.make_node("Mul", ["v", "a"], ["r"])],
        [helper.make_opsetid("", 17)], ["alpha"])
    graph = helper.make_graph(
        [node], "functions", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])])
    save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("local", 1)], functions=[function]),
        "functions.onnx")


def external():
    """Weights in a second file, at an offset; and a model whose path climbs out of its folder."""
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    with open(os.path.join(OUT, "external.bin"), "wb") as file:
        file.write(b"\0" * 16 + values.tobytes())
    for name, location in [("external.onnx", "external.bin"), ("escape.onnx", "../make_onnx.py"), ("absolute.onnx", "/etc/passwd")]:
        tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3, 4], data_location=TensorProto.EXTERNAL)
        for key, value in [("location", location), ("offset", "16"), ("length", str(values.nbytes))]:
            tensor.external_data.add(key=key, value=value)
        graph = helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["y"])], "external",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])], [tensor])
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), name, check=False)


def opsets():
    """The same tiny convolution net from the oldest to the newest opset."""
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(4, 3, 3, 3)).astype(np.float32)
    for opset, ir in [(7, 3), (11, 6), (13, 7), (17, 8), (24, 11)]:
        graph = helper.make_graph(
            [
                helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], name="conv"),
                helper.make_node("Relu", ["c"], ["r"], name="relu"),
                helper.make_node("GlobalAveragePool", ["r"], ["g"], name="pool"),
                helper.make_node("Flatten", ["g"], ["y"], name="flatten"),
            ], f"opset{opset}",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])]
            + ([helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 3, 3, 3])] if ir < 4 else []),
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])], [numpy_helper.from_array(weight, "w")])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = ir
        save(model, f"opset{opset}.onnx")
    x = (np.arange(3 * 8 * 8, dtype=np.float32) / 192).reshape(1, 3, 8, 8)
    from onnx.reference import ReferenceEvaluator
    y = ReferenceEvaluator(os.path.join(OUT, "opset17.onnx")).run(None, {"x": x})[0]
    with open(os.path.join(OUT, "opset.json"), "w") as file:
        json.dump(y.flatten().astype(float).tolist(), file)


for make in (all_types, subgraphs, functions, external, opsets):
    make()
