#!/usr/bin/env python3
"""Writes the corpus of the security tests: malicious/core/{bad,good}/*.

Nothing here is ever loaded; the payload of every bad file is `echo`. Needs torch, numpy, onnx and safetensors:

    python Tests/Fixtures/make_malicious.py
"""
import argparse, array, collections, dataclasses, datetime, decimal, enum, fractions, functools, io, ipaddress, json, logging
import operator, os, pathlib, pickle, re, shutil, struct, tarfile, types, uuid, zipfile, zlib

import numpy as np
import torch

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "malicious", "core")
BAD, GOOD = os.path.join(HERE, "bad"), os.path.join(HERE, "good")
for folder in (BAD, GOOD):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)


def bad(name, data):
    open(os.path.join(BAD, name), "wb").write(data)


def good(name, data):
    open(os.path.join(GOOD, name), "wb").write(data)


# --- an assembler for pickles -----------------------------------------------------------------------------------
def u(text):
    raw = text.encode()
    return b"\x8c" + bytes([len(raw)]) + raw if len(raw) < 256 else b"X" + struct.pack("<I", len(raw)) + raw


def by(raw):
    return b"B" + struct.pack("<I", len(raw)) + raw


def g(module, name):
    return f"c{module}\n{name}\n".encode()


def sg(module, name):
    return u(module) + u(name) + b"\x93"


def t(*items):
    return b"(" + b"".join(items) + b"t"


def call(callee, *arguments):
    return callee + t(*arguments) + b"R"


def p(body, protocol=4):
    return b"\x80" + bytes([protocol]) + body + b"."


ECHO = u("echo")
SYSTEM = sg("os", "system")
getattr_ = sg("builtins", "getattr")

# --- routes to a callable ---------------------------------------------------------------------------------------
bad("reduce_stack_global.pkl", p(call(SYSTEM, ECHO)))
bad("reduce_global_p0.pkl", b"cos\nsystem\n(S'echo'\ntR.")
bad("reduce_posix.pkl", p(call(g("posix", "system"), ECHO), 2))
bad("reduce_nt.pkl", p(call(g("nt", "system"), ECHO), 2))
bad("inst.pkl", b"(S'echo'\nios\nsystem\n.")
bad("obj.pkl", b"(cos\nsystem\nS'echo'\no.")
bad("newobj.pkl", p(sg("subprocess", "Popen") + t(ECHO) + b"\x81"))
bad("newobj_ex.pkl", p(sg("subprocess", "Popen") + t(ECHO) + b"}" + b"\x92"))
bad("subprocess_run.pkl", p(call(sg("subprocess", "run"), ECHO)))
bad("builtin_eval.pkl", p(call(g("__builtin__", "eval"), u("print(1)")), 2))
bad("builtins_exec.pkl", p(call(sg("builtins", "exec"), u("print(1)"))))
bad("compile.pkl", p(call(sg("builtins", "compile"), u("1"), u("x"), u("eval"))))
bad("runpy.pkl", p(call(sg("runpy", "run_path"), u("x.py"))))
bad("pty.pkl", p(call(sg("pty", "spawn"), ECHO)))
bad("timeit.pkl", p(call(sg("timeit", "timeit"), u("print(1)"))))
bad("cprofile.pkl", p(call(sg("cProfile", "run"), u("print(1)"))))
bad("pdb.pkl", p(call(sg("pdb", "run"), u("print(1)"))))
bad("bdb.pkl", p(call(sg("bdb", "Bdb.run"), b"N", u("print(1)"))))
bad("code.pkl", p(call(sg("code", "interact"))))
bad("asyncio.pkl", p(call(sg("asyncio", "create_subprocess_shell"), ECHO)))
bad("webbrowser.pkl", p(call(sg("webbrowser", "open"), u("about:blank"))))
bad("uuid_command.pkl", p(call(sg("uuid", "_get_command_stdout"), ECHO)))
bad("pydoc_pager.pkl", p(call(sg("pydoc", "pipepager"), u(""), ECHO)))
bad("build_setstate.pkl", p(call(sg("collections", "OrderedDict")) + b"}" + u("__setstate__") + SYSTEM + b"sb" + ECHO + b"b"))
bad("build_append.pkl", p(sg("argparse", "Namespace") + b")\x81}" + u("append") + SYSTEM + b"sb" + ECHO + b"a"))
bad("build_on_class.pkl", p(sg("collections", "OrderedDict") + b"}" + u("__init__") + SYSTEM + b"sb"))
bad("memo_names.pkl", p(u("os") + b"\x94" + u("system") + b"\x94" + b"00" + b"h\x00h\x01\x93" + t(ECHO) + b"R"))
bad("memo_overwrite.pkl", p(u("collections") + b"q\x00" + b"0" + u("os") + b"q\x00" + b"0" + b"h\x00" + u("system") + b"\x93" + t(ECHO) + b"R"))
bad("dup_pop.pkl", p(SYSTEM + b"2" + t(ECHO) + b"R" + b"0" + b"0" + b"N"))
bad("result_discarded.pkl", p(call(SYSTEM, ECHO) + b"0" + b"}"))
bad("inside_dict.pkl", p(b"}" + u("weights") + b"]" + call(SYSTEM, ECHO) + b"as"))

# --- resolvers, walks and wrappers ------------------------------------------------------------------------------
bad("import_module.pkl", p(call(call(getattr_, call(sg("importlib", "import_module"), u("os")), u("system")), ECHO)))
bad("dunder_import.pkl", p(call(call(getattr_, call(g("__builtin__", "__import__"), u("os")), u("system")), ECHO), 2))
bad("pkgutil_resolve.pkl", p(call(call(sg("pkgutil", "resolve_name"), u("os:system")), ECHO)))
bad("pydoc_locate.pkl", p(call(call(sg("pydoc", "locate"), u("os.system")), ECHO)))
bad("attrgetter.pkl", p(call(call(call(sg("operator", "attrgetter"), u("system")), call(sg("importlib", "import_module"), u("os"))), ECHO)))
bad("methodcaller.pkl", p(call(call(sg("operator", "methodcaller"), u("system"), ECHO), call(sg("importlib", "import_module"), u("os")))))
bad("partial.pkl", p(call(call(sg("functools", "partial"), SYSTEM, ECHO))))
bad("partial_kept.pkl", p(call(sg("functools", "partial"), SYSTEM, ECHO)))
bad("partial_setstate.pkl", p(call(sg("functools", "partial"), sg("builtins", "print")) + t(SYSTEM, t(ECHO), b"}", b"N") + b"b" + b")R"))
bad("functools_reduce.pkl", p(call(sg("functools", "reduce"), getattr_, t(sg("os", "path"), u("os"), u("system")))))
bad("reduce_calls.pkl", p(call(sg("functools", "reduce"), SYSTEM, t(ECHO, ECHO))))
bad("map.pkl", p(call(sg("builtins", "list"), call(sg("builtins", "map"), SYSTEM, t(ECHO)))))
bad("filter.pkl", p(call(sg("builtins", "tuple"), call(sg("builtins", "filter"), SYSTEM, t(ECHO)))))
bad("starmap.pkl", p(call(sg("builtins", "list"), call(sg("itertools", "starmap"), SYSTEM, t(t(ECHO))))))
bad("operator_call.pkl", p(call(sg("operator", "call"), SYSTEM, ECHO)))
bad("defaultdict_factory.pkl", p(call(sg("operator", "getitem"), call(sg("collections", "defaultdict"), SYSTEM), u("x"))))
bad("copyreg_newobj.pkl", p(call(sg("copyreg", "__newobj__"), sg("subprocess", "Popen"), ECHO)))
bad("reconstructor.pkl", p(call(g("copy_reg", "_reconstructor"), g("subprocess", "Popen"), g("__builtin__", "object"), b"N"), 2))
bad("rebuild_from_type.pkl", p(call(sg("torch._tensor", "_rebuild_from_type_v2"), SYSTEM, sg("builtins", "str"), t(ECHO), b"}"), 2))
bad("ufunc_reconstruct.pkl", p(call(call(sg("numpy.core", "_ufunc_reconstruct"), u("os"), u("system")), ECHO)))
bad("reexport_torch.pkl", p(call(sg("torch.serialization", "os.system"), ECHO)))
bad("reexport_private.pkl", p(call(sg("random", "_os.system"), ECHO)))
bad("reexport_global.pkl", p(call(g("torch.hub", "os.popen"), ECHO), 2))
bad("dotted_builtins.pkl", p(call(sg("builtins", "__import__"), u("os"))))
bad("reexport_linecache.pkl", p(call(sg("logging", "os.system"), ECHO)))
bad("runstring.pkl", p(call(sg("numpy.testing._private.utils", "runstring"), u("print(1)"), b"}")))
bad("getattr_computed.pkl", p(call(call(getattr_, sg("os", "path"), call(sg("builtins", "str.join"), u(""), t(u("o"), u("s")))), ECHO)))
bad("stack_global_computed.pkl", p(call(sg("builtins", "str.join"), u(""), t(u("o"), u("s"))) + u("system") + b"\x93" + t(ECHO) + b"R"))
bad("stack_global_number.pkl", p(b"K\x01" + u("system") + b"\x93" + t(ECHO) + b"R"))
bad("subclasses.pkl", p(call(call(getattr_, sg("builtins", "object"), u("__subclasses__")))))
bad("globals_walk.pkl", p(call(sg("operator", "getitem"), sg("collections", "namedtuple.__globals__"), u("_sys"))))
bad("sys_modules_get.pkl", p(call(call(getattr_, call(sg("operator", "getitem"), sg("sys", "modules"), u("os")), u("system")), ECHO)))
bad("sys_modules_set.pkl", p(sg("sys", "modules") + u("json") + sg("sys", "modules") + b"s"))
bad("setattr.pkl", p(call(sg("builtins", "setattr"), sg("os", "path"), u("x"), b"N")))
bad("unknown_function.pkl", p(call(sg("mypackage.tools", "run"), ECHO)))
bad("telling_name.pkl", p(call(sg("mypackage.shellutils", "system"), ECHO)))
bad("import_only.pkl", p(SYSTEM))

# --- functions and classes by value, as cloudpickle writes them
CP = "cloudpickle.cloudpickle"


def skeleton(*attributes):
    make = call(sg(CP, "_make_skeleton_class"), call(sg(CP, "_builtin_type"), u("type")), u("A"), t(sg("builtins", "object")), b"}", b"N", b"N")
    return make + b"\x94" + call(sg(CP, "_class_setstate"), b"h\x00", t(b"}(" + b"".join(attributes) + b"u", b"}")) + b"0" + b")\x81"


FUNCTION = call(sg(CP, "_make_function"), call(call(sg(CP, "_builtin_type"), u("CodeType")), b"K\x00"), b"}")
bad("cloudpickle_called.pkl", p(FUNCTION + b")R"))
bad("cloudpickle_setstate.pkl", p(skeleton(u("__setstate__"), FUNCTION)))
good("cloudpickle_function.pkl", p(FUNCTION))
good("cloudpickle_instance.pkl", p(skeleton(u("forward"), FUNCTION)))

# --- code, other loaders, network, files, libraries ---------------------------------------------------------------
bad("marshal.pkl", p(call(call(sg("types", "FunctionType"), call(sg("marshal", "loads"), by(b"N")), b"}"))))
bad("codetype.pkl", p(call(sg("types", "CodeType"), b"K\x00", b"K\x00")))
bad("pickle_loads.pkl", p(call(sg("pickle", "loads"), by(b"N."))))
bad("torch_load.pkl", p(call(sg("torch", "load"), u("other.pt"))))
bad("joblib_load.pkl", p(call(sg("joblib", "load"), u("other.joblib"))))
bad("numpy_load.pkl", p(call(sg("numpy", "load"), u("other.npy"))))
bad("read_pickle.pkl", p(call(sg("pandas", "read_pickle"), u("other.pkl"))))
bad("load_from_bytes.pkl", p(call(sg("torch.storage", "_load_from_bytes"), by(p(call(SYSTEM, ECHO))))))
bad("urlopen.pkl", p(call(sg("urllib.request", "urlopen"), u("http://127.0.0.1/"))))
bad("socket.pkl", p(call(sg("socket", "create_connection"), t(u("127.0.0.1"), b"K\x09"))))
bad("requests.pkl", p(call(sg("requests.api", "get"), u("http://127.0.0.1/"))))
bad("open.pkl", p(call(sg("builtins", "open"), u("/tmp/x"), u("w"))))
bad("fileio.pkl", p(call(sg("_io", "FileIO"), u("/tmp/x"), u("w"))))
bad("path_write.pkl", p(call(call(getattr_, call(sg("pathlib", "PosixPath"), u("/tmp/x")), u("write_text")), u("x"))))
bad("shutil.pkl", p(call(sg("shutil", "rmtree"), u("/tmp/none"))))
bad("ctypes.pkl", p(call(sg("ctypes", "CDLL"), u("none.so"))))
bad("load_library.pkl", p(call(sg("torch.ops", "load_library"), u("none.so"))))
bad("ctypeslib.pkl", p(call(sg("numpy.ctypeslib", "load_library"), u("none"), u("."))))

# --- malformed, framing, bombs ------------------------------------------------------------------------------------
bad("broken_after_call.pkl", p(call(SYSTEM, ECHO))[:-1] + b"\xff\xff\xff")
bad("truncated_after_call.pkl", p(call(SYSTEM, ECHO))[:-1] + b"X\xff\xff\xff\x7fabc")
bad("second_stream.pkl", pickle.dumps([1, 2]) + p(call(SYSTEM, ECHO)))
bad("junk_after_stop.pkl", pickle.dumps([1, 2]) + os.urandom(0) + bytes(range(1, 200)))
bad("nested_pickle.pkl", p(b"}" + u("blob") + by(p(call(SYSTEM, ECHO))) + b"s"))
bad("ext_opcode.pkl", p(b"\x82\x01" + t(ECHO) + b"R"))
bad("huge_memo.pkl", p(b"Nr\xff\xff\xff\xff"))
bad("double_proto.pkl", b"\x80\x04\x80\x02N.")
bad("late_proto.pkl", b"]\x80\x04.")
bad("bytearray_bomb.pkl", p(call(sg("builtins", "bytearray"), b"\x8a\x06" + (1 << 40).to_bytes(6, "little"))))
tuples = b")"
for _ in range(40):
    tuples = tuples + b"2\x86"
bad("hash_bomb.pkl", p(b"}" + tuples + b"Ns"))

# --- containers ---------------------------------------------------------------------------------------------------
EVIL = p(call(SYSTEM, ECHO), 2)


def zipped(members, compression=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as z:
        for name, data in members:
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.compress_type = compression
            info.external_attr = 0o600 << 16
            info.create_system = 3
            z.writestr(info, data)
    return out.getvalue()


def saved(value, **options):
    out = io.BytesIO()
    torch.save(value, out, **options)
    return out.getvalue()


PLAIN = pickle.dumps({"a": 1}, 2)
bad("torch_zip.pt", zipped([("archive/data.pkl", EVIL), ("archive/version", b"3\n")]))
bad("torch_zip_deflated.pt", zipped([("archive/data.pkl", EVIL), ("archive/version", b"3\n")], zipfile.ZIP_DEFLATED))
bad("torch_zip_other_member.pt", zipped([("archive/data.pkl", PLAIN), ("archive/notes.txt", EVIL), ("archive/version", b"3\n")]))
bad("torch_zip_storage_pickle.pt", zipped([("archive/data.pkl", PLAIN), ("archive/data/0", EVIL), ("archive/version", b"3\n")]))
bad("torch_zip_duplicate.pt", zipped([("archive/data.pkl", PLAIN), ("archive/data.pkl", EVIL), ("archive/version", b"3\n")]))
bad("torch_zip_executable.pt", zipped([("archive/data.pkl", PLAIN), ("archive/extra/lib.so", b"\x7fELF" + bytes(60)), ("archive/version", b"3\n")]))
bad("torch_zip_traversal.pt", zipped([("archive/data.pkl", PLAIN), ("../../x", b"x")]))
encrypted = bytearray(zipped([("archive/data.pkl", EVIL), ("archive/version", b"3\n")]))
encrypted[6] |= 1
encrypted[encrypted.index(b"PK\1\2") + 8] |= 1
bad("torch_zip_encrypted_flag.pt", bytes(encrypted))
crc = bytearray(zipped([("archive/data.pkl", PLAIN), ("archive/version", b"3\n")]))
crc[14] ^= 0xFF
crc[crc.index(b"PK\1\2") + 16] ^= 0xFF
bad("torch_zip_crc.pt", bytes(crc))
local = bytearray(zipped([("archive/data.pkl", PLAIN), ("archive/version", b"3\n")]))
local[30:34] = b"zzzz"
bad("torch_zip_local_name.pt", bytes(local))
bad("polyglot_pickle_zip.pt", EVIL + zipped([("archive/data.pkl", PLAIN), ("archive/version", b"3\n")]))
bad("zip_in_zip.zip", zipped([("inner.pt", zipped([("archive/data.pkl", EVIL)]))]))
bad("weights.safetensors", EVIL)
bad("image.png", EVIL)
script = b"def forward(self, x):\n  torch.save(x, \"/tmp/x\")\n  return x\n"
bad("torchscript_save.pt", zipped([("m/data.pkl", PLAIN), ("m/constants.pkl", pickle.dumps((), 2)), ("m/code/__torch__.py", script), ("m/version", b"3\n")]))
legacy = saved({"w": torch.zeros(2)}, _use_new_zipfile_serialization=False)
magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
assert legacy.startswith(magic)
bad("legacy_evil_object.pt", magic + pickle.dumps(1001, 2) + pickle.dumps({}, 2) + EVIL + pickle.dumps([], 2))
bad("legacy_forged_magic.pt", b"\x80\x02" + call(g("os", "system"), ECHO) + b"0" + magic[2:] + legacy[len(magic):])
view = pickle.dumps({}, 2)[:0] + p(
    call(
        g("torch._utils", "_rebuild_tensor_v2"),
        t(u("storage"), g("torch", "FloatStorage"), u("0"), u("cpu"), b"K\x04") + b"Q", b"K\x00", t(b"M\xe8\x03"), t(b"K\x01"), b"\x89",
        call(g("collections", "OrderedDict"))), 2)
bad("view_out_of_bounds.pt", zipped([("archive/data.pkl", view), ("archive/data/0", bytes(16)), ("archive/version", b"3\n")]))
old = io.BytesIO()
with tarfile.open(fileobj=old, mode="w", format=tarfile.USTAR_FORMAT) as archive:
    for name, data in [("sys_info", pickle.dumps({}, 2)), ("pickle", EVIL), ("storages", pickle.dumps(0, 2)), ("tensors", pickle.dumps(0, 2))]:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
bad("old_checkpoint.tar", old.getvalue()[:5120])


def npy(descr, data, shape="(1,)"):
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * ((64 - (10 + len(header) + 1) % 64) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


bad("object.npy", npy("'|O'", EVIL))
bad("object.npz", zipped([("x.npy", npy("'|O'", EVIL))]))

# --- safetensors --------------------------------------------------------------------------------------------------
def st(header, data, pad=b""):
    text = (header if isinstance(header, bytes) else json.dumps(header).encode()) + pad
    return struct.pack("<Q", len(text)) + text + data


entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
bad("st_out_of_range.safetensors", st({"w": {**entry, "data_offsets": [0, 800]}}, bytes(8)))
bad("st_overlap.safetensors", st({"a": entry, "b": {**entry, "data_offsets": [4, 12]}}, bytes(12)))
bad("st_hole.safetensors", st({"a": entry, "b": {**entry, "data_offsets": [12, 20]}}, bytes(20)))
bad("st_size.safetensors", st({"w": {**entry, "shape": [3]}}, bytes(8)))
bad("st_trailing.safetensors", st({"w": entry}, bytes(8) + EVIL))
bad("st_duplicate.safetensors", st(b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', bytes(8)))
bad("st_padding.safetensors", st({"w": entry}, bytes(8), b"  evil"))
bad("st_metadata.safetensors", st({"__metadata__": {"init": "__import__('os').system('echo')"}, "w": entry}, bytes(8)))
bad("st_length.safetensors", struct.pack("<Q", 1 << 62) + b'{"w":1}')

# --- ONNX ---------------------------------------------------------------------------------------------------------
import onnx
from onnx import TensorProto, helper


def external(name, location, dims=(2,), **entries):
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def model(initializers=(), nodes=(), functions=(), opsets=()):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])
    graph = helper.make_graph(list(nodes) or [helper.make_node("Add", ["x", "w"], ["y"])], "g", [x], [y], list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), *opsets], functions=list(functions), ir_version=8).SerializeToString()


bad("ext_traversal.onnx", model([external("w", "../../etc/passwd")]))
bad("ext_absolute.onnx", model([external("w", "/etc/passwd")]))
bad("ext_backslash.onnx", model([external("w", "..\\secret")]))
bad("ext_attribute.onnx", model(nodes=[helper.make_node("Constant", [], ["w"], value=external("v", "../x")), helper.make_node("Add", ["x", "w"], ["y"])]))
branch = helper.make_graph([helper.make_node("Identity", ["z"], ["o"])], "then", [], [helper.make_tensor_value_info("o", 1, [2])], [external("z", "../x")])
bad("ext_subgraph.onnx", model([helper.make_tensor("c", TensorProto.BOOL, [], [True])], [helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)]))
bad("ext_negative.onnx", model([external("w", "w.bin", offset=-1, length=8)]))
bad("ext_length.onnx", model([external("w", "w.bin", offset=0, length=80000)]))
bad("pyop.onnx", model(nodes=[helper.make_node("PyOp", ["x"], ["y"], domain="ai.onnx.contrib")]))
bad("unknown_domain.onnx", model(nodes=[helper.make_node("Backdoor", ["x"], ["y"], domain="com.example")], opsets=[helper.make_opsetid("com.example", 1)]))
bad("dims_overflow.onnx", model([TensorProto(name="w", data_type=1, dims=[1 << 40, 1 << 40])]))
bad("negative_dims.onnx", model([TensorProto(name="w", data_type=1, dims=[-4])]))

# --- benign -------------------------------------------------------------------------------------------------------
@dataclasses.dataclass
class Settings:
    rate: float = 0.1


class Mode(enum.Enum):
    TRAIN = 1


class Plain:
    def __init__(self):
        self.x = 1


VALUES = {
    "dict": {"weights": [1.0, 2.0], "epoch": 3}, "ordered": collections.OrderedDict(a=1), "counter": collections.Counter("aab"),
    "defaultdict": collections.defaultdict(list, a=[1]), "deque": collections.deque([1, 2], 5), "set": {1, 2}, "frozenset": frozenset([1]),
    "complex": 1 + 2j, "bytes": b"\x80\x04data", "bytearray": bytearray(b"abc"), "big": 1 << 100, "range": range(3), "slice": slice(1, 2),
    "datetime": datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc), "timedelta": datetime.timedelta(1), "decimal": decimal.Decimal("1.5"),
    "fraction": fractions.Fraction(1, 3), "uuid": uuid.UUID(int=5), "regex": re.compile("a+"), "path": pathlib.PurePosixPath("/a/b"),
    "posix_path": pathlib.PosixPath("/a/b"), "partial": functools.partial(max, 1), "itemgetter": operator.itemgetter(1), "attrgetter": operator.attrgetter("shape"),
    "methodcaller": operator.methodcaller("lower"), "namespace": argparse.Namespace(lr=1), "simple": types.SimpleNamespace(a=1), "array": array.array("f", [1]),
    "ip": ipaddress.ip_address("127.0.0.1"), "dataclass": Settings(), "enum": Mode.TRAIN, "class": Plain(), "exception": ValueError("x"),
    "builtin": [len, max, print, int], "text_os_system": {"note": "os.system", "list": ["eval", "subprocess.Popen"]}, "logger": logging.getLogger("x"),
    "numpy": np.arange(3.0), "numpy_scalar": np.float32(1), "numpy_dtype": np.dtype("i4,f4"), "numpy_strings": np.array(["a", "b"]), "numpy_random": np.random.RandomState(1),
    "numpy_generator": np.random.default_rng(1), "numpy_masked": np.ma.array([1, 2], mask=[0, 1]), "numpy_ufunc": np.add, "numpy_record": np.rec.array([(1, 2.0)], dtype="i4,f4"),
    "torch_tensor": torch.zeros(2), "torch_size": torch.Size([1, 2]), "torch_device": torch.device("cpu"), "torch_dtype": torch.float16,
}
for name, value in VALUES.items():
    for protocol in (2, 4) if name not in ("numpy_random",) else (4,):
        good(f"{name}_{protocol}.pkl", pickle.dumps(value, protocol))
for protocol in (0, 1, 3, 5):
    good(f"protocol_{protocol}.pkl", pickle.dumps({"a": [1, "b", None, 1.5, b"c"], "o": collections.OrderedDict(x=1)}, protocol))

net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.ReLU(), torch.nn.Linear(2, 2))
optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
good("state_dict.pt", saved(net.state_dict()))
good("checkpoint.pt", saved({"model": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 1, "args": argparse.Namespace(lr=0.1)}))
good("module.pt", saved(net))
good("state_dict_legacy.pt", saved(net.state_dict(), _use_new_zipfile_serialization=False))
good("module_legacy.pt", saved(net, _use_new_zipfile_serialization=False))
good("types.pt", saved({str(d): torch.zeros(2).to(d) for d in (torch.float16, torch.bfloat16, torch.int8, torch.int64, torch.bool, torch.complex64)}))
good("parameter.pt", saved(torch.nn.Parameter(torch.zeros(2))))
good("sparse.pt", saved(torch.eye(2).to_sparse()))
good("quantized.pt", saved(torch.quantize_per_tensor(torch.zeros(2), 0.1, 0, torch.qint8)))
good("strided.pt", saved(torch.zeros(4, 4)[::2, ::2]))


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x) + 1


out = io.BytesIO()
torch.jit.save(torch.jit.script(Net()), out)
good("torchscript.pt", out.getvalue())
out = io.BytesIO()
np.save(out, np.arange(4.0))
good("array.npy", out.getvalue())
out = io.BytesIO()
np.savez(out, x=np.arange(4), y=np.zeros(2))
good("arrays.npz", out.getvalue())
out = io.BytesIO()
np.savez_compressed(out, x=np.zeros(4000))
good("compressed.npz", out.getvalue())
good("object_text.npy", (lambda o: (np.save(o, np.array(["a", None], dtype=object), allow_pickle=True), o.getvalue())[1])(io.BytesIO()))
from safetensors.torch import save as st_save

good("good.safetensors", st_save({"a": torch.zeros(2, 2), "b": torch.zeros(3, dtype=torch.float16)}, {"format": "pt"}))
good("empty.safetensors", st({}, b""))
good("plain.onnx", model([helper.make_tensor("w", TensorProto.FLOAT, [2], [1, 2])]))
good("external.onnx", model([external("w", "external.bin", offset=0, length=8)]))
good("external.bin", np.array([1, 2], np.float32).tobytes())
inner = helper.make_graph([helper.make_node("Identity", ["x"], ["o"])], "then", [], [helper.make_tensor_value_info("o", 1, [2])])
good("control_flow.onnx", model([helper.make_tensor("c", TensorProto.BOOL, [], [True])], [helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)]))
function = helper.make_function("my.domain", "F", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], [helper.make_opsetid("", 17)])
good("function.onnx", model(nodes=[helper.make_node("F", ["x"], ["y"], domain="my.domain")], functions=[function], opsets=[helper.make_opsetid("my.domain", 1)]))

# Pickles of libraries that are not installed here, written as those libraries write them.
def instance(module, name, state, protocol=4):
    return p(sg(module, name) + b")\x81}" + b"(" + state + b"ub", protocol)


good("sklearn_logistic.pkl", instance("sklearn.linear_model._logistic", "LogisticRegression", u("C") + b"G" + struct.pack(">d", 1.0) + u("penalty") + u("l2")))
good("sklearn_tree.pkl", p(call(sg("sklearn.tree._tree", "Tree"), b"K\x04", call(sg("numpy.core.multiarray", "_reconstruct"), sg("numpy", "ndarray"), t(b"K\x00"), by(b"b")), b"K\x01")))
good("sklearn_kdtree.pkl", p(call(sg("sklearn.neighbors._kd_tree", "newObj"), sg("sklearn.neighbors._kd_tree", "KDTree"))))
good("sklearn_loss.pkl", p(call(sg("sklearn._loss._loss", "__pyx_unpickle_CyHalfSquaredError"), sg("sklearn._loss._loss", "CyHalfSquaredError"), b"K\x01", b"N")))
good("scipy_csr.pkl", instance("scipy.sparse._csr", "csr_matrix", u("maxprint") + b"K\x05"))
good("scipy_norm.pkl", instance("scipy.stats._continuous_distns", "norm_gen", u("name") + u("norm")))
good("pandas_index.pkl", p(call(sg("pandas.core.indexes.base", "_new_Index"), sg("pandas.core.indexes.base", "Index"), b"}")))
good("pandas_block.pkl", p(call(sg("pandas._libs.internals", "_unpickle_block"), b"N", b"N", b"K\x01")))
good("xgboost.pkl", instance("xgboost.sklearn", "XGBClassifier", u("n") + b"K\x01"))
good("lightgbm.pkl", instance("lightgbm.basic", "Booster", u("handle") + u("tree")))
good("transformers_args.bin", zipped([("training_args/data.pkl", instance("transformers.training_args", "TrainingArguments", u("lr") + b"K\x01", 2)), ("training_args/version", b"3\n")]))
good("yolo.pt", zipped([("y/data.pkl", instance("models.yolo", "DetectionModel", u("training") + b"\x89", 2)), ("y/version", b"3\n")]))
good("ultralytics.pt", zipped([("y/data.pkl", instance("ultralytics.nn.tasks", "DetectionModel", u("training") + b"\x89", 2)), ("y/version", b"3\n")]))
good("lightning.ckpt", zipped([("y/data.pkl", instance("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint", u("x") + b"\x89", 2)), ("y/version", b"3\n")]))
good("omegaconf.ckpt", zipped([("y/data.pkl", instance("omegaconf.dictconfig", "DictConfig", u("x") + b"\x89", 2)), ("y/version", b"3\n")]))
good("re_compile.pkl", p(call(sg("re", "_compile"), u("a+"), b"K\x20")))

total = sum(os.path.getsize(os.path.join(r, f)) for r, _, fs in os.walk(HERE) for f in fs)
print(f"{len(os.listdir(BAD))} bad, {len(os.listdir(GOOD))} good, {total} bytes")
