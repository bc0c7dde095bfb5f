"""Writes Tests/Fixtures/gradients/: one tiny ONNX model per case and the gradient PyTorch's autograd gives.

CASE.onnx takes x [N, ...] and gives y. CASE.bin holds little-endian float32: x (batch 2), v (shape of y) and
d(sum(y * v))/dx. Needs numpy, onnx and torch; the models are built by hand, so no exporter stands between.

parameters/CASE.onnx: initializers whose names begin with p are parameters; CASE.bin holds x, v and d(sum(y * v))/d(p)
of each in order. parameters/LOSS.bin: of chain.onnx, x, the teacher's output, the loss of each image and the gradients
of the summed loss.
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
# Gradients of weights.
INNER = os.path.join(OUT, "parameters")
os.makedirs(INNER, exist_ok=True)


def save(name, *arrays):
    with open(f"{INNER}/{name}.bin", "wb") as file:
        for array in arrays:
            file.write(np.ascontiguousarray(array, dtype="<f4").tobytes())


def trained(name, shape, nodes, function, parameters, constants=None, opset=17, batch=2):
    """`function(x, p)` with p the parameters as tensors by name."""
    x = RNG.normal(size=[batch] + shape).astype(np.float32)
    p = {k: torch.tensor(v, requires_grad=True) for k, v in parameters.items()}
    y = function(T(x), p)
    tensors = {**parameters, **(constants or {})}
    graph = helper.make_graph(
        nodes, name, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N"] + shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * y.dim())],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in tensors.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    checker.check_model(model)
    v = RNG.normal(size=list(y.shape)).astype(np.float32)
    (y * T(v)).sum().backward()
    with open(f"{INNER}/{name}.onnx", "wb") as file:
        file.write(model.SerializeToString())
    save(name, x, v, *[t.grad.numpy() for t in p.values()])
    return x


def trained_conv(name, cin, cout, size, kernel, stride=1, pads=None, group=1, dilation=1):
    rank = len(kernel)
    pads = pads or [0] * (2 * rank)
    function = [F.conv1d, F.conv2d, F.conv3d][rank - 1]
    around = [pads[axis + end * rank] for axis in reversed(range(rank)) for end in (0, 1)]
    trained(f"conv_{name}", [cin, *size],
            [node("Conv", "x,pw,pb", kernel_shape=list(kernel), strides=[stride] * rank, pads=pads, group=group, dilations=[dilation] * rank)],
            lambda x, p: function(F.pad(x, around), p["pw"], p["pb"], stride=stride, groups=group, dilation=dilation),
            {"pw": weights(cout, cin // group, *kernel), "pb": weights(cout)})


trained_conv("unit", 3, 4, (6, 7), (3, 3), pads=[1] * 4)
trained_conv("many_channels", 8, 9, (3, 2), (3, 3), pads=[1] * 4)
trained_conv("pointwise", 3, 4, (5, 5), (1, 1))
trained_conv("pointwise_stride2", 3, 4, (5, 6), (1, 1), stride=2)
trained_conv("asymmetric", 2, 3, (6, 7), (3, 2), pads=[0, 1, 2, 0])
trained_conv("dilated", 2, 3, (9, 8), (3, 3), pads=[2] * 4, dilation=2)
trained_conv("stride2", 3, 4, (8, 9), (3, 3), stride=2, pads=[1] * 4)
trained_conv("stride3_dilated", 2, 3, (13, 12), (3, 3), stride=3, pads=[1] * 4, dilation=2)
trained_conv("stride_beyond_kernel", 2, 3, (10, 10), (2, 2), stride=3)
trained_conv("grouped", 4, 6, (5, 5), (3, 3), pads=[1] * 4, group=2)
trained_conv("multiplier", 3, 6, (5, 5), (3, 3), pads=[1] * 4, group=3, stride=2)
trained_conv("depthwise", 3, 3, (5, 6), (3, 3), pads=[1] * 4, group=3)
trained_conv("depthwise_dilated", 3, 3, (8, 7), (3, 2), pads=[2, 0, 1, 1], group=3, dilation=2)
trained_conv("depthwise_stride2", 3, 3, (8, 9), (5, 5), stride=2, pads=[2] * 4, group=3)
trained_conv("depthwise_pointwise", 3, 3, (4, 4), (1, 1), group=3)
trained_conv("patches", 3, 4, (19, 18), (9, 9), stride=9)
trained_conv("large_grouped", 4, 4, (12, 11), (9, 9), pads=[4] * 4, group=2)
trained_conv("one_dimension", 2, 3, (9,), (3,), stride=2, pads=[1, 1])
trained_conv("one_dimension_depthwise", 3, 3, (9,), (3,), pads=[1, 1], group=3)
trained_conv("three_dimensions", 2, 3, (4, 5, 4), (3, 2, 3), pads=[1, 0, 1, 1, 1, 1])
trained("conv_transpose", [3, 4, 5], [node("ConvTranspose", "x,pw,pb", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4, output_padding=[1, 1])],
        lambda x, p: F.conv_transpose2d(x, p["pw"], p["pb"], stride=2, padding=1, output_padding=1), {"pw": weights(3, 2, 3, 3), "pb": weights(2)})
trained("conv_transpose_grouped", [4, 4, 3], [node("ConvTranspose", "x,pw", kernel_shape=[2, 2], strides=[2, 2], group=2)],
        lambda x, p: F.conv_transpose2d(x, p["pw"], stride=2, groups=2), {"pw": weights(4, 3, 2, 2)})

trained("gemm", [5], [node("Gemm", "x,pw,pc", alpha=0.5, beta=2.0)], lambda x, p: 0.5 * x @ p["pw"] + 2 * p["pc"], {"pw": weights(5, 4), "pc": weights(4)})
trained("gemm_transposed", [5], [node("Gemm", "x,pw,pc", transB=1)], lambda x, p: x @ p["pw"].T + p["pc"], {"pw": weights(4, 5), "pc": weights(1)})
trained("gemm_left", [4], [node("Gemm", "pw,x", transA=1, transB=1)], lambda x, p: p["pw"].T @ x.T, {"pw": weights(4, 3)})
trained("matmul", [3, 5], [node("MatMul", "x,pw", "m"), node("Add", "m,pb")], lambda x, p: x @ p["pw"] + p["pb"], {"pw": weights(5, 4), "pb": weights(4)})
trained("matmul_two", [5], [node("MatMul", "x,pw")], lambda x, p: x @ p["pw"], {"pw": weights(5, 4)})
trained("matmul_left", [5, 3], [node("MatMul", "pw,x")], lambda x, p: p["pw"] @ x, {"pw": weights(4, 5)})
trained("matmul_transposed_weight", [3, 5], [node("Transpose", "pw", "t"), node("MatMul", "x,t")], lambda x, p: x @ p["pw"].T, {"pw": weights(4, 5)})
trained("scale_and_bias", [3, 4, 4], [node("Mul", "x,ps", "m"), node("Add", "m,pb")], lambda x, p: x * p["ps"] + p["pb"],
        {"ps": weights(3, 1, 1), "pb": weights(1, 3, 1, 1)})
trained("batch_normalization", [3, 4, 4], [node("BatchNormalization", "x,ps,pb,m,v", epsilon=1e-3)],
        lambda x, p: F.batch_norm(x, T(bn[2]), T(bn[3]), p["ps"], p["pb"], eps=1e-3), {"ps": bn[0], "pb": bn[1]}, dict(zip("mv", bn[2:])))
trained("layer_normalization", [3, 6], [node("LayerNormalization", "x,ps,pb")], lambda x, p: F.layer_norm(x, [6], p["ps"], p["pb"]),
        {"ps": weights(6), "pb": weights(6)})
trained("layer_normalization_two_axes", [3, 2, 5], [node("LayerNormalization", "x,ps,pb", axis=2)], lambda x, p: F.layer_norm(x, [2, 5], p["ps"], p["pb"]),
        {"ps": weights(2, 5), "pb": weights(2, 5)})
trained("prelu", [3, 2, 2], [node("PRelu", "x,ps")], lambda x, p: F.prelu(x, p["ps"].flatten()), {"ps": np.float32([[[0.1]], [[0.3]], [[0.5]]])})
trained("shared", [4], [node("MatMul", "x,pw", "a"), node("Tanh", "a", "t"), node("MatMul", "t,pw")], lambda x, p: torch.tanh(x @ p["pw"]) @ p["pw"], {"pw": weights(4, 4)})

# Every form of a convolution's input gradient with kernels that are not constant, and the losses of distillation.
CHAIN = [node("Conv", "x,p0", "c0", pads=[1] * 4), node("Relu", "c0", "r0"), node("Conv", "r0,p1,b1", "c1", pads=[1] * 4), node("Add", "c1,r0", "a1"),
         node("Conv", "a1,p2", "c2", pads=[1] * 4, strides=[2, 2]), node("BatchNormalization", "c2,p3,p4,m,v", "n2"), node("Sigmoid", "n2", "s2"),
         node("Conv", "s2,p5", "c3", pads=[1] * 4, group=2), node("Conv", "c3,p6", "c4", pads=[1] * 4, strides=[2, 2], group=6),
         node("Conv", "c4,p7", "c5"), node("Conv", "c5,p8", "c6", group=5), node("GlobalAveragePool", "c6", "g"), node("Flatten", "g", "f"), node("Gemm", "f,p9,p10", transB=1)]
PARAMETERS = {"p0": weights(4, 3, 3, 3), "p1": weights(4, 4, 3, 3), "p2": weights(6, 4, 3, 3), "p3": weights(6), "p4": weights(6), "p5": weights(6, 3, 3, 3),
              "p6": weights(6, 1, 3, 3), "p7": weights(5, 6, 1, 1), "p8": weights(5, 1, 1, 1), "p9": weights(4, 5), "p10": weights(4)}
CONSTANTS = {"b1": weights(4), "m": weights(6), "v": np.abs(weights(6)) + 0.2}
def chain(x, p):
    a = F.relu(F.conv2d(x, p["p0"], padding=1))
    a = F.conv2d(a, p["p1"], T(CONSTANTS["b1"]), padding=1) + a
    a = torch.sigmoid(F.batch_norm(F.conv2d(a, p["p2"], padding=1, stride=2), T(CONSTANTS["m"]), T(CONSTANTS["v"]), p["p3"], p["p4"]))
    a = F.conv2d(F.conv2d(a, p["p5"], padding=1, groups=2), p["p6"], padding=1, stride=2, groups=6)
    return F.conv2d(F.conv2d(a, p["p7"]), p["p8"], groups=5).mean((2, 3)) @ p["p9"].T + p["p10"]
x = trained("chain", [3, 9, 8], CHAIN, chain, PARAMETERS, CONSTANTS, batch=3)
teacher = RNG.normal(size=(3, 4)).astype(np.float32) * 3
def losses(name, function):
    p = {k: torch.tensor(v, requires_grad=True) for k, v in PARAMETERS.items()}
    loss = function(chain(T(x), p))
    loss.sum().backward()
    save(name, x, teacher, loss.detach().numpy(), *[t.grad.numpy() for t in p.values()])
losses("divergence", lambda y: F.kl_div(F.log_softmax(y / 2.5, 1), F.softmax(T(teacher) / 2.5, 1), reduction="none").sum(1) * 2.5 ** 2)
losses("squared_error", lambda y: ((y - T(teacher)) ** 2).mean(1))

# Functions, norms, indexed sums and instance normalization (last, so that the numbers drawn before stay the same).
for op, function, positive in [("Tan", torch.tan, 0), ("Asin", torch.asin, 0), ("Acos", torch.acos, 0), ("Atan", torch.atan, 0), ("Sinh", torch.sinh, 0),
                               ("Cosh", torch.cosh, 0), ("Asinh", torch.asinh, 0), ("Acosh", lambda x: torch.acosh(x + 1), 1), ("Atanh", torch.atanh, 0)]:
    nodes = [node("Add", "x,one", "a"), node(op, "a")] if op == "Acosh" else [node(op, "x")]
    case(op.lower(), [3, 4], nodes, function, {"one": np.float32(1)} if op == "Acosh" else None, positive=bool(positive), scale=0.25)
case("mish_opset18", [3, 4], [node("Mish", "x")], F.mish, opset=18)
case("thresholded_relu", [3, 4], [node("ThresholdedRelu", "x", alpha=0.4)], lambda x: torch.where(x > 0.4, x, 0 * x))
case("reduce_l1", [3, 4], [node("ReduceL1", "x", axes=[1])], lambda x: x.abs().sum(1, keepdim=True))
case("reduce_l2", [3, 4], [node("ReduceL2", "x", axes=[2], keepdims=0)], lambda x: x.norm(dim=2))
case("reduce_l2_opset18", [3, 4], [node("ReduceL2", "x,a")], lambda x: x.norm(dim=(1, 2), keepdim=True), {"a": np.int64([1, -1])}, opset=18)
case("reduce_sum_square", [3, 4], [node("ReduceSumSquare", "x", axes=[1])], lambda x: (x * x).sum(1, keepdim=True))
case("reduce_log_sum", [3, 4], [node("ReduceLogSum", "x", axes=[1], keepdims=0)], lambda x: x.sum(1).log(), positive=True)
case("reduce_log_sum_exp", [3, 4], [node("ReduceLogSumExp", "x", axes=[2], keepdims=0)], lambda x: torch.logsumexp(x, 2))
case("cumulative_sum", [4, 3], [node("CumSum", "x,a")], lambda x: x.cumsum(1), {"a": np.int64(1)})
case("cumulative_sum_reverse_exclusive_opset11", [4, 3], [node("CumSum", "x,a", reverse=1, exclusive=1)],
     lambda x: x.flip(1).cumsum(1).flip(1) - x, {"a": np.int64(1)}, opset=11)
case("triangle_upper", [4, 4], [node("Trilu", "x")], torch.triu)
case("triangle_lower", [4, 4], [node("Trilu", "x,k", upper=0)], lambda x: x.tril(-1), {"k": np.int64(-1)})
GATHERED = np.int64([[[0, 2, 2, 1], [1, 2, 0, 1]], [[2, 2, 0, 0], [2, 1, 0, 2]]])
case("gather_elements", [3, 4], [node("GatherElements", "x,i", axis=1)], lambda x: x.gather(1, T(GATHERED)), {"i": GATHERED}, fixed_batch=False)
inorm = [weights(3), weights(3)]
case("instance_normalization", [3, 4, 5], [node("InstanceNormalization", "x,s,b", epsilon=1e-3)],
     lambda x: F.instance_norm(x, weight=T(inorm[0]), bias=T(inorm[1]), eps=1e-3), dict(zip("sb", inorm)))
case("instance_normalization_one_dimension", [3, 7], [node("InstanceNormalization", "x,s,b")],
     lambda x: F.instance_norm(x, weight=T(inorm[0]), bias=T(inorm[1])), dict(zip("sb", inorm)))
case("gather_repeated", [3, 4], [node("Gather", "x,i", axis=1)], lambda x: x[:, [2, 0, 2, -1]], {"i": np.int64([2, 0, 2, -1])})
case("gather_table", [3, 4], [node("Gather", "x,i", axis=1)], lambda x: x[:, T(TABLE)], {"i": (TABLE := np.int64([[2, 0], [1, 1], [0, 2]]))})
files = [f"{folder}/{f}" for folder, _, names in os.walk(OUT) for f in names]
print(len(files), "files,", sum(map(os.path.getsize, files)) // 1024, "KiB")
