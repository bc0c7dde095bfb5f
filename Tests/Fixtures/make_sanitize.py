#!/usr/bin/env python3
"""Writes Tests/Fixtures/sanitize: checkpoints with everything a converter meets, and what PyTorch reads from them.

    python Tests/Fixtures/make_sanitize.py      (needs torch and numpy)

`checkpoint.pt` (zip) and `legacy.pt` hold views, strides, shared tensors, every element type that safetensors has, scalars
and empty tensors, in nested containers beside an optimizer and other values; the `.json` beside each lists the tensors'
types, shapes and little-endian bytes as `torch.load` gives them. `malicious.pt` calls `os.system` when it is loaded.
"""
import json, os, random

import numpy
import torch

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sanitize")
TYPES = {
    torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
    torch.complex64: "C64", torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2", torch.uint16: "U16",
}


def tensors(legacy):
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    state = {
        "weight": base, "transposed": base.t(), "slice": base[1:3, ::2], "tied": base,
        "scalar": torch.tensor(1.5), "empty": torch.zeros(0, 3), "expanded": torch.tensor([1.0, 2.0]).expand(3, 2),
    }
    for kind in TYPES:
        if legacy and kind in (torch.float8_e4m3fn, torch.float8_e5m2, torch.uint16):
            continue
        values = torch.tensor([0.0, 1.0, 2.0, 1.0])
        state[f"types.{str(kind)[6:]}"] = values.to(kind)
    return state


def flatten(value, name, found):
    if isinstance(value, torch.Tensor):
        found[name] = value
    elif isinstance(value, dict):
        for key, item in value.items():
            flatten(item, f"{name}.{key}" if name else str(key), found)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            flatten(item, f"{name}.{index}", found)


def describe(tensor):
    dense = tensor.detach().contiguous()
    raw = dense.view(torch.uint8) if dense.dim() else dense.reshape(1).view(torch.uint8)
    raw = bytes(raw.reshape(-1).tolist()) if dense.numel() else b""
    return {"dtype": TYPES[tensor.dtype], "shape": list(tensor.shape), "bytes": raw.hex()}


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for name in ("checkpoint", "legacy"):
        state = tensors(name == "legacy")
        checkpoint = {
            "state_dict": state, "ema": [torch.nn.Parameter(torch.ones(2)), {"deep": torch.zeros(1, 2)}],
            "epoch": 3, "note": 'made "here"', "best": None,
            "optimizer": {"state": {0: {"step": 5, "exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]},
        }
        path = os.path.join(FOLDER, f"{name}.pt")
        torch.save(checkpoint, path, _use_new_zipfile_serialization=name == "checkpoint")
        found = {}
        flatten(torch.load(path, weights_only=True), "", found)
        with open(os.path.join(FOLDER, f"{name}.json"), "w") as file:
            json.dump({key: describe(value) for key, value in found.items()}, file, indent=1, sort_keys=True)
            file.write("\n")

    class Call:
        def __reduce__(self):
            return os.system, ("echo",)

    torch.save({"weight": torch.ones(2, 2), "hook": Call()}, os.path.join(FOLDER, "malicious.pt"))
    numpy.savez(
        os.path.join(FOLDER, "arrays.npz"), fortran=numpy.asfortranarray(numpy.arange(6, dtype="f4").reshape(3, 2)),
        scalar=numpy.float64(2), halves=numpy.ones((2, 2), "f2"))


main()
