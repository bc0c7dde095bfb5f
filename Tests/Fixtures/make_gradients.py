"""Writes Tests/Fixtures/gradients/: one tiny ONNX model per case and the gradient PyTorch's autograd gives.

CASE.onnx takes x [N, ...] and gives y. CASE.bin holds little-endian float32: x (batch 2), v (shape of y) and
d(sum(y * v))/dx. Needs numpy, onnx and torch; the models are built by hand, so no exporter stands between.
"""
import os
import numpy as np
import torch
import torch.nn.functional as F
from onnx import TensorProto, checker, helper, numpy_helper

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gradients")
os.makedirs(OUT, exist_ok=True)
RNG = np.random.default_rng(20)
T = torch.tensor


def node(op, inputs, output="y", **attributes):
    outputs = output.split(",")
    return helper.make_node(op, inputs.split(",") if inputs else [], outputs, **attributes)


def case(name, shape, nodes, function, constants=None, opset=17, batch=2, positive=False, fixed_batch=False, scale=1.0):
    x = RNG.normal(size=[batch] + shape).astype(np.float32) * scale
    if positive:
        x = np.abs(x) + 0.3
    leaf = torch.tensor(x, requires_grad=True)
    y = function(leaf)
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1 if fixed_batch else "N"] + shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * y.dim())],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in (constants or {}).items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    checker.check_model(model)
    v = RNG.normal(size=list(y.shape)).astype(np.float32)
    (y * torch.tensor(v)).sum().backward()
    with open(f"{OUT}/{name}.onnx", "wb") as file:
        file.write(model.SerializeToString())
    with open(f"{OUT}/{name}.bin", "wb") as file:
        for array in (x, v, leaf.grad.numpy()):
            file.write(np.ascontiguousarray(array, dtype="<f4").tobytes())


def weights(*shape):
    return (RNG.normal(size=shape) * 0.5).astype(np.float32)


def conv(name, cin, cout, size, kernel, stride=(1, 1), pads=(0, 0, 0, 0), group=1, dilation=(1, 1), **extra):
    w, b = weights(cout, cin // group, *kernel), weights(cout)
    def run(x):
        x = F.pad(x, (pads[1], pads[3], pads[0], pads[2]))
        return F.conv2d(x, T(w), T(b), stride=stride, groups=group, dilation=dilation)
    case(f"conv_{name}", [cin, *size],
         [node("Conv", "x,w,b", kernel_shape=list(kernel), strides=list(stride), pads=list(pads), group=group, dilations=list(dilation))],
         run, {"w": w, "b": b}, **extra)


conv("unit", 3, 4, (6, 7), (3, 3), pads=(1, 1, 1, 1))
conv("pointwise", 3, 4, (5, 5), (1, 1))
conv("asymmetric_pads", 2, 3, (6, 7), (3, 2), pads=(0, 1, 2, 0))
conv("dilated", 2, 3, (9, 8), (3, 3), pads=(2, 2, 2, 2), dilation=(2, 2))
conv("grouped", 4, 6, (5, 5), (3, 3), pads=(1, 1, 1, 1), group=2)
conv("depthwise", 3, 3, (5, 6), (3, 3), pads=(1, 1, 1, 1), group=3)
conv("wide_pads", 2, 2, (4, 4), (1, 1), pads=(1, 1, 1, 1))
conv("stride2", 3, 4, (8, 9), (3, 3), stride=(2, 2), pads=(1, 1, 1, 1))
conv("stride2_seven", 3, 2, (13, 12), (7, 7), stride=(2, 2), pads=(3, 3, 3, 3))
conv("stride2_pointwise", 3, 2, (7, 8), (1, 1), stride=(2, 2))
conv("stride2_asymmetric", 3, 2, (8, 8), (3, 3), stride=(2, 2), pads=(0, 0, 1, 1))
conv("stride2_even", 2, 3, (9, 9), (2, 2), stride=(2, 2))
conv("stride2_dilated", 2, 3, (11, 11), (3, 3), stride=(2, 2), pads=(2, 2, 2, 2), dilation=(2, 2))
conv("stride2_depthwise", 3, 3, (8, 9), (3, 3), stride=(2, 2), pads=(1, 1, 1, 1), group=3)
conv("stride3_grouped", 4, 4, (10, 11), (5, 5), stride=(3, 3), pads=(2, 2, 2, 2), group=2)
conv("stride3", 2, 3, (11, 10), (5, 5), stride=(3, 3), pads=(2, 2, 2, 2))
conv("stride4_patches", 3, 5, (8, 8), (4, 4), stride=(4, 4))
conv("stride_mixed", 2, 3, (9, 8), (3, 3), stride=(2, 1), pads=(1, 1, 1, 1))
conv("stride_beyond_kernel", 2, 3, (10, 10), (2, 2), stride=(3, 3))
w = weights(4, 2, 3, 3)
case("conv_same_upper", [2, 7, 8], [node("Conv", "x,w", auto_pad="SAME_UPPER", strides=[2, 2], kernel_shape=[3, 3])],
     lambda x: F.conv2d(F.pad(x, (0, 1, 1, 1)), T(w), stride=2), {"w": w})
w1 = weights(3, 2, 3)
case("conv_one_dimension", [2, 9], [node("Conv", "x,w", kernel_shape=[3], pads=[1, 1], strides=[2])],
     lambda x: F.conv1d(x, T(w1), stride=2, padding=1), {"w": w1})
wt = weights(3, 2, 3, 3)
case("conv_transpose", [3, 4, 5], [node("ConvTranspose", "x,w", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])],
     lambda x: F.conv_transpose2d(x, T(wt), stride=2, padding=1, output_padding=1), {"w": wt})

case("max_pool", [2, 8, 8], [node("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2])], lambda x: F.max_pool2d(x, 2))
case("max_pool_overlapping", [2, 9, 8], [node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])],
     lambda x: F.max_pool2d(x, 3, 2, 1))
case("max_pool_ceil_opset11", [2, 8, 8], [node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)],
     lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), opset=11)
case("average_pool", [2, 8, 6], [node("AveragePool", "x", kernel_shape=[2, 2], strides=[2, 2])], lambda x: F.avg_pool2d(x, 2))
case("average_pool_excluding_pads", [2, 7, 7], [node("AveragePool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])],
     lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False))
case("average_pool_including_pads", [2, 6, 7], [node("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)],
     lambda x: F.avg_pool2d(x, 3, 1, 1))
case("average_pool_ceil", [2, 8, 8], [node("AveragePool", "x", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)],
     lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True))
case("global_average_pool", [3, 4, 5], [node("GlobalAveragePool", "x")], lambda x: x.mean((2, 3), keepdim=True))
case("global_max_pool", [3, 4, 5], [node("GlobalMaxPool", "x")], lambda x: x.amax((2, 3), keepdim=True))

b2 = weights(3, 1, 1)
bn = [np.abs(weights(3)) + 0.2, weights(3), weights(3), np.abs(weights(3)) + 0.2]
case("add_broadcast", [3, 4, 4], [node("Add", "x,b", "a"), node("Mul", "a,x")], lambda x: (x + T(b2)) * x, {"b": b2})
case("add_smaller_operand", [3, 1, 1], [node("Add", "x,b", "a"), node("Mul", "a,x")],
     lambda x: (x + T(big)) * x, {"b": (big := weights(3, 4, 5))})
case("subtract_both", [3, 4], [node("Mul", "x,c", "a"), node("Sub", "c,x", "d"), node("Sub", "d,a")],
     lambda x: (T(b3) - x) - x * T(b3), {"c": (b3 := weights(1, 4))})
case("multiply_gate", [3, 4, 4], [node("GlobalAveragePool", "x", "p"), node("Sigmoid", "p", "g"), node("Mul", "x,g")],
     lambda x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)))
case("divide_both", [3, 4], [node("Exp", "x", "e"), node("Div", "x,e")], lambda x: x / torch.exp(x))
case("sum_three", [3, 4], [node("Tanh", "x", "t"), node("Sum", "x,t,c")], lambda x: x + torch.tanh(x) + 1, {"c": np.float32([1, 1, 1, 1])})
case("power_square", [3, 4], [node("Pow", "x,e")], lambda x: x ** 2, {"e": np.float32(2)})
case("power_half", [3, 4], [node("Pow", "x,e")], lambda x: x ** 1.5, {"e": np.float32(1.5)}, positive=True)
case("maximum", [3, 4], [node("Max", "x,c")], lambda x: torch.maximum(x, T(m1)), {"c": (m1 := weights(4))})
case("minimum_opset8", [3, 4], [node("Min", "x,c")], lambda x: torch.minimum(x, T(m2)), {"c": (m2 := weights(4))}, opset=8)
case("where", [3, 4], [node("Greater", "x,c", "g"), node("Neg", "x", "n"), node("Where", "g,x,n")],
     lambda x: torch.where(x > 0.1, x, -x), {"c": np.float32(0.1)})

for op, function, positive in [("Exp", torch.exp, 0), ("Log", torch.log, 1), ("Sqrt", torch.sqrt, 1), ("Abs", torch.abs, 0),
                               ("Reciprocal", torch.reciprocal, 1), ("Erf", torch.erf, 0), ("Sin", torch.sin, 0), ("Cos", torch.cos, 0),
                               ("Relu", F.relu, 0), ("Sigmoid", torch.sigmoid, 0), ("Tanh", torch.tanh, 0), ("Softplus", F.softplus, 0),
                               ("Softsign", F.softsign, 0), ("Selu", F.selu, 0)]:
    case(op.lower(), [3, 4], [node(op, "x")], function, positive=bool(positive))
case("leaky_relu", [3, 4], [node("LeakyRelu", "x", alpha=0.2)], lambda x: F.leaky_relu(x, 0.2))
case("prelu", [3, 2, 2], [node("PRelu", "x,s")], lambda x: F.prelu(x, T(s1).flatten()), {"s": (s1 := np.float32([[[0.1]], [[0.3]], [[0.5]]]))})
case("elu", [3, 4], [node("Elu", "x", alpha=1.5)], lambda x: F.elu(x, 1.5))
case("celu", [3, 4], [node("Celu", "x", alpha=0.7)], lambda x: F.celu(x, 0.7))
case("hard_sigmoid", [3, 8], [node("HardSigmoid", "x", alpha=1 / 6, beta=0.5)], F.hardsigmoid, scale=3)
case("hard_swish", [3, 8], [node("HardSwish", "x")], F.hardswish, scale=3)
case("swish", [3, 4], [node("Sigmoid", "x", "s"), node("Mul", "x,s")], F.silu)
case("gelu_exact_opset20", [3, 4], [node("Gelu", "x")], F.gelu, opset=20)
case("gelu_tanh_opset20", [3, 4], [node("Gelu", "x", approximate="tanh")], lambda x: F.gelu(x, approximate="tanh"), opset=20)
case("clip_opset7", [3, 8], [node("Clip", "x", min=0.0, max=6.0)], F.relu6, opset=7, scale=5)
case("clip", [3, 8], [node("Clip", "x,lo,hi")], lambda x: F.hardtanh(x, -0.5, 0.7), {"lo": np.float32(-0.5), "hi": np.float32(0.7)})
case("clip_one_sided", [3, 8], [node("Clip", "x,lo")], lambda x: torch.clamp(x, min=-0.5), {"lo": np.float32(-0.5)})
case("softmax", [3, 5], [node("Softmax", "x", axis=-1)], lambda x: torch.softmax(x, -1))
case("softmax_opset9", [5], [node("Softmax", "x")], lambda x: torch.softmax(x, 1), opset=9)
case("softmax_inner", [4, 5], [node("Softmax", "x", axis=1)], lambda x: torch.softmax(x, 1))
case("log_softmax", [5], [node("LogSoftmax", "x", axis=1)], lambda x: F.log_softmax(x, 1))

case("batch_normalization", [3, 4, 4], [node("BatchNormalization", "x,s,b,m,v", epsilon=1e-3)],
     lambda x: F.batch_norm(x, T(bn[2]), T(bn[3]), T(bn[0]), T(bn[1]), eps=1e-3), dict(zip("sbmv", bn)))
case("batch_normalization_opset7", [3, 4, 4], [node("BatchNormalization", "x,s,b,m,v")],
     lambda x: F.batch_norm(x, T(bn[2]), T(bn[3]), T(bn[0]), T(bn[1])), dict(zip("sbmv", bn)), opset=7)
ln = weights(6), weights(6)
case("layer_normalization", [3, 6], [node("LayerNormalization", "x,s,b")], lambda x: F.layer_norm(x, [6], T(ln[0]), T(ln[1])),
     {"s": ln[0], "b": ln[1]})

g = weights(5, 4), weights(4, 5), weights(4)
case("gemm", [5], [node("Gemm", "x,w,c", alpha=0.5, beta=2.0)], lambda x: 0.5 * x @ T(g[0]) + 2 * T(g[2]), {"w": g[0], "c": g[2]})
case("gemm_transposed", [5], [node("Gemm", "x,w,c", transB=1)], lambda x: x @ T(g[1]).T + T(g[2]), {"w": g[1], "c": g[2]})
case("gemm_right", [4], [node("Gemm", "w,x", transA=1, transB=1, alpha=1.5)], lambda x: 1.5 * T(g[1]).T @ x.T, {"w": g[1]})
case("matmul", [3, 5], [node("MatMul", "x,w")], lambda x: x @ T(g[0]), {"w": g[0]})
case("attention", [3, 4], [node("Transpose", "x", "t", perm=[0, 2, 1]), node("MatMul", "x,t", "a"), node("Softmax", "a", "s", axis=-1),
                           node("MatMul", "s,x")], lambda x: torch.softmax(x @ x.transpose(1, 2), -1) @ x)

case("flatten", [2, 3, 2], [node("Tanh", "x", "t"), node("Flatten", "t")], lambda x: torch.tanh(x).flatten(1))
case("reshape", [2, 6], [node("Reshape", "x,s", "r"), node("Exp", "r")], lambda x: torch.exp(x.reshape(-1, 3, 4)), {"s": np.int64([0, 3, 4])})
case("squeeze_opset11", [3, 1, 1], [node("Squeeze", "x", "q", axes=[2, 3]), node("Unsqueeze", "q", "u", axes=[1]), node("Exp", "u")],
     lambda x: torch.exp(x.flatten(1).unsqueeze(1)), opset=11)
case("squeeze", [3, 1, 1], [node("Squeeze", "x,a", "q"), node("Exp", "q")], lambda x: torch.exp(x.flatten(1)), {"a": np.int64([2, 3])})
case("transpose", [2, 3, 4], [node("Transpose", "x", perm=[0, 2, 3, 1])], lambda x: x.permute(0, 2, 3, 1))
case("expand", [3, 1], [node("Expand", "x,s")], lambda x: x.expand(-1, -1, 4), {"s": np.int64([1, 3, 4])})
case("depth_to_space_crd", [8, 2, 3], [node("DepthToSpace", "x", blocksize=2, mode="CRD")], lambda x: F.pixel_shuffle(x, 2))
case("space_to_depth", [2, 4, 6], [node("SpaceToDepth", "x", blocksize=2)],
     lambda x: x.reshape(-1, 2, 2, 2, 3, 2).permute(0, 3, 5, 1, 2, 4).reshape(-1, 8, 2, 3))
case("dropout_opset9", [4], [node("Dropout", "x", "d", ratio=0.5), node("Exp", "d")], torch.exp, opset=9)
case("dropout", [4], [node("Dropout", "x", "d"), node("Identity", "d", "i"), node("Exp", "i")], torch.exp)
case("cast", [4], [node("Cast", "x", "d", to=11), node("Exp", "d", "e"), node("Cast", "e", to=1)], torch.exp)

case("concat", [2, 3], [node("Exp", "x", "e"), node("Concat", "x,e,x", axis=1)], lambda x: torch.cat([x, torch.exp(x), x], 1))
case("concat_constant", [2, 3], [node("Concat", "x,c", axis=-1)], lambda x: torch.cat([x, T(cc).expand(2, -1, -1)], -1),
     {"c": (cc := weights(2, 2, 2))})
case("split", [6, 2], [node("Split", "x,s", "a,b", axis=1), node("Exp", "b", "e"), node("ReduceSum", "a,k", "r", keepdims=0), node("Unsqueeze", "r,k", "u"), node("Mul", "u,e")],
     lambda x: x[:, :2].sum(1).unsqueeze(1) * torch.exp(x[:, 2:]), {"s": np.int64([2, 4]), "k": np.int64([1])})
case("split_opset11", [6, 2], [node("Split", "x", "a,b", axis=1, split=[2, 4]), node("Exp", "b")], lambda x: torch.exp(x[:, 2:]), opset=11)
case("slice", [5, 6], [node("Slice", "x,s,e,a")], lambda x: x[:, 1:4, 2:], {"s": np.int64([1, -4]), "e": np.int64([4, 2**62]), "a": np.int64([1, 2])})
case("slice_opset9", [5, 6], [node("Slice", "x", starts=[1], ends=[4], axes=[1])], lambda x: x[:, 1:4], opset=9)
case("slice_steps", [5, 7], [node("Slice", "x,s,e,a,t")], lambda x: x[:, 1::2, 0:6:3],
     {"s": np.int64([1, 0]), "e": np.int64([2**31, 6]), "a": np.int64([1, 2]), "t": np.int64([2, 3])})
case("pad", [3, 4], [node("Pad", "x,p")], lambda x: F.pad(x, (1, 2, 0, 1)), {"p": np.int64([0, 0, 1, 0, 1, 2])})
case("pad_opset9", [3, 4], [node("Pad", "x", pads=[0, 0, 1, 0, -1, 2])], lambda x: F.pad(x, (1, 2, 0, -1)), opset=9)
case("gather_token", [5, 3], [node("Gather", "x,i", axis=1)], lambda x: x[:, 2], {"i": np.int64(2)})
case("gather_range", [5, 3], [node("Gather", "x,i", axis=1)], lambda x: x[:, 1:4], {"i": np.int64([1, 2, 3])})
case("resize_nearest", [2, 3, 4], [node("Resize", "x,,s", mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")],
     lambda x: F.interpolate(x, scale_factor=2), {"s": np.float32([1, 1, 2, 2])})
case("upsample_opset9", [2, 3, 4], [node("Upsample", "x,s", mode="nearest")], lambda x: F.interpolate(x, scale_factor=3),
     {"s": np.float32([1, 1, 3, 3])}, opset=9)

case("reduce_mean", [3, 4, 4], [node("ReduceMean", "x", axes=[2, 3], keepdims=0)], lambda x: x.mean((2, 3)))
case("reduce_mean_opset18", [3, 4, 4], [node("ReduceMean", "x,a")], lambda x: x.mean((2, 3), keepdim=True), {"a": np.int64([-1, -2])}, opset=18)
case("reduce_sum_opset11", [3, 4], [node("ReduceSum", "x", "r", axes=[1]), node("Mul", "r,x")], lambda x: x.sum(1, keepdim=True) * x, opset=11)
case("reduce_max", [3, 4], [node("ReduceMax", "x", axes=[1], keepdims=0)], lambda x: x.amax(1))

# Old, fixed-batch and residual graphs through several rules at once.
w = [weights(4, 3, 3, 3), weights(4, 4, 3, 3), weights(8, 4, 1, 1), weights(5, 8)]
def residual(x):
    a = F.relu(F.conv2d(x, T(w[0]), padding=1, stride=2))
    b = F.relu(F.conv2d(a, T(w[1]), padding=1) + a)
    c = F.max_pool2d(F.conv2d(b, T(w[2]), stride=2), 2)
    return c.mean((2, 3)) @ T(w[3]).T
RESIDUAL = [node("Conv", "x,w0", "c0", pads=[1] * 4, strides=[2, 2]), node("Relu", "c0", "a"), node("Conv", "a,w1", "c1", pads=[1] * 4),
            node("Add", "c1,a", "s"), node("Relu", "s", "b"), node("Conv", "b,w2", "c2", strides=[2, 2]),
            node("MaxPool", "c2", "m", kernel_shape=[2, 2], strides=[2, 2]), node("GlobalAveragePool", "m", "p")]
case("residual_opset9", [3, 16, 16], RESIDUAL + [node("Flatten", "p", "f"), node("Transpose", "w3", "w3t"), node("MatMul", "f,w3t")], residual,
     {f"w{i}": v for i, v in enumerate(w)}, opset=9)
case("residual_fixed_batch", [3, 16, 16], RESIDUAL + [node("Reshape", "p,shape", "f"), node("Gemm", "f,w3", transB=1)], residual,
     {**{f"w{i}": v for i, v in enumerate(w)}, "shape": np.int64([1, -1])}, opset=13, fixed_batch=True)

# Straight-through quantization: the gradient of clamp(x, low, high) where both bounds pass.
def straight_through(x, scale, zero, low, high):
    clipped = torch.clamp(x, (low - zero) * scale, (high - zero) * scale)
    rounded = (torch.clamp(torch.round(x / scale) + zero, low, high) - zero) * scale
    return clipped + (rounded - clipped).detach()
case("quantized_pair", [3, 8], [node("QuantizeLinear", "x,s,z", "q"), node("DequantizeLinear", "q,s,z", "d"), node("Mul", "d,d")],
     lambda x: straight_through(x, 0.02, 100, 0, 255) ** 2, {"s": np.float32(0.02), "z": np.uint8(100)}, opset=13, scale=2)
qw = RNG.integers(-127, 128, size=(4, 3, 3, 3)).astype(np.int8)
qs = np.float32([0.01, 0.02, 0.03, 0.015])
def quantized_conv(x):
    x = straight_through(x, 0.05, 0, -128, 127)
    return F.conv2d(x, T(qw.astype(np.float32)) * T(qs).reshape(-1, 1, 1, 1), stride=2, padding=1)
case("quantized_convolution", [3, 6, 6], [node("QuantizeLinear", "x,s,z", "q"), node("DequantizeLinear", "q,s,z", "d"),
     node("DequantizeLinear", "qw,qs,qz", "w", axis=0), node("Conv", "d,w", strides=[2, 2], pads=[1] * 4)], quantized_conv,
     {"s": np.float32(0.05), "z": np.int8(0), "qw": qw, "qs": qs, "qz": np.zeros(4, np.int8)}, opset=13)

# Cross-entropy of a small classifier: labels 1 and 3; .bin holds x, loss per image, gradient.
x = RNG.normal(size=(2, 3, 16, 16)).astype(np.float32)
leaf = torch.tensor(x, requires_grad=True)
loss = F.cross_entropy(residual(leaf), torch.tensor([1, 3]), reduction="none")
loss.sum().backward()
with open(f"{OUT}/residual.crossentropy.bin", "wb") as file:
    for array in (x, loss.detach().numpy(), leaf.grad.numpy()):
        file.write(array.astype("<f4").tobytes())
print(len(os.listdir(OUT)), "files,", sum(os.path.getsize(f"{OUT}/{f}") for f in os.listdir(OUT)) // 1024, "KiB")
