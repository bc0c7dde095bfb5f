#!/usr/bin/env python3
"""Writes the security corpus of containers: malicious/containers/{bad,good,incomplete}/* and repositories/{bad,good}/*/.

Nothing here is ever loaded; the payload of every bad file is `echo`. Needs torch, numpy, safetensors, lz4, zstandard and
py7zr:

    python Tests/Fixtures/make_malicious_containers.py
"""
import bz2, gzip, io, json, lzma, os, pickle, shutil, struct, tarfile, zipfile, zlib

import lz4.frame, numpy as np, py7zr, safetensors.numpy, torch, zstandard

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "malicious", "containers")
REPOSITORIES = os.path.join(HERE, "repositories")
for folder in [ROOT, REPOSITORIES]:
    shutil.rmtree(folder, ignore_errors=True)
for kind in ("bad", "good", "incomplete"):
    os.makedirs(os.path.join(ROOT, kind))


def write(kind, name, data):
    open(os.path.join(ROOT, kind, name), "wb").write(bytes(data))


def bad(name, data):
    write("bad", name, data)


def good(name, data):
    write("good", name, data)


def incomplete(name, data):
    write("incomplete", name, data)


EVIL = b"\x80\x02cos\nsystem\nX\x04\0\0\0echo\x85R."
PLAIN = pickle.dumps({"a": 1}, 2)
DATE = (2020, 1, 1, 0, 0, 0)
ELF = b"\x7fELF\x02\x01\x01" + bytes(57)


def zipped(members, compression=zipfile.ZIP_STORED, mode=0o600, comment=b""):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, DATE)
            info.compress_type = compression
            info.external_attr = mode << 16
            info.create_system = 3
            archive.writestr(info, data)
        archive.comment = comment
    return out.getvalue()


# --- a writer that can lie ------------------------------------------------------------------------------------------
def deflated(data):
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


def local(name, data, method=0, flags=0, crc=None, size=None, compressed=None, extra=b""):
    return struct.pack("<4s5H3L2H", b"PK\3\4", 20, flags, method, 0, 0x5021, zlib.crc32(data) if crc is None else crc,
                       len(data) if compressed is None else compressed, len(data) if size is None else size,
                       len(name), len(extra)) + name + extra


def central(name, data, offset, method=0, flags=0, crc=None, size=None, compressed=None, extra=b"", mode=0o100600):
    return struct.pack("<4s6H3L5H2L", b"PK\1\2", 20 | 3 << 8, 20, flags, method, 0, 0x5021,
                       zlib.crc32(data) if crc is None else crc, len(data) if compressed is None else compressed,
                       len(data) if size is None else size, len(name), len(extra), 0, 0, 0, mode << 16, offset) + name + extra


def end(count, size, start, comment=b""):
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, start, len(comment)) + comment


def archive(*members, comment=b""):
    """members: (local header and data, function of the offset to a central entry)"""
    body, directory = b"", b""
    for head, entry in members:
        directory += entry(len(body))
        body += head
    return body + directory + end(len(members), len(directory), len(body), comment)


def member(name, data, **options):
    local_only = options.pop("local_only", {})
    central_only = options.pop("central_only", {})
    stored = options.pop("stored", data)
    return (local(name, data, **{**options, **local_only}) + stored,
            lambda offset: central(name, data, offset, **{**options, **central_only}))


# --- compressed streams ---------------------------------------------------------------------------------------------
CODECS = {
    "gz": lambda d: gzip.compress(d, mtime=0), "bz2": bz2.compress, "xz": lzma.compress,
    "lzma": lambda d: lzma.compress(d, lzma.FORMAT_ALONE), "lz4": lz4.frame.compress,
    "zst": zstandard.ZstdCompressor().compress, "zz": zlib.compress,
}
for suffix, pack in CODECS.items():
    bad(f"evil.pkl.{suffix}", pack(EVIL))
    good(f"plain.pkl.{suffix}", pack(PLAIN * 1))
for suffix in ("gz", "bz2", "xz", "lz4", "zst", "zz"):
    pack = CODECS[suffix]
    bad(f"second_member.{suffix}", pack(PLAIN) + pack(EVIL))
    bad(f"trailing_pickle.{suffix}", pack(PLAIN) + EVIL)
other = lzma.compress(EVIL * 1, lzma.FORMAT_ALONE, filters=[{"id": lzma.FILTER_LZMA1, "lc": 1, "lp": 2, "pb": 1, "dict_size": 1 << 16}])
bad("other_properties.lzma", other)
small = zlib.compressobj(9, zlib.DEFLATED, 9)
bad("small_window.zz", small.compress(EVIL) + small.flush())
bad("gzip_in_bzip2.bz2", bz2.compress(gzip.compress(EVIL, mtime=0)))
bad("zero_padded_member.gz", gzip.compress(PLAIN, mtime=0) + bytes(512) + gzip.compress(EVIL, mtime=0))
bad("wrong_checksum.gz", gzip.compress(EVIL, mtime=0)[:-8] + bytes(8))
bad("skippable_frame.zst", struct.pack("<II", 0x184D2A5F, 4) + b"abcd" + CODECS["zst"](EVIL))
good("zero_padding.gz", gzip.compress(PLAIN, mtime=0) + bytes(512))
nested = EVIL
for _ in range(6):
    nested = gzip.compress(nested, mtime=0)
bad("nested_bomb.gz", nested)
LONG = pickle.dumps([{"name": f"layer {i}", "size": i * i} for i in range(200)], 2)
incomplete("truncated.gz", gzip.compress(LONG, mtime=0)[:-100])
incomplete("truncated.xz", lzma.compress(LONG)[:40])
incomplete("broken.bz2", bz2.compress(LONG)[:30])
incomplete("random_inside.gz", gzip.compress(bytes(range(1, 250)) * 3, mtime=0))

# --- 7-Zip ----------------------------------------------------------------------------------------------------------
# The same bytes on every run.
py7zr.py7zr.ArchiveTimestamp.from_now = staticmethod(lambda: py7zr.py7zr.ArchiveTimestamp.from_datetime(1577836800.0))


def sevenzip(members, encoded=True, **options):
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", **options) as target:
        target.set_encoded_header_mode(encoded)
        for name, data in members:
            target.writef(io.BytesIO(data), name)
    return out.getvalue()


bad("evil.7z", sevenzip([("readme.txt", b"hello"), ("model.pkl", EVIL)]))
def renamed(data, old, new):
    """A 7-Zip archive with a plain header in which one name is replaced by another of the same length."""
    data = bytearray(data.replace(old.encode("utf-16-le"), new.encode("utf-16-le")))
    offset, size = struct.unpack_from("<QQ", data, 12)
    struct.pack_into("<L", data, 28, zlib.crc32(data[32 + offset:32 + offset + size]))
    struct.pack_into("<L", data, 8, zlib.crc32(data[12:32]))
    return data


bad("traversal.7z", renamed(sevenzip([("model.pkl", PLAIN)], encoded=False), "model.pkl", "../../pkl"))
bad("executable.7z", sevenzip([("run", ELF)]))
good("plain.7z", sevenzip([("readme.txt", b"hello"), ("model.pkl", PLAIN)]))
incomplete("encrypted.7z", sevenzip([("model.pkl", PLAIN)], password="secret"))
incomplete("cut.7z", sevenzip([("model.pkl", PLAIN)])[:60])


def sevenzip_header(data, header):
    start = struct.pack("<QQL", len(data), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<L", zlib.crc32(start)) + start + data + header


# 63 million folders in twenty bytes, plainly and in an encoded header: readers reserve memory for each.
FOLDERS = b"\x01\x04\x06\0\x01\x09\x05\0\x07\x0b\xe3\x34\xc4\xc7\0\0\0\0"
incomplete("folders.7z", sevenzip_header(b"hello", FOLDERS))
RAW = lzma.compress(FOLDERS, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "preset": 1}])
PROPERTIES = lzma.compress(FOLDERS, lzma.FORMAT_ALONE, filters=[{"id": lzma.FILTER_LZMA1, "preset": 1}])[:5]
incomplete("folders_encoded.7z", sevenzip_header(
    RAW, b"\x17\x06\0\x01\x09" + bytes([len(RAW)]) + b"\0\x07\x0b\x01\0\x01\x23\x03\x01\x01\x05" + PROPERTIES
    + b"\x0c" + bytes([len(FOLDERS)]) + b"\0\0"))

# --- ZIP: headers against the directory ---------------------------------------------------------------------------------
PKL = b"archive/data.pkl"
VERSION = member(b"archive/version", b"3\n")
good("torch_like.pt", archive(member(PKL, PLAIN), VERSION))
good("deflated.pt", archive(member(PKL, PLAIN, method=8, compressed=len(deflated(PLAIN)), stored=deflated(PLAIN)), VERSION))
for name, method in (("bzip2", zipfile.ZIP_BZIP2), ("lzma", zipfile.ZIP_LZMA)):
    good(f"{name}.zip", zipped([("model.pkl", PLAIN)], method))
    bad(f"{name}.zip", zipped([("model.pkl", EVIL)], method))
zst = CODECS["zst"](EVIL)
bad("zstandard.zip", archive(member(b"model.pkl", EVIL, method=93, compressed=len(zst), stored=zst)))
xz = lzma.compress(EVIL)
bad("xz.zip", archive(member(b"model.pkl", EVIL, method=95, compressed=len(xz), stored=xz)))
bad("local_size.pt", archive(member(PKL, PLAIN, local_only={"size": 5, "compressed": 5}), VERSION))
bad("local_method.pt", archive(member(PKL, PLAIN, local_only={"method": 8}), VERSION))
bad("local_crc.pt", archive(member(PKL, PLAIN, local_only={"crc": 1}), VERSION))
bad("local_encrypted.pt", archive(member(PKL, PLAIN, local_only={"flags": 1}), VERSION))
bad("local_other_name.pt", archive((local(b"archive/evil.pkl", PLAIN) + PLAIN, lambda o: central(PKL, PLAIN, o)), VERSION))
short = archive(member(PKL, EVIL + b"more", size=len(EVIL), method=8, crc=zlib.crc32(EVIL),
                       compressed=len(deflated(EVIL + b"more")), stored=deflated(EVIL + b"more")), VERSION)
bad("declared_shorter.pt", short)
bad("stored_two_sizes.pt", archive(member(PKL, EVIL, size=len(EVIL) + 2, compressed=len(EVIL)), VERSION))
bad("false_encryption_deflated.pt", archive(member(PKL, EVIL, method=8, flags=1, compressed=len(deflated(EVIL)), stored=deflated(EVIL)), VERSION))
bad("wrong_crc.pt", archive(member(PKL, PLAIN, crc=0x12345678), VERSION))
bad("unknown_method.zip", archive(member(b"model.pkl", PLAIN, method=77)))
unicode_path = struct.pack("<BI", 1, zlib.crc32(b"readme.txt")) + b"../evil.pkl"
bad("unicode_path.zip", archive(member(b"readme.txt", b"hello", extra=struct.pack("<HH", 0x7075, len(unicode_path)) + unicode_path)))
bad("hidden_member.zip",
    (lambda first, gap, second: first[0] + gap + second[0] + first[1](0) + second[1](len(first[0]) + len(gap))
     + end(2, len(first[1](0)) + len(second[1](0)), len(first[0]) + len(gap) + len(second[0])))(
        member(b"a.txt", b"hello"), local(b"hidden.pkl", EVIL) + EVIL, member(b"b.txt", b"world")))
bad("folder_with_data.zip", archive(member(b"folder/", EVIL)))
bad("nul_name.zip", archive(member(b"model.pkl\0.txt", PLAIN)))
bad("device_member.zip", archive(member(b"dev", b"", central_only={"mode": 0o020666})))
bad("link_member.zip", archive(member(b"link", b"/etc/passwd", central_only={"mode": 0o120777})))
overlap = local(b"a.pkl", PLAIN) + PLAIN
directory = central(b"a.pkl", PLAIN, 0) + central(b"b.pkl", PLAIN, 0)
bad("overlap.zip", overlap + directory + end(2, len(directory), len(overlap)))

# --- ZIP: several directories -------------------------------------------------------------------------------------------
first = archive(member(PKL, PLAIN), VERSION)
second = archive(member(PKL, EVIL), VERSION)
bad("two_archives.pt", first + second)
bad("second_in_comment.pt", archive(member(PKL, PLAIN), VERSION, comment=second))
bad("pickle_in_comment.pt", archive(member(PKL, PLAIN), VERSION, comment=EVIL))
# Python computes the directory's place from the end record, others take the declared one.
a, b = member(PKL, PLAIN), member(PKL, EVIL)
heads = a[0] + b[0]
shown, taken = a[1](0), b[1](len(a[0]))
assert len(shown) == len(taken)
bad("declared_and_computed.pt", heads + shown + taken + end(1, len(taken), len(heads)))
wide = struct.pack("<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(taken), len(heads) + len(shown))
locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(heads) + len(shown) + len(taken), 1)
bad("zip64_disagrees.pt", heads + shown + taken + wide + locator + end(1, len(shown), len(heads)))
directory_size = len(central(PKL, PLAIN, 0)) + len(central(b"archive/version", b"3\n", 0))
bad("entry_count.pt", first[:-22] + end(9, directory_size, len(first) - 22 - directory_size))
bad("case_duplicate.pt", archive(member(PKL, PLAIN), member(b"archive/DATA.PKL", EVIL), VERSION))
bad("case_duplicate_inert.pt", archive(member(PKL, PLAIN), member(b"archive/Data.pkl", PLAIN), VERSION))
bad("slash_duplicate.zip", archive(member(b"m/config.json", b"{}"), member(b"m//config.json", b"{ }")))

# --- names ----------------------------------------------------------------------------------------------------------
for label, name in {"dots": b"a/../../x", "absolute": b"/etc/x", "backslash": b"..\\..\\x", "drive": b"C:\\x", "unc": b"\\\\h\\x"}.items():
    bad(f"name_{label}.zip", archive(member(name, b"text")))
good("dots_in_name.zip", archive(member(b"model..v1/notes.txt", b"text")))

# --- executables ----------------------------------------------------------------------------------------------------
pe = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + bytes(40)
programs = {
    "elf": ELF, "pe": pe, "macho": b"\xcf\xfa\xed\xfe" + bytes(40), "class": b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(40),
    "wasm": b"\0asm\1\0\0\0" + bytes(20), "dex": b"dex\n035\0" + bytes(40), "pyc": b"\xcb\r\r\n" + bytes(12) + b"\xe3" + bytes(20),
    "script": b"#!/bin/sh\necho\n", "spaced_script": b"#! /bin/sh\necho\n", "lnk": b"\x4c\0\0\0\1\x14\2\0" + bytes(60),
}
for name, data in programs.items():
    bad(f"program_{name}.pt", archive(member(PKL, PLAIN), member(b"archive/extra/x", data), VERSION))
bad("program_in_jar.zip", zipped([("lib.jar", zipped([("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\n"), ("A.class", programs["class"])]))]))
bad("weights.bin", ELF)
bad("tool.h5", pe)

# --- polyglots and what follows the end -------------------------------------------------------------------------------
png = b"\x89PNG\r\n\x1a\n" + bytes(40)
for name, prefix in {"png": png, "gif": b"GIF89a" + bytes(30), "pdf": b"%PDF-1.4\n%%EOF\n", "html": b"<html></html>\n", "elf": ELF, "shell": b"#!/bin/sh\nexit\n"}.items():
    bad(f"polyglot_{name}_zip.zip", prefix + zipped([("model.pkl", PLAIN)]))
bad("polyglot_zip_pickle.zip", zipped([("readme.txt", b"hello")]) + EVIL)
weights = safetensors.numpy.save({"w": np.arange(8, dtype=np.float32)})
array = io.BytesIO()
np.save(array, np.arange(12, dtype=np.float32).reshape(3, 4))
array = array.getvalue()
bad("safetensors_then_pickle.safetensors", weights + EVIL)
bad("safetensors_then_zip.safetensors", weights + second)
bad("npy_then_pickle.npy", array + EVIL)
bad("npy_then_zip.npy", array + second)
bad("npy_then_program.npy", array + ELF)
good("npy_zero_padding.npy", array + bytes(64))
good("npy_trailing_text.npy", array + b"made by hand")
good("zip_comment.zip", zipped([("model.pkl", PLAIN)], comment=b"trained on Tuesday"))
good("zip_zero_padding.zip", zipped([("model.pkl", PLAIN)]) + bytes(64))

# --- extensions -----------------------------------------------------------------------------------------------------
for suffix in ("safetensors", "npy", "onnx", "gguf", "h5", "json", "txt", "tflite"):
    bad(f"pickle_as.{suffix}", PLAIN)
bad("torch_as.safetensors", first)
bad("torch_as.onnx", first)
for suffix in ("bin", "pt", "ckpt", "model", "dat", "th", "weights", "p"):
    good(f"ordinary.{suffix}", PLAIN)
good("weights_of_torch.bin", first)

# --- tar ----------------------------------------------------------------------------------------------------------------
def tarred(members, format=tarfile.USTAR_FORMAT, **options):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format, **options) as target:
        for name, data, *rest in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in (rest[0] if rest else {}).items():
                setattr(info, key, value)
            target.addfile(info, io.BytesIO(data))
    return out.getvalue()[:10240] if not options else out.getvalue()


def trimmed(data):
    return data.rstrip(b"\0") + bytes(-len(data.rstrip(b"\0")) % 512 + 1024)


long_name = "d" * 120 + "/model.pkl"
bad("evil.tar", trimmed(tarred([("readme.txt", b"hello"), ("model.pkl", EVIL)])))
bad("long_name_gnu.tar", trimmed(tarred([(long_name, EVIL)], tarfile.GNU_FORMAT)))
bad("long_name_pax.tar", trimmed(tarred([(long_name, EVIL)], tarfile.PAX_FORMAT)))
bad("pax_traversal.tar", trimmed(tarred([("x", b"hello", {"pax_headers": {"path": "../../evil"}})], tarfile.PAX_FORMAT)))
bad("traversal.tar", trimmed(tarred([("../../x", b"hello")])))
bad("absolute.tar", trimmed(tarred([("/etc/x", b"hello")])))
bad("symlink.tar", trimmed(tarred([("a/link", b"", {"type": tarfile.SYMTYPE, "linkname": "../../etc/passwd"})])))
bad("symlink_absolute.tar", trimmed(tarred([("link", b"", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"})])))
bad("hardlink.tar", trimmed(tarred([("link", b"", {"type": tarfile.LNKTYPE, "linkname": "../x"})])))
bad("device.tar", trimmed(tarred([("dev", b"", {"type": tarfile.CHRTYPE})])))
bad("fifo.tar", trimmed(tarred([("pipe", b"", {"type": tarfile.FIFOTYPE})])))
bad("concatenated.tar", trimmed(tarred([("readme.txt", b"hello")])) + trimmed(tarred([("model.pkl", EVIL)])))
bad("pickle_after_end.tar", trimmed(tarred([("readme.txt", b"hello")])) + EVIL)
bad("tar_then_zip.tar", trimmed(tarred([("readme.txt", b"hello")])) + second)
bad("evil.tar.gz", gzip.compress(trimmed(tarred([("model.pkl", EVIL)])), mtime=0))
bad("evil.tar.xz", lzma.compress(trimmed(tarred([("model.pkl", EVIL)]))))
bad("evil.tar.bz2", bz2.compress(trimmed(tarred([("model.pkl", EVIL)]))))
bad("program.tar", trimmed(tarred([("bin/run", ELF)])))
# A folder that declares a size: Python goes on right behind its header, others skip the data that hides a member.
inner = tarred([("model.pkl", EVIL)])[:1024]
header = bytearray(tarred([("folder", b"", {"type": tarfile.DIRTYPE})])[:512])
header[124:136] = b"%011o\0" % len(inner)
header[148:156] = b" " * 8
header[148:156] = b"%06o\0 " % sum(header)
bad("folder_with_size.tar", bytes(header) + inner + bytes(1024))
base256 = bytearray(tarred([("model.pkl", EVIL)])[:1024])
base256[124:136] = b"\x80" + len(EVIL).to_bytes(11, "big")
base256[148:156] = b" " * 8
base256[148:156] = b"%06o\0 " % sum(base256[:512])
bad("base_256_size.tar", bytes(base256) + bytes(1024))
good("plain.tar", trimmed(tarred([("readme.txt", b"hello"), ("model.pkl", PLAIN)])))
good("pax.tar", trimmed(tarred([(long_name, PLAIN)], tarfile.PAX_FORMAT)))
good("gnu.tar", trimmed(tarred([(long_name, PLAIN)], tarfile.GNU_FORMAT)))
good("symlink_inside.tar", trimmed(tarred([("a/b/link", b"", {"type": tarfile.SYMTYPE, "linkname": "../c"}), ("a/c", b"text")])))
good("model_in_tar.tar", trimmed(tarred([("model.pt", first)])))
good("plain.tar.gz", gzip.compress(trimmed(tarred([("model.pkl", PLAIN)])), mtime=0))
broken = bytearray(trimmed(tarred([("readme.txt", b"hello"), ("model.pkl", PLAIN)])))
broken[1024 + 20] ^= 0xFF
incomplete("broken_header.tar", broken)

# --- what cannot be examined --------------------------------------------------------------------------------------------
incomplete("encrypted.zip", archive(member(b"model.pkl", bytes(range(200, 240)), flags=1)))
incomplete("aes.zip", archive(member(b"model.pkl", bytes(range(200, 240)), flags=1, method=99)))
incomplete("rar.rar", b"Rar!\x1a\x07\x01\x00" + bytes(60))
incomplete("lfs_pointer.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")

# --- texts and archives that bring code -----------------------------------------------------------------------------------
bad("torchserve.mar", zipped([("MAR-INF/MANIFEST.json", b'{"model": {"handler": "handler.py"}}'), ("handler.py", b"def handle(d, c):\n  return d\n"), ("model.pkl", PLAIN)]))
bad("hydra.yaml", b"model:\n  _target_: os.system\n  command: echo\n")
bad("hydra_flow.yaml", b"model: {lr: 1, _target_: os.system, command: echo}\n")
bad("hydra.nemo", trimmed(tarred([("model_config.yaml", b"trainer:\n  _target_: subprocess.run\n"), ("model_weights.ckpt", first)])))
bad("tags.yaml", b"a: !!python/object/apply:os.system ['echo']\n")
bad("startup.pth", b"import os; os.getcwd()\n")
bad("handler.py", b"class EndpointHandler:\n  pass\n")
bad("many_evals.py", b"model.eval()\n" * 100 + b"eval('1')\n")
bad("runner.py", b"import os\nos.system('echo')\n")
good("modeling.py", b"import torch\n\n\nclass Net(torch.nn.Module):\n  def forward(self, x):\n    self.eval()\n    return x\n")
good("hydra_good.yaml", b"model:\n  _target_: torch.optim.Adam\n  lr: 0.1\n")
good("good.nemo", trimmed(tarred([("model_config.yaml", b"optim:\n  _target_: nemo.core.optim.Novograd\n"), ("model_weights.ckpt", first)])))
good("notes.txt", b"os.system is a function\n")

# --- repositories -----------------------------------------------------------------------------------------------------------
def repository(kind, name, files):
    folder = os.path.join(REPOSITORIES, kind, name)
    for path, content in files.items():
        target = os.path.join(folder, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        data = json.dumps(content, indent=1).encode() if isinstance(content, (dict, list)) else content
        open(target, "wb").write(data)


CONFIG = {"model_type": "bert", "architectures": ["BertModel"]}
MODEL = {"model.safetensors": weights}
code = b"class Custom:\n  pass\n"
for file in ("config.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json"):
    repository("bad", f"auto_map_{file.split('.')[0]}", {**MODEL, "config.json": CONFIG, file: {**CONFIG, "auto_map": {"AutoModel": "modeling_custom.Custom"}}, "modeling_custom.py": code})
repository("bad", "auto_map_remote", {**MODEL, "config.json": {**CONFIG, "auto_map": {"AutoModel": "someone/other--modeling.Custom"}}})
repository("bad", "auto_map_nested", {**MODEL, "config.json": {**CONFIG, "vision_config": {"auto_map": {"AutoConfig": "c.C"}}}})
repository("bad", "custom_pipelines", {**MODEL, "config.json": {**CONFIG, "custom_pipelines": {"x": {"impl": "pipeline.P"}}}})
repository("bad", "custom_generate", {**MODEL, "config.json": CONFIG, "generation_config.json": {"custom_generate": "./generate"}})
repository("bad", "custom_generate_folder", {**MODEL, "config.json": CONFIG, "generation_config.json": {}, "custom_generate/generate.py": code})
repository("bad", "trust_remote_code", {**MODEL, "config.json": {**CONFIG, "trust_remote_code": True}})
repository("bad", "adapter", {"adapter_model.safetensors": weights, "adapter_config.json": {"auto_mapping": {"base_model_class": "X", "parent_library": "evil.module"}}})
repository("bad", "diffusers_module", {**MODEL, "model_index.json": {"_class_name": "StableDiffusionPipeline", "unet": ["my_unet", "Unet"]}, "unet/my_unet.py": code})
repository("bad", "diffusers_library", {**MODEL, "model_index.json": {"_class_name": "StableDiffusionPipeline", "unet": ["evil_package", "Unet"]}})
repository("bad", "diffusers_pipeline", {**MODEL, "model_index.json": {"_class_name": ["pipeline", "MyPipeline"]}, "pipeline.py": code})
repository("bad", "sentence_transformers", {**MODEL, "config.json": CONFIG, "modules.json": [{"idx": 0, "name": "0", "path": "", "type": "custom_module.Custom"}]})
repository("bad", "endpoint_handler", {**MODEL, "config.json": CONFIG, "handler.py": b"class EndpointHandler:\n  pass\n"})
repository("bad", "path_file", {**MODEL, "config.json": CONFIG, "distutils-precedence.pth": b"import os\n"})
repository("bad", "odd_name", {**MODEL, "config.json": CONFIG, "notes": EVIL})
repository("bad", "bad_helper", {**MODEL, "config.json": CONFIG, "tools.py": b"import subprocess\nsubprocess.run(['echo'])\n"})

repository("good", "transformers", {**MODEL, "config.json": CONFIG, "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": True}, "generation_config.json": {"max_length": 20}, "README.md": b"# A model\n", "vocab.txt": b"[PAD]\n"})
repository("good", "diffusers", {"unet/model.safetensors": weights, "model_index.json": {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30.0", "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"], "unet": ["diffusers", "UNet2DConditionModel"], "text_encoder": ["transformers", "CLIPTextModel"], "feature_extractor": [None, None]}})
repository("good", "sentence_transformers", {**MODEL, "config.json": CONFIG, "modules.json": [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}, {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]})
repository("good", "adapter", {"adapter_model.safetensors": weights, "adapter_config.json": {"auto_mapping": None, "base_model_name_or_path": "x", "peft_type": "LORA"}})
repository("good", "with_code", {**MODEL, "config.json": CONFIG, "train.py": b"import torch\nmodel.eval()\n", "setup.py": b"from setuptools import setup\nsetup()\n", "run.sh": b"#!/bin/sh\npython train.py\n", "example.json": {"auto_map": {"x": "y.z"}}})
