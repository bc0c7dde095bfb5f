extension CallableCatalogue {
  /// Callables that change the interpreter for everybody.
  static let tampering: [DangerGroup] = [
    DangerGroup(
      kind: .tampering, reason: "changes the interpreter itself",
      paths: [
        "sys.*", "builtins.setattr", "builtins.delattr", "builtins.object.__setattr__",
        "builtins.object.__delattr__",
        "builtins.type.__setattr__", "gc.*", "site.*", "sysconfig.*", "_sysconfigdata.*",
        "warnings.simplefilter", "warnings.filterwarnings",
        "codecs.register", "codecs.register_error", "codecs.unregister", "_codecs.register",
        "_codecs.register_error",
        "copyreg.pickle", "copyreg.constructor", "copyreg.add_extension", "copyreg.remove_extension",
        "abc.ABCMeta.register", "forge.*", "weakref.finalize", "inspect.getsource", "dis.*", "tracemalloc.*",
        "sys.modules", "functools.update_wrapper", "functools.wraps", "functools.total_ordering",
        "builtins.super.__setattr__", "types.ModuleType.__setattr__", "signal.*", "warnings.*",
        "types.ModuleType", "contextlib.ExitStack", "contextlib.ExitStack.callback", "unittest.mock.*",
        "mock.*",
        "wrapt.*", "torch.serialization.add_safe_globals", "torch.serialization.clear_safe_globals",
        "torch.overrides.*", "torch.utils._python_dispatch.*", "torch.library.*", "torch.autograd.graph.*",
      ])
  ]
}
