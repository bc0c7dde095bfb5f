#!/usr/bin/env python3
"""Writes Tests/Fixtures/graph/operators.json: one small model per operator form with the output shapes, types and
values that the ONNX reference evaluator (onnx.reference) computes.

    python Tests/Fixtures/make_operators.py

Each case: the serialised model (data inputs as graph inputs, shape arguments as initializers), its inputs, the outputs,
and whether the constant folder is expected to evaluate it.
"""
import base64, json, os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

random = np.random.default_rng(0)
CASES = []


def f(*shape):
    return random.standard_normal(shape).astype(np.float32)


def i(*values, dtype=np.int64):
    return np.array(values, dtype)


class C:
    """A constant argument: an initializer of the model."""
    def __init__(self, array):
        self.array = np.asarray(array)


def encode(array):
    array = np.asarray(array)
    return {'type': int(helper.np_dtype_to_tensor_dtype(array.dtype)), 'dims': list(array.shape),
            'data': base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()}


def case(op, inputs, opset=17, outputs=1, fold=True, domain='', label='', values=True, **attributes):
    names, graph_inputs, initializers, feeds = [], [], [], {}
    for index, value in enumerate(inputs):
        if value is None:
            names.append('')
            continue
        name = f'i{index}'
        names.append(name)
        array = value.array if isinstance(value, C) else np.asarray(value)
        if isinstance(value, C):
            initializers.append(numpy_helper.from_array(array, name))
        else:
            graph_inputs.append(helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape))
            feeds[name] = array
    out = [f'o{index}' for index in range(outputs)]
    node = helper.make_node(op, names, out, domain=domain, **attributes)
    graph = helper.make_graph([node], 'g', graph_inputs, [helper.make_empty_tensor_value_info(n) for n in out], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', opset)], ir_version=8)
    results = ReferenceEvaluator(model).run(None, feeds)
    arrays = dict(feeds)
    arrays.update({f'i{k}': v.array for k, v in enumerate(inputs) if isinstance(v, C)})
    CASES.append({
        'label': f'{op}-{opset}' + (f' {label}' if label else ''), 'opset': opset, 'fold': fold,
        'model': base64.b64encode(model.SerializeToString()).decode(),
        'inputs': {k: encode(v) for k, v in arrays.items()} if fold else {},
        'outputs': [encode(r) if fold else
                    {'type': int(helper.np_dtype_to_tensor_dtype(np.asarray(r).dtype)), 'dims': list(np.asarray(r).shape)}
                    for r in results]})


# Elementwise.
x = f(2, 3)
for op in ['Relu', 'Sigmoid', 'Tanh', 'Exp', 'Sqrt', 'Abs', 'Neg', 'Ceil', 'Floor', 'Sign', 'Reciprocal', 'Erf',
           'Softplus', 'Softsign', 'HardSwish', 'Sin', 'Cos', 'Atan', 'Sinh', 'Asinh']:
    case(op, [np.abs(x) + 0.1 if op == 'Sqrt' else x])
case('Round', [np.array([0.5, 1.5, 2.5, -0.5, -1.5], np.float32)])
case('Log', [np.abs(x) + 0.1])
case('LeakyRelu', [x], alpha=0.2)
case('Elu', [x], alpha=1.5)
case('Selu', [x])
case('Celu', [x], alpha=2.0)
case('HardSigmoid', [x], alpha=0.25, beta=0.4)
case('ThresholdedRelu', [x], alpha=0.3)
case('Gelu', [x], opset=20)
case('Gelu', [x], opset=20, approximate='tanh')
case('Mish', [x], opset=18)
case('Clip', [x, C(np.float32(-0.5)), C(np.float32(0.5))])
case('Clip', [x, None, C(np.float32(0.2))])
case('Clip', [x], opset=7, min=-0.1, max=0.3)
case('Clip', [i(1, -5, 9), C(np.int64(0)), C(np.int64(4))])
case('Abs', [i(-3, 4)])
case('Neg', [i(-3, 4, dtype=np.int32)])
for op in ['Add', 'Sub', 'Mul', 'Div']:
    case(op, [f(2, 1, 3), f(4, 1)])
    case(op, [i(7, -7, 12), i(2, 2, -5)])
case('Pow', [np.abs(f(2, 2)), C(np.float32(2))])
case('Pow', [i(2, 3), C(i(3, 2))])
case('Mod', [i(7, -7, 7, -7), i(3, 3, -3, -3)])
case('Mod', [np.array([5.5, -5.5], np.float32), np.array([2, 2], np.float32)], fmod=1)
case('Max', [f(2, 3), f(3), f(1)])
case('Min', [f(2, 3), f(3)])
case('Sum', [f(2, 3), f(3), f(2, 1)])
case('Mean', [f(2, 3), f(3), f(2, 1)])
case('PRelu', [f(2, 3, 2), f(3, 1)], fold=False)
for op in ['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual']:
    case(op, [i(1, 2, 3), i(3, 2, 1)])
for op in ['And', 'Or', 'Xor']:
    case(op, [np.array([True, True, False, False]), np.array([True, False, True, False])])
case('Not', [np.array([True, False])])
case('IsNaN', [np.array([1, np.nan], np.float32)])
case('Where', [np.array([[True], [False]]), f(2, 3), f(3)])
case('Where', [np.array([True, False]), i(1, 2), i(3, 4)])

# Convolution and matrix product.
case('Conv', [f(1, 4, 9, 8), C(f(6, 2, 3, 3)), C(f(6))], fold=False, group=2, strides=[2, 1], pads=[1, 0, 1, 2])
case('Conv', [f(1, 2, 9, 8), C(f(3, 2, 3, 3))], fold=False, auto_pad='SAME_UPPER', strides=[2, 2])
case('Conv', [f(1, 2, 9, 8), C(f(3, 2, 3, 3))], fold=False, auto_pad='VALID')
case('Conv', [f(1, 2, 9), C(f(3, 2, 3))], fold=False, dilations=[2], label='1d')
case('Conv', [f(1, 2, 5, 6, 7), C(f(3, 2, 3, 3, 3))], fold=False, label='3d')
case('ConvTranspose', [f(1, 4, 5, 6), C(f(4, 3, 3, 3))], fold=False, strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
case('ConvTranspose', [f(1, 4, 5, 6), C(f(4, 3, 2, 2))], fold=False, strides=[2, 2])
case('ConvInteger', [random.integers(0, 9, (1, 2, 5, 5)).astype(np.uint8), C(random.integers(0, 9, (3, 2, 3, 3)).astype(np.uint8))], fold=False)
case('MatMul', [f(2, 1, 3, 4), f(5, 4, 2)])
case('MatMul', [f(4), f(2, 4, 3)], label='vector left')
case('MatMul', [f(2, 3, 4), f(4)], label='vector right')
case('MatMul', [f(4), f(4)], label='dot')
case('MatMulInteger', [random.integers(0, 9, (2, 3)).astype(np.uint8), random.integers(0, 9, (3, 4)).astype(np.uint8)], fold=False)
case('Gemm', [f(4, 2), f(3, 4), f(3)], transA=1, transB=1, alpha=0.5, beta=2.0)
case('Gemm', [f(2, 4), f(4, 3)])

# Pooling.
for op in ['MaxPool', 'AveragePool']:
    case(op, [f(1, 2, 9, 10)], fold=False, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    case(op, [f(1, 2, 8, 8)], fold=False, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    case(op, [f(1, 2, 8, 9)], fold=False, kernel_shape=[2, 2], strides=[2, 2], auto_pad='SAME_UPPER')
case('MaxPool', [f(1, 2, 9, 9)], fold=False, kernel_shape=[3, 3], dilations=[2, 2])
case('LpPool', [f(1, 2, 8, 8)], opset=18, fold=False, kernel_shape=[2, 2], strides=[2, 2])
case('GlobalAveragePool', [f(2, 3, 5, 4)], fold=False)
case('GlobalMaxPool', [f(2, 3, 5, 4)], fold=False)

# Normalisation and softmax.
case('BatchNormalization', [f(2, 3, 4, 4), C(f(3)), C(f(3)), C(f(3)), C(np.abs(f(3)))], fold=False)
case('LayerNormalization', [f(2, 3, 4), C(f(4)), C(f(4))], fold=False, outputs=3)
case('InstanceNormalization', [f(2, 3, 4), C(f(3)), C(f(3))], fold=False)
case('GroupNormalization', [f(2, 4, 3), C(f(4)), C(f(4))], opset=21, fold=False, num_groups=2)
case('LRN', [f(1, 5, 3, 3)], fold=False, size=3)
case('RMSNormalization', [f(2, 3, 4), C(f(4))], opset=23, fold=False)
for op in ['Softmax', 'LogSoftmax', 'Hardmax']:
    case(op, [f(2, 3)], fold=False)

# Reductions.
for op in ['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare', 'ReduceLogSumExp']:
    case(op, [f(2, 3, 4), C(i(-1, 0))], opset=18, keepdims=0)
    if op != 'ReduceSum':
        case(op, [f(2, 3, 4)], opset=13, axes=[1])
case('ReduceSum', [f(2, 3, 4)], opset=11, axes=[1], keepdims=0)
case('ReduceSum', [f(2, 3, 4), C(i(1))], opset=13)
case('ReduceSum', [f(2, 3)], opset=13, noop_with_empty_axes=1)
case('ReduceMax', [f(2, 3)], opset=13, label='all axes')
case('ReduceProd', [i(2, 3, 4)], opset=13, keepdims=0)

# Shape manipulation.
x = f(2, 3, 4)
case('Reshape', [x, C(i(0, -1))])
case('Reshape', [x, C(i(4, 3, 2))])
case('Reshape', [f(0, 3), C(i(3, 0))], opset=14, allowzero=1, fold=False)
for axis in [0, 1, 2, -1, 3]:
    case('Flatten', [x], axis=axis, label=str(axis))
case('Squeeze', [f(1, 3, 1), C(i(0, -1))], opset=13)
case('Squeeze', [f(1, 3, 1)], opset=11, axes=[2])
case('Squeeze', [f(1, 3, 1)], opset=13, label='all')
case('Unsqueeze', [f(3), C(i(0, 2))], opset=13)
case('Unsqueeze', [f(3, 2)], opset=11, axes=[1, -1])
case('Transpose', [x])
case('Transpose', [x], perm=[1, 0, 2])
case('Transpose', [i(1, 2, 3, 4).reshape(2, 2)])
case('Expand', [f(3, 1), C(i(2, 1, 4))])
case('Tile', [f(2, 3), C(i(2, 3))])
case('Concat', [f(2, 3), f(2, 1), f(2, 2)], axis=-1)
case('Concat', [i(1, 2), i(3)], axis=0)
case('Split', [f(2, 7)], opset=11, outputs=2, axis=1, split=[3, 4])
case('Split', [f(6, 2), C(i(1, 5))], opset=13, outputs=2)
case('Split', [f(6, 2)], opset=13, outputs=3, label='equal')
case('Split', [f(7, 2)], opset=18, outputs=3, num_outputs=3, label='unequal')
case('Slice', [f(4, 5), C(i(1, 0)), C(i(4, -1)), C(i(0, 1)), C(i(2, 1))])
case('Slice', [f(4, 5), C(i(-1)), C(i(-100)), C(i(1)), C(i(-2))], label='backwards')
case('Slice', [f(4, 5), C(i(1)), C(i(2**62))])
case('Slice', [f(4, 5)], opset=9, starts=[0, 1], ends=[2, -1], axes=[1, 0], label='attributes')
case('Slice', [f(4), C(i(3)), C(i(1))], label='empty')
case('Gather', [f(4, 3), C(i(0, -1, 2).reshape(3, 1))], axis=0)
case('Gather', [f(4, 3), C(np.int64(1))], axis=1)
case('GatherElements', [f(3, 4), C(i(0, 2, 1, -1).reshape(1, 4))], axis=0)
case('GatherElements', [f(3, 4), C(i(0, 3, 1).reshape(3, 1))], axis=1)
case('GatherND', [f(2, 3, 4), C(i(0, 1, 1, 2).reshape(2, 2))])
case('GatherND', [f(2, 3, 4), C(i(1, 0).reshape(2, 1))], fold=False, batch_dims=1)
case('ScatterElements', [f(3, 3), C(i(1, 0).reshape(1, 2)), f(1, 2)], fold=False, axis=1)
case('ScatterND', [f(4), C(i(1, 3).reshape(2, 1)), f(2)])
case('Pad', [f(2, 3), C(i(0, 1, 2, 0)), C(np.float32(1.5))])
case('Pad', [f(2, 3)], opset=10, pads=[1, 0, 0, 2], value=0.5, mode='constant', fold=False)
case('Pad', [f(2, 3), C(i(1, 1)), None, C(i(-1))], opset=18)
case('Pad', [f(2, 3), C(i(0, 1, 0, 1))], mode='reflect', fold=False)
case('DepthToSpace', [f(1, 8, 2, 3)], blocksize=2)
case('DepthToSpace', [f(1, 8, 2, 3)], blocksize=2, mode='CRD')
case('SpaceToDepth', [f(1, 2, 4, 6)], blocksize=2)
case('Shape', [x])
case('Shape', [x], opset=15, start=1, end=-1)
case('Size', [x])
case('ConstantOfShape', [C(i(2, 3))])
case('ConstantOfShape', [C(i(2))], value=helper.make_tensor('v', TensorProto.INT64, [1], [7]))
case('Range', [C(np.int64(2)), C(np.int64(11)), C(np.int64(3))])
case('Range', [C(np.int64(5)), C(np.int64(0)), C(np.int64(-2))])
case('Range', [C(np.float32(0)), C(np.float32(1)), C(np.float32(0.25))])
case('Resize', [f(1, 2, 4, 5), None, C(np.array([1, 1, 2, 1.5], np.float32))], fold=False)
case('Resize', [f(1, 2, 4, 5), None, None, C(i(1, 2, 7, 3))], fold=False, mode='linear')
case('Identity', [x])
case('Dropout', [x], fold=False)
case('Cast', [np.array([1.7, -1.7, 0], np.float32)], to=TensorProto.INT64)
case('Cast', [i(0, 3, -2)], to=TensorProto.BOOL)
case('Cast', [i(1, 2)], to=TensorProto.FLOAT)
case('Cast', [i(300, -1)], to=TensorProto.UINT8)
case('CastLike', [i(1, 2), f(1)], opset=15)

# Quantization.
case('QuantizeLinear', [f(2, 3), C(np.float32(0.02)), C(np.uint8(128))], opset=19)
case('QuantizeLinear', [f(2, 3), C(np.array([0.02, 0.01, 0.05], np.float32)), C(np.array([0, 3, -4], np.int8))], opset=19, axis=1)
case('DequantizeLinear', [i(-3, 5, 100, -128, dtype=np.int8).reshape(2, 2), C(np.array([0.5, 0.25], np.float32)), C(np.array([1, -1], np.int8))], opset=19, axis=0)
case('DequantizeLinear', [i(0, 255, dtype=np.uint8), C(np.float32(0.1)), C(np.uint8(128))], opset=19)
case('DequantizeLinear', [i(70000, -5, dtype=np.int32), C(np.float32(0.1))], opset=19)
case('DequantizeLinear', [random.integers(-8, 8, (2, 4)).astype(np.int8), C(np.abs(f(2, 2))), C(np.zeros((2, 2), np.int8))], opset=21, axis=1, block_size=2)
case('DynamicQuantizeLinear', [f(2, 3)], fold=False, outputs=3)

# Selection, sums of products, recurrent layers.
case('ArgMax', [f(2, 3)], fold=False, axis=1, keepdims=0)
case('ArgMin', [f(2, 3)], fold=False)
case('TopK', [f(2, 5), C(i(3))], fold=False, outputs=2)
case('NonZero', [C(np.array([[1, 0], [2, 3]], np.int64))])
case('CumSum', [f(2, 3), C(np.int64(1))])
case('Trilu', [f(3, 4), C(np.int64(1))])
case('Trilu', [f(3, 4)], upper=0)
case('Einsum', [f(2, 3, 4), f(2, 4, 5)], fold=False, equation='bij,bjk->bik')
case('Einsum', [f(3, 3)], fold=False, equation='ii->i')
case('LSTM', [f(5, 2, 3), C(f(1, 16, 3)), C(f(1, 16, 4))], fold=False, outputs=3, hidden_size=4)
case('GRU', [f(5, 2, 3), C(f(1, 12, 3)), C(f(1, 12, 4))], fold=False, outputs=2, hidden_size=4)
case('RNN', [f(5, 2, 3), C(f(1, 4, 3)), C(f(1, 4, 4))], fold=False, outputs=2, hidden_size=4)

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'graph')
os.makedirs(folder, exist_ok=True)
path = os.path.join(folder, 'operators.json')
with open(path, 'w') as stream:
    stream.write('[\n' + ',\n'.join(json.dumps(c, separators=(',', ':')) for c in CASES) + '\n]\n')
print(f'{len(CASES)} cases, {os.path.getsize(path)} bytes, {len({c["label"].split("-")[0] for c in CASES})} operators')
