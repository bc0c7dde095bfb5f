#!/usr/bin/env python3
"""Puts payloads into real weights, for the detection rate of WGT001: KIND-PLACE-SIZE-N.safetensors.

    python Tests/Fixtures/inject_payloads.py CHECKPOINT.pth FOLDER

Kinds: text, program (the bytes of /bin/true), archive (its ZIP), encrypted (random bytes), none. Places: the low 1, 2, 4
bits or 1, 2, 3 bytes of consecutive elements, from a random element of a tensor of 262,144 float32 weights.
"""
import io, os, sys, zipfile

import numpy as np
import torch
from safetensors.numpy import save_file

state = torch.load(sys.argv[1], map_location="cpu", weights_only=True)
weights = np.concatenate([v.numpy().ravel() for v in state.values() if v.dtype == torch.float32 and v.dim() > 1])
out = sys.argv[2]
os.makedirs(out, exist_ok=True)
rng = np.random.RandomState(1)
program = open(os.path.realpath("/bin/true"), "rb").read()
buffer = io.BytesIO()
with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("true", program)
text = open(__file__, "rb").read() * 40
N = 1 << 18
for kind, source in dict(text=text, program=program, archive=buffer.getvalue(), encrypted=rng.bytes(1 << 16), none=b"").items():
    for place in ("1bit", "2bit", "4bit", "1byte", "2byte", "3byte"):
        for size in (128, 512, 2048, 8192, 16384):
            for n in range(4):
                begin = rng.randint(0, len(weights) - N)
                raw = weights[begin : begin + N].copy().view(np.uint32)
                width = int(place[0]) * (8 if "byte" in place else 1)
                payload = np.frombuffer(source[:size], np.uint8)
                bits = np.unpackbits(payload)
                if "byte" in place:
                    k = int(place[0])
                    groups = payload[: len(payload) // k * k].reshape(-1, k).astype(np.uint32)
                    values = (groups << (8 * np.arange(k, dtype=np.uint32))).sum(1).astype(np.uint32)
                else:
                    groups = bits[: len(bits) // width * width].reshape(-1, width).astype(np.uint32)
                    values = (groups << np.arange(width - 1, -1, -1, dtype=np.uint32)).sum(1).astype(np.uint32)
                start = rng.randint(0, N - len(values)) if n else 0
                part = raw[start : start + len(values)]
                part &= ~np.uint32((1 << width) - 1)
                part |= values
                save_file({"w": raw.view(np.float32).reshape(512, 512)}, os.path.join(out, f"{kind}-{place}-{size:05d}-{n}.safetensors"))
            if kind == "none":
                break
