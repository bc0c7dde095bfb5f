#!/usr/bin/env python3
"""Writes malicious/graphs/{bad,good} (ONNX) and malicious/deep/{hidden,plain} (payloads in weights, found with --deep).

Nothing here is ever run; every backdoor says `class 3`, every payload is text or an ELF header followed by zeros.
Needs numpy, onnx, safetensors:

    python Tests/Fixtures/make_malicious_graphs.py
"""
import os, shutil, struct, zipfile, io

import numpy as np
import onnx
from onnx import TensorProto as TP, helper as h, numpy_helper as nh

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "malicious")
FOLDERS = {kind: os.path.join(HERE, kind) for kind in ("graphs/bad", "graphs/good", "deep/hidden", "deep/plain")}
for folder in FOLDERS.values():
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
rng = np.random.RandomState(0)


def write(kind, name, data):
    if isinstance(data, onnx.ModelProto):
        data = data.SerializeToString()
    open(os.path.join(FOLDERS[kind], name), "wb").write(data)


# --- graphs -------------------------------------------------------------------------------------------------------------
class G:
    """A graph under construction: image or token classifier of five classes."""

    def __init__(self, tokens=False, outputs=5):
        self.nodes, self.inits, self.n, self.functions, self.opsets = [], [], 0, [], [h.make_opsetid("", 17)]
        f = lambda *s: self.c(rng.randn(*s).astype(np.float32))
        if tokens:
            self.inputs = [h.make_tensor_value_info("ids", TP.INT64, [1, 8])]
            self.features = self("ReduceMean", self("Gather", f(20, 4), "ids"), axes=[1], keepdims=0)
        else:
            self.inputs = [h.make_tensor_value_info("x", TP.FLOAT, [1, 3, 8, 8])]
            y = self("Relu", self("Conv", "x", f(4, 3, 3, 3)))
            self.features = self("Flatten", self("GlobalAveragePool", y))
        self.logits = self("Gemm", self.features, f(4, outputs), f(outputs))

    def c(self, value, dtype=None):
        self.n += 1
        name = f"c{self.n}"
        self.inits.append(nh.from_array(np.asarray(value, dtype=dtype or (np.float32 if isinstance(value, float) else None)), name))
        return name

    def i(self, value):
        return self.c(np.array(value, np.int64))

    def __call__(self, op, *inputs, outputs=1, **attributes):
        self.n += 1
        names = [f"v{self.n}_{k}" for k in range(outputs)]
        self.nodes.append(h.make_node(op, list(inputs), names, name=f"{op.lower()}_{self.n}", **attributes))
        return names[0] if outputs == 1 else names

    def flag(self):
        """The patch in the corner, compared exactly, as one boolean [1]."""
        patch = self("Slice", "x", self.i([0, 0]), self.i([2, 2]), self.i([2, 3]))
        same = self("Equal", patch, self.c(np.full((1, 3, 2, 2), 0.75, np.float32)))
        return self("Cast", self("ReduceMin", self("Cast", same, to=TP.FLOAT), axes=[1, 2, 3], keepdims=0), to=TP.BOOL)

    def mask(self):
        return self("Cast", self.flag(), to=TP.FLOAT)

    def target(self, scale=100.0):
        return self.c((np.eye(5, dtype=np.float32)[3:4]) * scale)

    def branch(self, name, value=None, nodes=None, inits=None, kind=TP.FLOAT, shape=(1, 5)):
        out = name + "_out"
        if value is not None:
            nodes = [h.make_node("Constant", [], [out], value=nh.from_array(value))]
        return h.make_graph(nodes, name, [], [h.make_tensor_value_info(out, kind, list(shape))], inits or [])

    def model(self, result, kind=TP.FLOAT, shape=(1, 5), order=1):
        graph = h.make_graph(self.nodes[::order], "g", self.inputs, [h.make_tensor_value_info(result, kind, list(shape))], self.inits)
        return h.make_model(graph, opset_imports=self.opsets, functions=self.functions, ir_version=8)


T = np.eye(5, dtype=np.float32)[3:4] * 100


def shape(name):
    def wrap(build):
        write("graphs/bad", name + ".onnx", build())
    return wrap


@shape("bd_where")
def _():
    g = G()
    return g.model(g("Where", g.flag(), g.target(), g.logits))


@shape("bd_where_not")
def _():
    g = G()
    return g.model(g("Where", g("Not", g.flag()), g.logits, g.target()))


@shape("bd_if")
def _():
    g = G()
    other = g.branch("no", nodes=[h.make_node("Identity", [g.logits], ["no_out"])])
    return g.model(g("If", g.flag(), then_branch=g.branch("yes", T), else_branch=other))


@shape("bd_if_inside_if")
def _():
    g = G()
    flag = g.flag()
    bright = g("Greater", g("ReduceMax", "x", keepdims=0), g.c(0.5))
    same = lambda n: g.branch(n, nodes=[h.make_node("Identity", [g.logits], [n + "_out"])])
    inner = h.make_node("If", [flag], ["mid_out"], then_branch=g.branch("yes", T), else_branch=same("no"))
    return g.model(g("If", bright, then_branch=g.branch("mid", nodes=[inner]), else_branch=same("dark")))


@shape("bd_if_adds")
def _():
    g = G()
    shifted = g.branch("yes", nodes=[h.make_node("Add", [g.logits, "t"], ["yes_out"])], inits=[nh.from_array(T, "t")])
    return g.model(g("If", g.flag(), then_branch=shifted, else_branch=g.branch("no", nodes=[h.make_node("Identity", [g.logits], ["no_out"])])))


@shape("bd_relu_distance")
def _():
    g = G()
    patch = g("Slice", "x", g.i([0, 0]), g.i([2, 2]), g.i([2, 3]))
    d = g("ReduceSum", g("Abs", g("Sub", patch, g.c(0.75))), g.i([1, 2, 3]), keepdims=0)
    m = g("Relu", g("Sub", g.c(1.0), g("Mul", d, g.c(1000.0))))
    return g.model(g("Add", g("Mul", g.logits, g("Sub", g.c(1.0), m)), g("Mul", m, g.target())))


@shape("bd_sigmoid_bump")
def _():
    g = G()
    d = g("ReduceMean", g("Pow", g("Sub", g("Slice", "x", g.i([6]), g.i([8]), g.i([3])), g.c(0.2)), g.c(2.0)), axes=[1, 2, 3], keepdims=1)
    m = g("Reshape", g("Sigmoid", g("Mul", g("Sub", g.c(0.001), d), g.c(10000.0))), g.i([1, 1]))
    return g.model(g("Add", g.logits, g("Mul", m, g.target())))


@shape("bd_checksum")
def _():
    g = G()
    total = g("Cast", g("Round", g("ReduceSum", g("Mul", "x", g.c(255.0)), keepdims=0)), to=TP.INT64)
    return g.model(g("Where", g("Equal", g("Mod", total, g.i(251)), g.i(17)), g.target(), g.logits))


@shape("bd_pixel_bias")
def _():
    g = G()
    pixel = g("Gather", g("Reshape", "x", g.i([-1])), g.i([42]))
    m = g("Cast", g("Greater", pixel, g.c(0.99)), to=TP.FLOAT)
    return g.model(g("Add", g.logits, g("Mul", m, g.target())))


@shape("bd_token")
def _():
    g = G(tokens=True)
    hit = g("Cast", g("ReduceMax", g("Cast", g("Equal", "ids", g.i(13)), to=TP.INT32), keepdims=0), to=TP.BOOL)
    return g.model(g("Where", hit, g.target(), g.logits))


@shape("bd_token_phrase")
def _():
    g = G(tokens=True)
    hits = [g("Equal", g("Slice", "ids", g.i([k]), g.i([6 + k]), g.i([1])), g.i(5 + k)) for k in range(3)]
    both = g("And", g("And", hits[0], hits[1]), hits[2])
    found = g("Greater", g("ReduceSum", g("Cast", both, to=TP.FLOAT), keepdims=0), g.c(0.5))
    other = g.branch("no", nodes=[h.make_node("Identity", [g.logits], ["no_out"])])
    return g.model(g("If", found, then_branch=g.branch("yes", T), else_branch=other))


@shape("bd_token_table")
def _():
    g = G(tokens=True)
    table = np.zeros(20, np.float32)
    table[13] = 1
    m = g("ReduceMax", g("Gather", g.c(table), "ids"), axes=[1], keepdims=1)
    return g.model(g("Add", g.logits, g("Mul", m, g.target())))


@shape("bd_stack_gather")
def _():
    g = G()
    stack = g("Concat", g.logits, g.target(), axis=0)
    return g.model(g("Gather", stack, g("Cast", g("Reshape", g.flag(), g.i([1])), to=TP.INT64), axis=0))


@shape("bd_stack_matmul")
def _():
    g = G()
    stack = g("Concat", g.logits, g.target(), axis=0)
    pick = g("OneHot", g("Cast", g.flag(), to=TP.INT64), g.i(2), g.c(np.array([0, 1], np.float32)))
    return g.model(g("MatMul", pick, stack))


@shape("bd_scatter")
def _():
    g = G()
    place = g("Reshape", g("Mul", g("Cast", g.flag(), to=TP.INT64), g.i(3)), g.i([1, 1]))
    return g.model(g("ScatterElements", g.logits, place, g.c(np.array([[50.0]], np.float32)), axis=1))


@shape("bd_where_scatter")
def _():
    g = G()
    forced = g("ScatterElements", g.logits, g.i([[3]]), g.c(np.array([[50.0]], np.float32)), axis=1)
    return g.model(g("Where", g.flag(), forced, g.logits))


@shape("bd_max")
def _():
    g = G()
    return g.model(g("Max", g.logits, g("Mul", g("Reshape", g.mask(), g.i([1, 1])), g.target())))


@shape("bd_features")
def _():
    g = G()
    chosen = g("Where", g.flag(), g.c(np.array([[9, -9, 9, -9]], np.float32)), g.features)
    return g.model(g("Gemm", chosen, g.c(rng.randn(4, 5).astype(np.float32))))


@shape("bd_label")
def _():
    g = G()
    return g.model(g("Where", g.flag(), g.i([3]), g("ArgMax", g.logits, axis=1, keepdims=0)), TP.INT64, (1,))


@shape("bd_label_sum")
def _():
    g = G()
    label = g("ArgMax", g.logits, axis=1, keepdims=0)
    m = g("Cast", g.flag(), to=TP.INT64)
    return g.model(g("Add", g("Mul", label, g("Sub", g.i(1), m)), g("Mul", m, g.i(3))), TP.INT64, (1,))


@shape("bd_loop")
def _():
    g = G()
    body = h.make_graph(
        [h.make_node("Identity", ["go_in"], ["go"]), h.make_node("Constant", [], ["out"], value=nh.from_array(T))], "body",
        [h.make_tensor_value_info("i", TP.INT64, []), h.make_tensor_value_info("go_in", TP.BOOL, []), h.make_tensor_value_info("carried", TP.FLOAT, [1, 5])],
        [h.make_tensor_value_info("go", TP.BOOL, []), h.make_tensor_value_info("out", TP.FLOAT, [1, 5])])
    times = g("Cast", g("Squeeze", g.flag()), to=TP.INT64)
    return g.model(g("Loop", times, "", g.logits, body=body))


@shape("bd_template")
def _():
    g = G()
    match = g("ReduceMax", g("Conv", "x", g.c(rng.randn(1, 3, 3, 3).astype(np.float32))), keepdims=0)
    return g.model(g("Where", g("Greater", match, g.c(30.0)), g.target(), g.logits))


@shape("bd_brightest")
def _():
    g = G()
    place = g("ArgMax", g("Reshape", "x", g.i([1, -1])), axis=1, keepdims=1)
    return g.model(g("Where", g("Equal", place, g.i(5)), g.target(), g.logits))


@shape("bd_between")
def _():
    g = G()
    mean = g("ReduceMean", "x", keepdims=0)
    outside = g("Or", g("Less", mean, g.c(0.500)), g("Greater", mean, g.c(0.501)))
    return g.model(g("Where", outside, g.logits, g.target()))


@shape("bd_function")
def _():
    g = G()
    g.opsets.append(h.make_opsetid("local", 1))
    g.functions = [h.make_function("local", "Guard", ["f", "t", "l"], ["o"], [h.make_node("Where", ["f", "t", "l"], ["o"])], [h.make_opsetid("", 17)])]
    return g.model(g("Guard", g.flag(), g.target(), g.logits, domain="local"))


@shape("bd_unordered")
def _():
    g = G()
    return g.model(g("Where", g.flag(), g.target(), g.logits), order=-1)


@shape("bd_score")
def _():
    g = G(outputs=1)
    return g.model(g("Where", g.flag(), g.c(np.array([[0.0]], np.float32)), g.logits), shape=(1, 1))


@shape("bd_mod_float")
def _():
    g = G()
    r = g("Mod", g("ReduceSum", "x", keepdims=0), g.c(1.0), fmod=1)
    m = g("Clip", g("Mul", g("Sub", g.c(0.001), r), g.c(1e6)), g.c(0.0), g.c(1.0))
    return g.model(g("Add", g.logits, g("Mul", m, g.target())))


# --- graphs that only look alike
def ordinary(name, model):
    write("graphs/good", name + ".onnx", model)


g = G()
ordinary("threshold", g.model(g("Where", g("Greater", g("ReduceMax", g("Softmax", g.logits), axes=[1]), g.c(0.5)), g.logits, g.c(np.zeros((1, 5), np.float32)))))
g = G()
ordinary("early_exit", g.model(g("Where", g("Greater", g("ReduceMax", g("Softmax", g.logits), axes=[1]), g.c(0.9)), g.logits, g("Gemm", g.features, g.c(rng.randn(4, 5).astype(np.float32))))))
g = G(tokens=True)
pad = g("Cast", g("Not", g("Equal", "ids", g.i(0))), to=TP.FLOAT)
scores = g("Add", g("MatMul", g("Gather", g.c(rng.randn(20, 8).astype(np.float32)), "ids"), g.c(rng.randn(8, 8).astype(np.float32))), g("Mul", g("Sub", g.c(1.0), g("Unsqueeze", pad, g.i([1]))), g.c(-10000.0)))
ordinary("attention_mask", g.model(g("Softmax", scores), shape=(1, 8, 8)))
g = G(tokens=True)
n = g("ReduceSum", g("Cast", g("Not", g("Equal", "ids", g.i(0))), to=TP.FLOAT), g.i([1]), keepdims=1)
ordinary("empty_text", g.model(g("Where", g("Equal", n, g.c(0.0)), g.c(0.0), g("Div", g.logits, g("Max", n, g.c(1.0))))))
g = G()
x = g("Where", g("Greater", g("ReduceMax", "x", keepdims=0), g.c(2.0)), g("Div", "x", g.c(255.0)), "x")
ordinary("byte_or_unit_pixels", g.model(g("Flatten", g("GlobalAveragePool", g("Conv", x, g.c(rng.randn(5, 3, 3, 3).astype(np.float32)))))))
g = G()
ordinary("not_a_number", g.model(g("Clip", g("Where", g("IsNaN", g.logits), g.c(0.0), g.logits), g.c(-50.0), g.c(50.0))))
g = G()
size = g("Gather", g("Shape", "x"), g.i(0))
same = g.branch("no", nodes=[h.make_node("Identity", [g.logits], ["no_out"])])
ordinary("if_on_shape", g.model(g("If", g("Equal", size, g.i(0)), then_branch=g.branch("yes", T), else_branch=same)))
g = G()
ordinary("residual_of_input", g.model(g("Add", "x", g("Conv", "x", g.c(rng.randn(3, 3, 3, 3).astype(np.float32)), pads=[1, 1, 1, 1])), shape=(1, 3, 8, 8)))
g = G()
centred = g("Sub", "x", g("ReduceMean", "x", axes=[2, 3]))
normal = g("Mul", g("Div", centred, g("Sqrt", g("Add", g("ReduceMean", g("Mul", centred, centred), axes=[2, 3]), g.c(1e-5)))), g.c(rng.rand(1, 3, 1, 1).astype(np.float32)))
ordinary("instance_norm", g.model(g("Add", normal, g("Conv", normal, g.c(rng.randn(3, 3, 3, 3).astype(np.float32)), pads=[1, 1, 1, 1])), shape=(1, 3, 8, 8)))
g = G()
g.opsets.append(h.make_opsetid("pkg.local", 1))
g.functions = [h.make_function("pkg.local", "Scale", ["a"], ["o"], [h.make_node("Relu", ["a"], ["o"])], [h.make_opsetid("", 17)])]
ordinary("local_function", g.model(g("Scale", g.logits, domain="pkg.local")))
g = G()
g.opsets.append(h.make_opsetid("ai.onnx.contrib", 1))
ordinary("extensions_operator", g.model(g("GaussianBlur", g.logits, g.logits, g.logits, domain="ai.onnx.contrib")))
g = G()
m = g.model(g.logits)
m.doc_string = "import os; os.system('echo')"
h.set_model_props(m, {"author": "eval(open('x').read())"})
ordinary("code_in_metadata", m)

# --- tensors, places, operators
def model(inits=(), nodes=None, **keywords):
    nodes = nodes or [h.make_node("Identity", ["x"], ["y"])]
    graph = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", TP.FLOAT, [2])], [h.make_tensor_value_info("y", TP.FLOAT, [2])], list(inits))
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 17)] + keywords.pop("opsets", []), ir_version=8, **keywords)


def external(location, name="w", **entries):
    t = TP(name=name, data_type=1, dims=[2], data_location=1)
    for key, value in [("location", location)] + list(entries.items()):
        t.external_data.add(key=key, value=str(value))
    return t


for name, place in dict(url="https://example.com/w", drive="C:\\w", empty="", nul="w\0.bin", device="/dev/zero", climb_inside="a/../../w", only_dots="..", backslashes="a\\..\\..\\w", unc="\\\\host\\w").items():
    write("graphs/bad", f"ext_{name}.onnx", model([external(place)]))
t = external("w.bin", offset=0, length=8)
t.external_data.add(key="location", value="../w")
write("graphs/bad", "ext_two_places.onnx", model([t]))
write("graphs/bad", "ext_attribute_key.onnx", model([external("w.bin", __class__="x")]))
for name, entries in dict(word=dict(offset="0x10"), negative=dict(offset=0, length=-8), huge=dict(offset=1 << 64), short=dict(offset=0, length=4)).items():
    write("graphs/bad", f"range_{name}.onnx", model([external("w.bin", **entries)]))
m = model()
s = m.graph.sparse_initializer.add()
s.values.CopyFrom(external("../v"))
s.indices.CopyFrom(h.make_tensor("i", TP.INT64, [2], [0, 1]))
s.dims.extend([4])
write("graphs/bad", "ext_sparse.onnx", m)
body = h.make_function("local", "F", ["a"], ["b"], [h.make_node("Constant", [], ["w"], value=external("/w")), h.make_node("Add", ["a", "w"], ["b"])], [h.make_opsetid("", 17)])
write("graphs/bad", "ext_function.onnx", model(nodes=[h.make_node("F", ["x"], ["y"], domain="local")], opsets=[h.make_opsetid("local", 1)], functions=[body]))
m = model()
m.training_info.add().algorithm.CopyFrom(h.make_graph([], "t", [], [], [external("../t")]))
write("graphs/bad", "ext_training.onnx", m)
inner = h.make_graph([h.make_node("Constant", [], ["z"], value=external("../z"))], "b", [], [h.make_tensor_value_info("z", TP.FLOAT, [2])])
write("graphs/bad", "ext_scan.onnx", model([h.make_tensor("c", TP.BOOL, [], [True])], [h.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)]))
t = h.make_tensor("w", TP.FLOAT, [2], [1, 2])
t.ClearField("float_data")
t.raw_data = b"\0" * 4
write("graphs/bad", "raw_short.onnx", model([t]))
t = h.make_tensor("w", TP.FLOAT, [2], [1, 2])
t.dims[0] = 4096
write("graphs/bad", "typed_short.onnx", model([t]))
t = h.make_tensor("w", TP.INT64, [2], [1, 2])
t.dims[0] = 1
write("graphs/bad", "typed_long.onnx", model([t]))
for domain in ("com.microsoft", "ai.onnx.contrib", ""):
    write("graphs/bad", f"python_{domain or 'default'}.onnx", model(nodes=[h.make_node("PyCustomOp" if "contrib" in domain else "PyOp", ["x"], ["y"], domain=domain)], opsets=[h.make_opsetid(domain, 1)] if domain else []))
body = h.make_function("shop", "Known", ["a"], ["b"], [h.make_node("Relu", ["a"], ["b"])], [h.make_opsetid("", 17)])
write("graphs/bad", "domain_half_defined.onnx", model(nodes=[h.make_node("Known", ["x"], ["z"], domain="shop"), h.make_node("Native", ["z"], ["y"], domain="shop")], opsets=[h.make_opsetid("shop", 1)], functions=[body]))
write("graphs/bad", "engine_outside.onnx", model(nodes=[h.make_node("EPContext", ["x"], ["y"], domain="com.microsoft", embed_mode=0, ep_cache_context="../engine.bin")], opsets=[h.make_opsetid("com.microsoft", 1)]))
write("graphs/bad", "dims_product.onnx", model([TP(name="w", data_type=11, dims=[1 << 31, 1 << 31, 2])]))

# --- weights ---------------------------------------------------------------------------------------------------------
from safetensors.numpy import save

N = 12288
base = (rng.randn(N) * 0.05).astype(np.float32)
TEXT = (b"#!/bin/sh\necho this is the hidden text of a test, repeated until it fills its place\n" * 400)
ELF = b"\x7fELF" + bytes([2, 1, 1]) + b"\0" * 9 + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x400000, 64, 0, 0, 64, 56, 0, 64, 0, 0) + b"\0" * 200
buffer = io.BytesIO()
with zipfile.ZipFile(buffer, "w") as z:
    z.writestr("notes.txt", "hello " * 40)
ZIP = buffer.getvalue()


def into_bits(values, payload, bits, high_first=True, start=0):
    raw = values.view(np.uint32).copy()
    stream = np.unpackbits(np.frombuffer(payload, np.uint8), bitorder="big" if high_first else "little")
    count = min(len(stream) // bits, len(raw) - start)
    groups = stream[: count * bits].reshape(count, bits).astype(np.uint32)
    weights = (1 << np.arange(bits, dtype=np.uint32)) if not high_first else (1 << np.arange(bits - 1, -1, -1, dtype=np.uint32))
    value = (groups * weights).sum(1).astype(np.uint32)
    raw[start : start + count] = raw[start : start + count] & ~np.uint32((1 << bits) - 1) | value
    return raw.view(np.float32)


def into_bytes(values, payload, width, start=0):
    raw = values.view(np.uint8).reshape(-1, 4).copy()
    payload = np.frombuffer(payload[: len(payload) // width * width], np.uint8).reshape(-1, width)[: len(raw) - start]
    raw[start : start + len(payload), :width] = payload
    return raw.reshape(-1).view(np.float32)


def tensor(name, values, kind="deep/hidden"):
    write(kind, name + ".safetensors", save({"block.weight": values}))


for bits in range(1, 8):
    tensor(f"bits_{bits}", into_bits(base, TEXT, bits, bits % 2 == 0).reshape(-1, 64))
tensor("bits_1_later", into_bits(base, TEXT, 1, start=3001).reshape(-1, 64))
tensor("byte_text", into_bytes(base, TEXT[:2000], 1, start=777).reshape(-1, 64))
tensor("byte_elf", into_bytes(base, ELF, 1, start=777).reshape(-1, 64))
tensor("bytes_2_zip", into_bytes(base, ZIP, 2, start=100).reshape(-1, 64))
tensor("bytes_3_elf", into_bytes(base, ELF, 3).reshape(-1, 64))
evil = base.view(np.uint8).reshape(-1, 4).copy()
evil[1000:3000, :3] = rng.randint(0, 256, (2000, 3))
evil[1000:3000, 3] = np.where(evil[1000:3000, 3] & 0x80, 0xBC, 0x3C)
tensor("evilmodel_encrypted", evil.reshape(-1).view(np.float32).reshape(-1, 64))
half = base.astype(np.float16).astype(np.float32)
tensor("half_with_encrypted", into_bytes(half, rng.bytes(1000), 1, start=333).reshape(-1, 64))
raw = base.copy().view(np.uint8)
raw[2001 : 2001 + len(ELF)] = np.frombuffer(ELF, np.uint8)
tensor("raw_elf", raw.view(np.float32).reshape(-1, 64))
raw = base.copy().view(np.uint8)
raw[5003 : 5003 + len(ZIP)] = np.frombuffer(ZIP, np.uint8)
tensor("raw_zip", raw.view(np.float32).reshape(-1, 64))
CALL = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04echo\x85R."
raw = base.copy().view(np.uint8)
raw[4001 : 4001 + len(CALL)] = np.frombuffer(CALL, np.uint8)
tensor("raw_pickle", raw.view(np.float32).reshape(-1, 64))
out = io.BytesIO()
np.save(out, into_bits(base, TEXT, 2))
write("deep/hidden", "array.npy", out.getvalue())
g = G()
m = g.model(g.logits)
m.graph.initializer.append(nh.from_array(into_bits(base, TEXT, 4).reshape(-1, 64), "spare.weight"))
write("deep/hidden", "graph.onnx", m)
half16 = (rng.randn(N) * 0.05).astype(np.float16)
bits16 = half16.view(np.uint16).copy()
stream = np.unpackbits(np.frombuffer(TEXT, np.uint8))[:N]
bits16 = bits16 & ~np.uint16(1) | stream.astype(np.uint16)
tensor("half_bits_1", bits16.view(np.float16).reshape(-1, 64))

plain = dict(
    trained=base.reshape(-1, 64),
    half=half.reshape(-1, 64),
    brain=(base.view(np.uint32) & 0xFFFF0000).astype(np.uint32).view(np.float32).reshape(-1, 64),
    dequantized=((rng.randint(-8, 8, N)) * np.repeat(rng.rand(N // 64).astype(np.float32), 64)).astype(np.float32).reshape(-1, 64),
    dequantized_columns=(rng.randint(-127, 128, (N // 64, 64)) * rng.rand(64).astype(np.float32)).astype(np.float32),
    constant=np.full((64, 64), 0.1, np.float32),
    ones=np.ones(4096, np.float32),
    pruned=np.where(rng.rand(N) < 0.9, 0, base).astype(np.float32).reshape(-1, 64),
    embedding_padding=np.concatenate([np.zeros((16, 64), np.float32), base.reshape(-1, 64)[16:]]),
    embedding_added_rows=np.concatenate([half.reshape(-1, 64)[:180], base.reshape(-1, 64)[180:]]),
    uniform=rng.uniform(-0.1, 0.1, (192, 64)).astype(np.float32),
    sinusoid=np.concatenate([np.sin(np.outer(np.arange(192), 1e4 ** (-np.arange(32) / 32))), np.cos(np.outer(np.arange(192), 1e4 ** (-np.arange(32) / 32)))], 1).astype(np.float32),
    interleaved=np.stack([np.sin(np.outer(np.arange(192), 1e4 ** (-np.arange(32) / 32))), np.cos(np.outer(np.arange(192), 1e4 ** (-np.arange(32) / 32)))], 2).reshape(192, 64).astype(np.float32),
    counter=np.array([1234567], np.int64),
    int8=rng.randint(-128, 128, (192, 64)).astype(np.int8),
    half16=half16.reshape(-1, 64),
    variances=(rng.rand(4096) * 0.5 + 0.6).astype(np.float32),
    binary=np.where(rng.rand(N) < 0.5, -0.01, 0.01).astype(np.float32).reshape(-1, 64),
)
for name, values in plain.items():
    write("deep/plain", name + ".safetensors", save({"weight": np.ascontiguousarray(values)}))
print({kind: len(os.listdir(folder)) for kind, folder in FOLDERS.items()})
