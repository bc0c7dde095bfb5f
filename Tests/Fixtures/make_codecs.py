#!/usr/bin/env python3
"""Writes formats/codecs/*: one text in every compressed form the scanner reads. Needs lz4 and zstandard:

    python Tests/Fixtures/make_codecs.py
"""
import bz2, gzip, lzma, os, struct, zlib

import lz4.frame, zstandard

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "formats", "codecs")
os.makedirs(FOLDER, exist_ok=True)
TEXT = b"the quick brown fox; " * 100


def write(name, data):
    open(os.path.join(FOLDER, name), "wb").write(data)


def zlib_window(bits, level=9):
    stream = zlib.compressobj(level, zlib.DEFLATED, bits)
    return stream.compress(TEXT) + stream.flush()


streams = {
    "gz": gzip.compress(TEXT, mtime=0), "bz2": bz2.compress(TEXT), "xz": lzma.compress(TEXT),
    "lz4": lz4.frame.compress(TEXT), "zst": zstandard.ZstdCompressor().compress(TEXT), "zz": zlib.compress(TEXT),
}
for suffix, data in streams.items():
    write(f"text.{suffix}", data)
    write(f"twice.{suffix}", data + data)
write("text.lzma", lzma.compress(TEXT, lzma.FORMAT_ALONE))
write("other_properties.lzma", lzma.compress(TEXT, lzma.FORMAT_ALONE, filters=[
    {"id": lzma.FILTER_LZMA1, "preset": 3, "lc": 1, "lp": 2, "pb": 1, "dict_size": 1 << 16}]))
write("small_window.zz", zlib_window(10))
write("skippable.zst", struct.pack("<II", 0x184D2A53, 5) + b"hello" + streams["zst"])
