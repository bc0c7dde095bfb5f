/// What calling something does, as far as an attacker is concerned.
package enum DangerClass: String, Sendable, Hashable {
  /// Runs commands or Python text.
  case execution
  /// Returns any object by name, so that the name in the pickle is not the one that is called.
  case resolver
  /// Builds functions from byte code.
  case codeObject
  /// Loads another pickle (or something as powerful).
  case deserialisation
  case network
  case file
  /// Loads machine code.
  case nativeLoad
  /// Changes the interpreter for everybody (`sys.modules`, `builtins`, audit hooks).
  case tampering
  /// Walks from an object to the interpreter's internals (`__globals__`, `__subclasses__` ...).
  case introspection
}

/// What the catalogue knows about one dotted path.
package enum Judgement: Sendable, Hashable {
  case dangerous(DangerClass, reason: String)
  /// Reached through a module that merely imports it: `torch.serialization.os.system`.
  case reexport(DangerClass, of: String)
  case inert(reason: String)
  case unknown
}

/// One group of dangerous paths. `module.*` covers everything in the module and below.
struct DangerGroup: Sendable {
  var kind: DangerClass
  var reason: String
  var paths: [String]
}

/// One group of paths that are harmless to call. `module.*` covers everything in the module and below,
/// `module.+` only names written like classes.
struct InertGroup: Sendable {
  var reason: String
  var paths: [String]
}

/// What is known about the callables that occur in model files, kept as data with the reason of each group.
///
/// An exact entry decides before a wildcard, a longer wildcard before a shorter one, dangerous before inert.
package enum CallableCatalogue {
  static let dangerGroups: [DangerGroup] =
    execution + resolvers + codeObjects + deserialisers + networkCallables + fileCallables + nativeLoaders
    + tampering
  static let inertGroups: [InertGroup] = inertStandardLibrary + inertTorch + inertScientific + inertFrameworks

  private struct Index: Sendable {
    var exactDanger: [String: Int] = [:]
    var exactInert: [String: Int] = [:]
    var wildDanger: [String: Int] = [:]
    var wildInert: [String: Int] = [:]
    var wildClasses: [String: Int] = [:]
  }

  private static let index: Index = {
    var index = Index()
    for (number, group) in dangerGroups.enumerated() {
      for path in group.paths {
        if path.hasSuffix(".*") {
          index.wildDanger[String(path.dropLast(2))] = number
        } else {
          index.exactDanger[path] = number
        }
      }
    }
    for (number, group) in inertGroups.enumerated() {
      for path in group.paths {
        if path.hasSuffix(".*") {
          index.wildInert[String(path.dropLast(2))] = number
        } else if path.hasSuffix(".+") {
          index.wildClasses[String(path.dropLast(2))] = number
        } else {
          index.exactInert[path] = number
        }
      }
    }
    return index
  }()

  /// Modules under several names, mapped to the one the tables use.
  private static let aliases: [String: String] = [
    "__builtin__": "builtins", "__builtins__": "builtins", "_io": "io", "_pyio": "io",
    "_operator": "operator",
    "_functools": "functools", "copy_reg": "copyreg", "cPickle": "pickle", "_pickle": "pickle",
    "_socket": "socket",
    "_collections": "collections", "_datetime": "datetime", "_pydatetime": "datetime", "_decimal": "decimal",
    "_pydecimal": "decimal", "_struct": "struct", "_random": "random", "cStringIO": "io", "StringIO": "io",
    "UserDict": "collections", "Queue": "queue", "httplib": "http.client", "urllib2": "urllib.request",
    "_posixsubprocess": "subprocess", "_winapi": "subprocess", "dill._dill": "dill", "sre_compile": "re",
    "__mp_main__": "__main__", "_signal": "signal", "_ssl": "ssl", "_weakref": "weakref",
    "_heapq": "heapq", "_bisect": "bisect", "_json": "json", "_csv": "csv", "_sqlite3": "sqlite3",
    "_string": "string", "_statistics": "statistics", "_hashlib": "hashlib", "_uuid": "uuid",
    "_ctypes": "ctypes", "_asyncio": "asyncio", "_queue": "queue", "_typing": "typing", "_ast": "ast",
    "_bz2": "bz2", "_lzma": "lzma", "_locale": "locale", "_zoneinfo": "zoneinfo",
    "_contextvars": "contextvars",
    "_multiprocessing": "multiprocessing", "_abcoll": "collections.abc", "_tkinter": "tkinter",
    // Python 2 names, as the reader maps them (Lib/_compat_pickle.py).
    "UserList": "collections", "UserString": "collections", "SocketServer": "socketserver",
    "ConfigParser": "configparser", "repr": "reprlib", "Tkinter": "tkinter", "_winreg": "winreg",
    "thread": "_thread", "dummy_thread": "_thread", "anydbm": "dbm", "dbhash": "dbm", "dumbdbm": "dbm",
    "gdbm": "dbm", "whichdb": "dbm", "xmlrpclib": "xmlrpc.client", "SimpleXMLRPCServer": "xmlrpc.server",
    "DocXMLRPCServer": "xmlrpc.server", "HTMLParser": "html.parser", "htmlentitydefs": "html.entities",
    "Cookie": "http.cookies", "cookielib": "http.cookiejar", "BaseHTTPServer": "http.server",
    "SimpleHTTPServer": "http.server", "CGIHTTPServer": "http.server", "commands": "subprocess",
    "urlparse": "urllib.parse", "robotparser": "urllib.robotparser", "_elementtree": "xml.etree.ElementTree",
  ]

  /// Functions that moved between Python 2 and 3, under the name that the tables use.
  private static let renamed: [String: String] = [
    "builtins.reduce": "functools.reduce", "builtins.xrange": "builtins.range",
    "builtins.unichr": "builtins.chr",
    "builtins.unicode": "builtins.str", "builtins.long": "builtins.int",
    "builtins.basestring": "builtins.str",
    "builtins.raw_input": "builtins.input", "builtins.intern": "sys.intern", "itertools.imap": "builtins.map",
    "itertools.izip": "builtins.zip", "itertools.ifilter": "builtins.filter",
    "itertools.ifilterfalse": "itertools.filterfalse", "itertools.izip_longest": "itertools.zip_longest",
    "collections.IterableUserDict": "collections.UserDict", "urllib.urlopen": "urllib.request.urlopen",
    "urllib.urlretrieve": "urllib.request.urlretrieve", "urllib.quote": "urllib.parse.quote",
    "urllib.unquote": "urllib.parse.unquote", "urllib.urlencode": "urllib.parse.urlencode",
    "builtins.file": "builtins.open",
  ]

  /// The path under the module name that the tables use.
  package static func canonical(_ path: String) -> String {
    var path = path
    if path.hasPrefix("numpy._core") { path = "numpy.core" + path.dropFirst("numpy._core".count) }
    if path.hasPrefix("dill._dill") { return "dill" + path.dropFirst("dill._dill".count) }
    guard let dot = path.firstIndex(of: ".") else { return aliases[path] ?? path }
    if let alias = aliases[String(path[..<dot])] { path = alias + path[dot...] }
    // `operator.__call__` is `operator.call`.
    if path.hasPrefix("operator.__"), path.hasSuffix("__"), path.utf8.count > 13 {
      path = "operator." + path.dropFirst("operator.__".count).dropLast(2)
    }
    return renamed[path] ?? path
  }

  /// Attributes that lead from any object to the interpreter.
  package static let introspectionNames: Set<String> = [
    "__globals__", "__builtins__", "__subclasses__", "__code__", "__closure__", "__loader__", "__spec__",
    "__mro__",
    "__bases__", "__base__", "__self__", "__getattribute__", "__reduce__", "__reduce_ex__",
    "__init_subclass__",
    "__subclasshook__", "__import__", "f_globals", "f_builtins", "f_back", "gi_frame", "tb_frame",
    "func_globals",
    "load_module", "exec_module", "get_data", "create_module",
  ]

  /// Modules whose appearance inside a dotted path means that the path goes through another module's imports.
  private static let reexportRoots: Set<String> = [
    "os", "posix", "nt", "subprocess", "sys", "builtins", "__builtins__", "__builtin__", "shutil", "socket",
    "importlib",
    "ctypes", "runpy", "pty", "pickle", "marshal", "urllib", "webbrowser", "tempfile", "pathlib", "imp",
    "torch",
    "numpy", "np", "pandas", "pd", "joblib", "dill", "cloudpickle", "requests", "asyncio", "threading",
    "pydoc",
    "pkgutil", "timeit", "pdb", "code", "inspect", "gc", "codecs", "operator", "types", "http",
    "multiprocessing", "ssl", "ftplib", "smtplib", "telnetlib", "poplib", "imaplib", "socketserver", "xmlrpc",
    "zipfile", "tarfile", "sqlite3", "shelve", "mmap", "glob", "fileinput", "linecache", "atexit", "bdb",
    "cProfile", "doctest", "httpx", "aiohttp", "urllib3", "httplib", "paramiko", "cffi", "yaml", "fsspec",
    "concurrent", "platform", "gzip", "zipimport", "site", "commands", "signal", "functools", "io",
    "bltn_open",
    "_builtin_open",
  ]

  private static let shorthands: [String: String] = ["np": "numpy", "pd": "pandas"]

  /// Names that mean the same wherever they are found.
  private static let tellingNames: [String: DangerClass] = [
    "system": .execution, "popen": .execution, "Popen": .execution, "check_output": .execution,
    "check_call": .execution, "getoutput": .execution, "getstatusoutput": .execution, "execv": .execution,
    "execve": .execution, "execvp": .execution, "spawnl": .execution, "spawnv": .execution,
    "spawnvp": .execution,
    "posix_spawn": .execution, "eval": .execution, "exec": .execution, "execfile": .execution,
    "runcode": .execution,
    "run_code": .execution, "runstring": .execution, "runsource": .execution, "runctx": .execution,
    "exec_command": .execution, "shell_exec": .execution, "run_command": .execution,
    "execute_command": .execution,
    "__import__": .resolver, "import_module": .resolver, "import_string": .resolver,
    "resolve_name": .resolver,
    "import_from_string": .resolver, "load_module": .resolver, "exec_module": .execution,
    "safe_import": .resolver,
    "load_object": .resolver, "import_object": .resolver, "locate": .resolver,
    "read_pickle": .deserialisation,
    "unpickle": .deserialisation, "load_pickle": .deserialisation, "pickle_load": .deserialisation,
    "urlopen": .network, "urlretrieve": .network, "load_library": .nativeLoad, "dlopen": .nativeLoad,
    "LoadLibrary": .nativeLoad, "bltn_open": .file, "_builtin_open": .file, "open_code": .file,
  ]

  /// Classes of the standard library that other packages import: the package's name says nothing about them.
  private static let tellingClasses: [String: DangerClass] = [
    "Popen": .execution, "ThreadPoolExecutor": .execution, "ProcessPoolExecutor": .execution,
    "InteractiveInterpreter": .execution, "InteractiveConsole": .execution, "Bdb": .execution,
    "Pdb": .execution,
    "SourceFileLoader": .execution, "ExtensionFileLoader": .nativeLoad, "CDLL": .nativeLoad,
    "PyDLL": .nativeLoad, "Unpickler": .deserialisation, "_Unpickler": .deserialisation,
    "CodeType": .codeObject, "FunctionType": .codeObject, "LambdaType": .codeObject, "ModuleType": .tampering,
    "FileIO": .file, "ZipFile": .file, "TarFile": .file, "NamedTemporaryFile": .file, "TemporaryFile": .file,
    "TemporaryDirectory": .file, "SpooledTemporaryFile": .file, "FileHandler": .file,
    "RotatingFileHandler": .file, "TimedRotatingFileHandler": .file, "SocketHandler": .network,
    "HTTPConnection": .network, "HTTPSConnection": .network, "Telnet": .network, "FTP": .network,
    "FTP_TLS": .network, "SMTP": .network, "SMTP_SSL": .network, "IMAP4": .network,
    "IMAP4_stream": .execution,
    "POP3": .network, "ServerProxy": .network, "ThreadingHTTPServer": .network, "HTTPServer": .network,
    "TCPServer": .network,
  ]

  /// What calling `path` (dotted, module and name together) means.
  package static func judge(_ path: String) -> Judgement {
    let path = canonical(path)
    if let group = index.exactDanger[path] { return danger(group) }
    if let group = index.exactInert[path] { return .inert(reason: inertGroups[group].reason) }
    if path.hasSuffix(".__new__") { return judgeConstruction(String(path.dropLast(".__new__".count))) }

    let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if let escape = parts.dropFirst().first(where: introspectionNames.contains) {
      return .dangerous(
        .introspection, reason: "\(escape) leads from an object to the interpreter's internals")
    }
    if let hit = reexport(parts, from: knownPrefix(parts)) { return hit }
    var prefix = parts.dropLast()
    let last = parts.last ?? ""
    let telling = tellingClasses[last]
    while !prefix.isEmpty {
      let module = prefix.joined(separator: ".")
      if let group = index.wildDanger[module] { return danger(group) }
      if telling == nil {
        if let group = index.wildInert[module] { return .inert(reason: inertGroups[group].reason) }
        if let group = index.wildClasses[module], looksLikeClass(last) || last.hasPrefix("__pyx_unpickle_") {
          return .inert(reason: inertGroups[group].reason)
        }
      }
      prefix = prefix.dropLast()
    }
    if let telling { return .reexport(telling, of: last) }
    // The module itself, as when a submodule is named as an attribute.
    if let group = index.wildDanger[path] { return danger(group) }
    if let kind = tellingNames[last] { return .reexport(kind, of: last) }
    return .unknown
  }

  /// What `__new__` alone means: pickle calls it on classes only, so that in the packages whose classes are harmless
  /// the spelling of the name does not matter (`scipy.sparse.csr_matrix`).
  package static func judgeConstruction(_ path: String) -> Judgement {
    let judgement = judge(path)
    guard judgement == .unknown else { return judgement }
    var prefix = canonical(path).split(separator: ".").map(String.init).dropLast()
    while !prefix.isEmpty {
      if let group = index.wildClasses[prefix.joined(separator: ".")] {
        return .inert(reason: inertGroups[group].reason)
      }
      prefix = prefix.dropLast()
    }
    return .unknown
  }

  private static func danger(_ group: Int) -> Judgement {
    .dangerous(dangerGroups[group].kind, reason: dangerGroups[group].reason)
  }

  /// Leading parts that together name something harmless: what follows are attributes of that, not modules.
  private static func knownPrefix(_ parts: [String]) -> Int {
    guard parts.count >= 3 else { return 0 }
    for count in 2..<parts.count where index.exactInert[parts[..<count].joined(separator: ".")] != nil {
      return count
    }
    return 0
  }

  /// A dangerous module inside the path: `torch.serialization.os.system`.
  private static func reexport(_ parts: [String], from known: Int) -> Judgement? {
    guard parts.count >= 2 else { return nil }
    for start in parts.indices.dropFirst(max(1, known)) {
      // `random._os` is `os` under a private name.
      let bare = String(parts[start].drop { $0 == "_" })
      let root = reexportRoots.contains(parts[start]) ? parts[start] : bare
      // `cloudpickle.cloudpickle` is the package's own module.
      guard reexportRoots.contains(root), start > 1 || root != parts[0] else { continue }
      // A class of an unrelated package may live in a submodule of the same name (`mylib.os.Settings`).
      if start == parts.count - 1 {
        return moduleItself(root)
      }
      let module = shorthands[root] ?? root
      let tail = canonical(([module] + parts[(start + 1)...]).joined(separator: "."))
      if let group = index.exactDanger[tail] { return .reexport(dangerGroups[group].kind, of: tail) }
      if index.exactInert[tail] != nil { return nil }
      // `mylib.code.Settings` is a class in a submodule that shares its name with a dangerous module.
      if looksLikeClass(parts[parts.count - 1]), ambiguousRoots.contains(root) { continue }
      var prefix = tail.split(separator: ".").map(String.init).dropLast()
      while !prefix.isEmpty {
        if let group = index.wildDanger[prefix.joined(separator: ".")] {
          return .reexport(dangerGroups[group].kind, of: tail)
        }
        prefix = prefix.dropLast()
      }
    }
    return nil
  }

  private static let ambiguousRoots: Set<String> = [
    "code", "types", "operator", "inspect", "http", "torch", "numpy", "pandas", "joblib", "timeit", "codecs",
    "gc",
    "multiprocessing", "threading", "asyncio", "pickle", "io", "requests", "pathlib", "builtins", "os", "sys",
    "socket", "signal", "io", "platform", "functools", "site", "glob", "concurrent", "gzip", "commands",
  ]

  private static func moduleItself(_ name: String) -> Judgement? {
    ambiguousRoots.contains(name) && name != "os" && name != "sys" && name != "builtins"
      ? nil : index.wildDanger[canonical(name)].map { .reexport(dangerGroups[$0].kind, of: name) }
  }

  /// `CamelCase` or `SVC`, perhaps with leading underscores: how Python packages write class names.
  package static func looksLikeClass(_ name: String) -> Bool {
    let bare = name.utf8.drop { $0 == 0x5F }
    guard let first = bare.first, (0x41...0x5A).contains(first) else { return false }
    return bare.allSatisfy { byte in
      (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
        || byte == 0x5F
    }
  }
}
