"""Writes the small files that the format readers are tested against, and what PyTorch, pickletools and
safetensors say about them. Run: python make_formats.py (needs torch, numpy, safetensors)."""

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


if __name__ == "__main__":
    pickles()
