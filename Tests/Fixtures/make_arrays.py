#!/usr/bin/env python3
"""Writes Tests/Fixtures/arrays: NumPy archives with x and y in every supported layout, and ones to refuse.

Every good archive holds the same six images, 3 x 4 x 5 (C, H, W), of the values (7 i) mod 256, i counting in
[N, C, H, W] order, and the labels 0 1 2 0 1 2. Needs numpy. Run: python3 Tests/Fixtures/make_arrays.py
"""
import pathlib

import numpy as np

OUT = pathlib.Path(__file__).parent / "arrays"
OUT.mkdir(exist_ok=True)
x = (np.arange(6 * 3 * 4 * 5) * 7 % 256).astype(np.uint8).reshape(6, 3, 4, 5)
y = np.arange(6) % 3
last = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
unit = (x / 255).astype(np.float32)

np.savez(OUT / "channels_first.npz", x=x, y=y)
np.savez(OUT / "channels_last.npz", x=last, y=y.astype(np.uint8))
np.savez(OUT / "column_major.npz", x=np.asfortranarray(x), y=y.astype(np.float64))
np.savez(OUT / "column_major_last.npz", x=np.asfortranarray(last), y=y.astype(np.int32))
np.savez_compressed(OUT / "deflated.npz", x=x.astype(np.int64), y=y.reshape(6, 1))
np.savez(OUT / "float32.npz", x=unit, y=y)
np.savez(OUT / "float64.npz", x=x / 255, y=y)
np.savez(OUT / "float16.npz", x=(x / 256).astype(np.float16), y=y.astype(np.int16))

np.savez(OUT / "bad_objects.npz", x=np.array([{}, {}], dtype=object), y=np.arange(2))
np.savez(OUT / "bad_range.npz", x=x.astype(np.float32), y=y)
np.savez(OUT / "bad_nan.npz", x=np.where(x == 7, np.nan, unit), y=y)
np.savez(OUT / "bad_labels.npz", x=x, y=y - 1)
np.savez(OUT / "bad_fraction.npz", x=x, y=y + 0.5)
np.savez(OUT / "bad_count.npz", x=x, y=y[:5])
np.savez(OUT / "bad_shape.npz", x=x.reshape(6, 60), y=y)
np.savez(OUT / "bad_names.npz", images=x, labels=y)
np.savez(OUT / "bad_endian.npz", x=x.astype(">f4"), y=y)
np.savez(OUT / "bad_pixels.npz", x=x.astype(np.int32) * 3, y=y)
