"""Large model files of zeros for the benchmark: their structure is real, their weights take no room on the disk where
the file system knows holes.

    python Benchmarks/analysis/big.py FOLDER

writes big.safetensors (3.2 GB), big.pth (3.2 GB), big.onnx (1.6 GB) and external/big.onnx (3.2 GB beside it).
"""
import json, pathlib, struct, sys

WIDTH = 4096  # a square float32 weight of this width has 64 MiB
SAFETENSORS, CHECKPOINT, ONNX = 48, 48, 24  # weights per file


def names(count):
    return [f'layers.{i}.linear.weight' for i in range(count)]


def safetensors(path):
    size = WIDTH * WIDTH * 4
    header = {n: {'dtype': 'F32', 'shape': [WIDTH, WIDTH], 'data_offsets': [i * size, (i + 1) * size]}
              for i, n in enumerate(names(SAFETENSORS))}
    text = json.dumps(header).encode()
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text)
        file.truncate(8 + len(text) + SAFETENSORS * size)


def checkpoint(path):
    import torch
    torch.save({n: torch.zeros(WIDTH, WIDTH) for n in names(CHECKPOINT)}, path)


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def onnx(path, external=False):
    """A chain of matrix products; tensors inside the file are written as holes, field by field of `onnx.proto`."""
    from onnx import TensorProto, external_data_helper, helper
    count = CHECKPOINT if external else ONNX
    nodes = [helper.make_node('MatMul', [f'x{i}', n], [f'x{i + 1}'], name=f'product{i}') for i, n in enumerate(names(count))]
    value = lambda n: helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, WIDTH])
    graph = helper.make_graph(nodes, 'big', [value('x0')], [value(f'x{count}')])
    size = WIDTH * WIDTH * 4
    if external:
        for i, n in enumerate(names(count)):
            tensor = TensorProto(name=n, data_type=TensorProto.FLOAT, dims=[WIDTH, WIDTH], data_location=TensorProto.EXTERNAL)
            for key, text in (('location', 'big.bin'), ('offset', str(i * size)), ('length', str(size))):
                tensor.external_data.add(key=key, value=text)
            graph.initializer.append(tensor)
        with open(path.parent / 'big.bin', 'wb') as file:
            file.truncate(count * size)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid('', 17)])
    if external:
        path.write_bytes(model.SerializeToString())
        return
    model.ClearField('graph')
    heads = []
    for n in names(count):
        head = TensorProto(name=n, data_type=TensorProto.FLOAT, dims=[WIDTH, WIDTH]).SerializeToString()
        head += b'\x4a' + varint(size)  # raw_data
        heads.append(b'\x2a' + varint(len(head) + size) + head)  # initializer
    text = graph.SerializeToString()
    with open(path, 'wb') as file:
        file.write(model.SerializeToString() + b'\x3a' + varint(len(text) + sum(len(h) + size for h in heads)))
        for head in heads:
            file.write(head)
            file.seek(size, 1)
        file.write(text)


def make(folder):
    folder = pathlib.Path(folder)
    (folder / 'external').mkdir(parents=True, exist_ok=True)
    for path, write in (('big.safetensors', safetensors), ('big.pth', checkpoint), ('big.onnx', onnx)):
        if not (folder / path).exists():
            write(folder / path)
    if not (folder / 'external/big.onnx').exists():
        onnx(folder / 'external/big.onnx', external=True)


if __name__ == '__main__':
    make(sys.argv[1])
