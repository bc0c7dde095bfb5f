extension CallableCatalogue {
  /// Standard-library callables that pickle itself needs or that only make values.
  static let inertStandardLibrary: [InertGroup] = [
    InertGroup(
      reason: "makes a plain value",
      paths: [
        "builtins.set", "builtins.frozenset", "builtins.list", "builtins.dict", "builtins.tuple", "builtins.int",
        "builtins.long", "builtins.float", "builtins.bool", "builtins.str", "builtins.unicode", "builtins.bytes",
        "builtins.bytearray", "builtins.complex", "builtins.slice", "builtins.range", "builtins.xrange",
        "builtins.object", "builtins.Ellipsis", "builtins.NotImplemented", "builtins.memoryview", "builtins.property",
        "builtins.staticmethod", "builtins.classmethod", "builtins.super", "builtins.NoneType", "builtins.ellipsis",
        "builtins.type", "builtins.basestring", "builtins.str.*", "builtins.bytes.*", "builtins.list.*", "builtins.dict.*",
        "builtins.set.*", "builtins.tuple.*", "builtins.int.*", "builtins.float.*", "builtins.bytearray.*", "builtins.frozenset.*", "builtins.complex.*", "builtins.buffer", "builtins.function", "builtins.module",
      ]),
    InertGroup(
      reason: "computes a value from its arguments",
      paths: [
        "builtins.len", "builtins.max", "builtins.min", "builtins.sum", "builtins.abs", "builtins.all", "builtins.any",
        "builtins.sorted", "builtins.reversed", "builtins.zip", "builtins.enumerate", "builtins.iter", "builtins.next",
        "builtins.print", "builtins.repr", "builtins.hash", "builtins.id", "builtins.ord", "builtins.chr",
        "builtins.unichr", "builtins.hex", "builtins.oct", "builtins.bin", "builtins.isinstance",
        "builtins.issubclass", "builtins.callable", "builtins.round", "builtins.pow", "builtins.divmod",
        "builtins.format", "builtins.ascii", "builtins.map", "builtins.filter", "builtins.reduce", "builtins.hasattr",
        "builtins.getattr", "builtins.dir", "builtins.cmp", "builtins.intern", "math.*", "cmath.*", "operator.*", "statistics.*",
        "itertools.*", "functools.*", "string.*", "struct.*", "binascii.*", "base64.*", "hashlib.*", "zlib.crc32",
        "zlib.decompress", "zlib.compress", "unicodedata.*", "textwrap.*", "calendar.*", "bisect.*", "heapq.*", "colorsys.*", "copy.copy",
        "copy.deepcopy", "numbers.*", "time.struct_time", "time.time", "_strptime.*", "re.escape",
      ]),
    InertGroup(
      reason: "built-in exceptions and classes only hold data", paths: ["builtins.+", "exceptions.+", "concurrent.futures._base.TimeoutError"]),
    InertGroup(
      reason: "containers of the standard library",
      paths: [
        "collections.*", "array.array", "array._array_reconstructor", "types.SimpleNamespace", "types.MappingProxyType",
        "types.GenericAlias", "types.UnionType", "types.NoneType", "types.MethodType", "types.BuiltinFunctionType",
        "types.BuiltinMethodType", "types.EllipsisType", "types.NotImplementedType", "types.ClassType", "types.ObjectType",
        "types.DictType", "types.ListType", "types.StringType", "types.TupleType", "types.IntType", "types.FloatType",
        "types.DynamicClassAttribute", "types.CellType", "types.TypeType", "weakref.ref", "weakref.WeakKeyDictionary", "weakref.WeakValueDictionary",
        "weakref.WeakSet", "queue.Queue", "enum.*", "dataclasses.+", "dataclasses._HAS_DEFAULT_FACTORY_CLASS", "argparse.+", "optparse.Values",
        "contextlib.nullcontext", "graphlib.+", "contextvars.+", "threading.Event", "threading.local",
      ]),
    InertGroup(
      reason: "pickle's own reconstruction helpers",
      paths: [
        "copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__", "copyreg._reduce_ex",
        "copyreg.pickle_complex", "_codecs.encode", "_codecs.decode", "codecs.encode", "codecs.decode",
        "_codecs.latin_1_encode", "_codecs.utf_8_encode", "_codecs.utf_8_decode", "codecs.lookup", "codecs.CodecInfo",
        "codecs.getincrementaldecoder", "pickle.PickleBuffer", "pickle.PicklingError", "pickle.UnpicklingError",
      ]),
    InertGroup(
      reason: "dates, numbers, identifiers, patterns and paths are values",
      paths: [
        "datetime.*", "zoneinfo.+", "zoneinfo.ZoneInfo._unpickle", "pytz.*", "dateutil.tz.*", "dateutil.relativedelta.*", "pendulum.*", "decimal.*",
        "fractions.+", "random.Random", "random.*", "uuid.UUID", "uuid.SafeUUID", "re._compile", "re.compile",
        "re.RegexFlag", "re.Pattern", "re.Match", "ipaddress.*", "pathlib.Path", "pathlib.PosixPath",
        "pathlib.WindowsPath", "pathlib.PurePath", "pathlib.PurePosixPath", "pathlib.PureWindowsPath", "pathlib._local.+",
        "urllib.parse.*", "http.HTTPStatus", "http.HTTPMethod", "http.cookies.+", "signal.Signals", "signal.Handlers",
        "socket.AddressFamily", "socket.SocketKind", "ssl.TLSVersion", "os.PathLike", "os.stat_result",
        "os.terminal_size", "os.fspath", "posix.stat_result", "nt.stat_result", "os.path.join", "posixpath.join",
        "posixpath.*", "ntpath.*", "logging.getLogger", "logging._loggerClass", "logging.Logger", "logging.RootLogger",
        "logging.Formatter", "logging.LogRecord", "logging.NullHandler", "logging.StreamHandler", "logging.PlaceHolder", "io.StringIO", "io.BytesIO", "json.encoder.JSONEncoder",
        "json.decoder.JSONDecoder", "json.JSONEncoder", "json.JSONDecoder", "json.loads", "json.dumps", "email.*", "inspect._empty", "inspect.Signature",
        "inspect.Parameter", "inspect._ParameterKind", "warnings.catch_warnings", "multiprocessing.context.DefaultContext",
        "subprocess.CompletedProcess", "subprocess.CalledProcessError", "subprocess.TimeoutExpired", "subprocess.STARTUPINFO", "locale.*", "gettext.+", "sys.intern",
        "sys.version_info", "sys.float_info", "sys.maxsize", "sys.int_info", "sys.flags", "ast.literal_eval", "ast.+", "xml.etree.ElementTree.Element",
        "configparser.+", "abc.*", "_abc.*", "csv.+", "difflib.+", "platform.uname_result",
      ]),
    InertGroup(
      reason: "type annotations are values",
      paths: ["typing.*", "typing_extensions.*", "types.resolve_bases", "__future__.*"]),
  ]
}
