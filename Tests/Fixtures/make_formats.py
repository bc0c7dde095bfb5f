"""Writes the small files that the format readers are tested against, and what PyTorch, pickletools and
safetensors say about them. Run: python make_formats.py (needs torch, numpy, safetensors, onnx)."""

import collections
import json
import pathlib
import pickle
import pickletools

import numpy as np

OUT = pathlib.Path(__file__).parent / "formats"
OUT.mkdir(exist_ok=True)


class Point:
    def __init__(self, x):
        self.x = x


Point.__module__ = "geometry"


def pickles():
    import sys
    import types

    module = types.ModuleType("geometry")
    module.Point = Point
    sys.modules["geometry"] = module
    Point.__qualname__ = "Point"
    shared = ["shared"]
    value = {
        "none": None, "yes": True, "no": False, "int": -5, "big": 2**40, "neg": -(2**40), "huge": 2**100,
        "float": 1.5, "text": "hé\n\\u €", "bytes": b"\x00\xffab", "tuple": (1, 2, 3, 4), "list": [1, [2]],
        "set": {7}, "frozen": frozenset([8]), "twice": [shared, shared], "point": Point(3),
        "ordered": collections.OrderedDict(a=1), "array": bytearray(b"xyz"),
    }
    cycle = []
    cycle.append(cycle)
    value["cycle"] = cycle
    facts = {}
    for protocol in range(6):
        data = pickle.dumps(value, protocol)
        (OUT / f"protocol{protocol}.pkl").write_bytes(data)
        ops = list(pickletools.genops(data))
        facts[str(protocol)] = {
            "opcodes": len(ops), "stop": ops[-1][2],
            "globals": sum(op.name in ("GLOBAL", "STACK_GLOBAL", "INST") for op, _, _ in ops),
            "calls": sum(op.name in ("REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ", "INST") for op, _, _ in ops),
        }
    (OUT / "pickles.json").write_text(json.dumps(facts, indent=1))


def describe(tensors, **facts):
    """What PyTorch says: type, shape and values of every tensor, in order."""
    import torch

    listed = []
    for name, tensor in tensors.items():
        tensor = tensor.detach()
        if tensor.is_quantized:
            tensor = tensor.int_repr()
        listed.append({
            "name": name, "dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape),
            "values": [float(x) for x in tensor.to(torch.float64).flatten().tolist()],
        })
    return {"tensors": listed} | facts


def checkpoints():
    import sys
    import types

    import torch
    from torch import nn

    def no_source(*_):
        raise OSError("keep PyTorch's own source text out of the fixtures")

    torch.serialization.get_source_lines_and_file = no_source
    torch.manual_seed(0)
    facts = {}

    def save(file, value, tensors, legacy=False, **more):
        torch.save(value, OUT / file, _use_new_zipfile_serialization=not legacy)
        facts[file] = describe(tensors, format="pytorch-legacy" if legacy else "pytorch-zip", **more)

    grid = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    shared = torch.randn(2, 2)
    state = {
        "float32": torch.randn(2, 3), "float16": torch.randn(3).half(), "bfloat16": torch.randn(3).bfloat16(),
        "float64": torch.randn(2).double(), "int64": torch.tensor([2**40, -1]), "int32": torch.tensor([1, -2], dtype=torch.int32),
        "int16": torch.tensor([3, -4], dtype=torch.int16), "int8": torch.tensor([5, -6], dtype=torch.int8),
        "uint8": torch.tensor([7, 250], dtype=torch.uint8), "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(3.25), "empty": torch.zeros(0, 4), "grid": grid, "transposed": grid.t(),
        "sliced": grid[::2, 1:], "row": grid[1], "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 5),
        "shared.a": shared, "shared.b": shared, "parameter": nn.Parameter(torch.randn(2)),
    }
    tied = {"shared.b": "shared.a"}
    save("state.pt", state, state, shared=tied)
    save("state_legacy.pt", state, state, legacy=True, shared=tied)
    newer = {"uint16": torch.tensor([1, 65535]).to(torch.uint16), "complex": torch.ones(1)}
    save("newer.pt", newer, newer)
    quantized = {
        "tensor": torch.quantize_per_tensor(torch.tensor([[0.1, -0.2], [0.3, 0.4]]), 0.01, 3, torch.quint8),
        "channel": torch.quantize_per_channel(
            torch.tensor([[0.1, -0.2], [0.3, 0.4]]), torch.tensor([0.01, 0.02]), torch.tensor([0, 0]), 0, torch.qint8),
    }
    save("quantized.pt", quantized, quantized)

    inner = collections.OrderedDict([("conv.weight", torch.randn(2, 1, 3, 3)), ("conv.bias", torch.randn(2))])
    parallel = collections.OrderedDict((f"module.{k}", v) for k, v in inner.items())
    optimizer = {"state": {0: {"momentum_buffer": torch.randn(2, 1, 3, 3)}}, "param_groups": [{"lr": 0.1}]}
    wrapped = {"epoch": 12, "arch": "tiny", "state_dict": parallel, "best_acc": torch.tensor(0.5), "optimizer": optimizer}
    for legacy in (False, True):
        save(f"wrapped{'_legacy' * legacy}.pt", wrapped, inner, legacy=legacy, wrapper=["state_dict"], prefix="module.",
             other=["epoch", "arch", "best_acc", "optimizer"])
    save("nested.pt", {"model": {"state_dict": inner}}, inner, wrapper=["model", "state_dict"])
    save("custom_key.pt", {"epoch": 1, "weights_of_mine": inner}, inner, wrapper=["weights_of_mine"])
    two = {"encoder": {"weight": inner["conv.weight"]}, "decoder": {"weight": inner["conv.bias"]}}
    save("two.pt", two, {"encoder.weight": inner["conv.weight"], "decoder.weight": inner["conv.bias"]})
    save("lightning.pt", {"pytorch-lightning_version": "2.0", "state_dict": {f"model.{k}": v for k, v in inner.items()}},
         inner, wrapper=["state_dict"], prefix="model.")
    save("list.pt", [inner["conv.weight"], inner["conv.bias"]], {"0": inner["conv.weight"], "1": inner["conv.bias"]})

    nets = types.ModuleType("nets")
    sys.modules["nets"] = nets

    class Tiny(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU())
            self.head = nn.Linear(2, 2, bias=False)
            self.tied = nn.Linear(2, 2, bias=False)
            self.tied.weight = self.head.weight
            self.scale = nn.Parameter(torch.ones(1))
            self.register_buffer("kept", torch.ones(2))
            self.register_buffer("transient", torch.ones(2), persistent=False)

        def forward(self, x):
            return self.tied(self.head(self.features(x).mean((2, 3)))) * self.scale + self.kept

    Tiny.__module__, Tiny.__qualname__ = "nets", "Tiny"
    nets.Tiny = Tiny
    tiny = Tiny().eval()
    buffers = [name for name, _ in tiny.named_buffers() if name != "transient"]
    for legacy in (False, True):
        save(f"module{'_legacy' * legacy}.pt", tiny, tiny.state_dict(), legacy=legacy, moduleClass="nets.Tiny",
             buffers=buffers, shared={"tied.weight": "head.weight"})
    save("module_wrapped.pt", {"epoch": 1, "model": nn.DataParallel(tiny)}, tiny.state_dict(), wrapper=["model"],
         prefix="module.", moduleClass="torch.nn.parallel.data_parallel.DataParallel", buffers=buffers,
         shared={"tied.weight": "head.weight"})
    torch.jit.save(torch.jit.trace(tiny, torch.randn(1, 1, 5, 5)), OUT / "script.pt")
    # A traced module lists own attributes before children; the names are those of its own state dict.
    script = torch.jit.load(OUT / "script.pt")
    facts["script.pt"] = describe(
        script.state_dict(), format="torchscript", moduleClass="nets.Tiny", buffers=[name for name, _ in script.named_buffers()])
    (OUT / "plain.pkl").write_bytes(pickle.dumps(dict(inner), 4))
    facts["plain.pkl"] = describe(inner, format="pickle")
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "f": np.asfortranarray(np.arange(6, dtype=np.int64).reshape(2, 3))}
    (OUT / "arrays.pkl").write_bytes(pickle.dumps({"model": arrays}, 4))
    facts["arrays.pkl"] = describe({k: torch.from_numpy(v) for k, v in arrays.items()}, format="pickle", wrapper=["model"])
    torch.save({"epoch": 3, "note": "nothing here"}, OUT / "no_tensors.pt")

    from safetensors.torch import save_file

    flat = {k: v.contiguous().clone() for k, v in state.items() if k != "parameter"}
    save_file(flat, OUT / "state.safetensors", metadata={"format": "pt", "title": "hé"})
    facts["state.safetensors"] = describe(flat, format="safetensors", unordered=True)
    folder = OUT / "sharded"
    folder.mkdir(exist_ok=True)
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    save_file({"conv.weight": inner["conv.weight"]}, folder / names[0])
    save_file({"conv.bias": inner["conv.bias"]}, folder / names[1])
    index = {"metadata": {"total_size": 80}, "weight_map": {"conv.weight": names[0], "conv.bias": names[1]}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    facts["sharded/model.safetensors.index.json"] = describe(inner, format="safetensors-sharded")
    (OUT / "checkpoints.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False))


def archives():
    import io
    import zipfile

    with zipfile.ZipFile(OUT / "mixed.zip", "w") as archive:
        for name, method in (("stored.txt", zipfile.ZIP_STORED), ("deflated.txt", zipfile.ZIP_DEFLATED)):
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.compress_type = method
            archive.writestr(info, b"hello " * 100)
        with archive.open(zipfile.ZipInfo("wide.txt", (2020, 1, 1, 0, 0, 0)), "w", force_zip64=True) as member:
            member.write(b"zip64")
    np.savez(OUT / "arrays.npz", x=np.zeros((1, 2)), y=np.zeros(1))


def external():
    """An ONNX model whose one weight lies in a second file of 64 bytes."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.arange(16, dtype=np.float32).reshape(4, 4), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "external",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])], [weight])
    folder = OUT / "external"
    folder.mkdir(exist_ok=True)
    (folder / "weights.bin").unlink(missing_ok=True)
    onnx.save_model(
        helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), folder / "model.onnx",
        save_as_external_data=True, location="weights.bin", size_threshold=0)


if __name__ == "__main__":
    external()
    pickles()
    checkpoints()
    archives()
