extension CallableCatalogue {
  /// Callables that return whatever a string names.
  static let resolvers: [DangerGroup] = [
    DangerGroup(
      kind: .resolver, reason: "imports a module or fetches an object by a name given as data",
      paths: [
        "builtins.__import__", "builtins.globals", "builtins.locals", "builtins.vars", "builtins.__dict__",
        "builtins.__build_class__", "importlib.*", "imp.*", "_imp.*", "_frozen_importlib.*",
        "_frozen_importlib_external.*",
        "pkgutil.*", "pydoc.*", "zope.dottedname.*", "werkzeug.utils.import_string", "werkzeug.*",
        "django.utils.module_loading.*", "pyramid.path.*", "twisted.python.reflect.*", "hydra.*",
        "hydra._internal.*",
        "unittest.mock._importer", "transformers.utils.import_utils._LazyModule",
        "transformers.utils.import_utils.*", "logging.config._resolve", "inspect.getmodule", "inspect.unwrap",
        "gc.get_objects",
        "gc.get_referrers", "gc.get_referents", "sys._getframe", "sys._current_frames",
        "inspect.currentframe",
        "inspect.stack", "detectron2.utils.registry.locate", "detectron2.config.instantiate.*",
        "omegaconf._utils.*",
        "torch.distributed.nn.jit.instantiator.*", "torch._utils_internal.*", "torch.utils._import_utils.*",
        "cloudpickle.cloudpickle.subimport", "cloudpickle.cloudpickle._getobject", "cloudpickle.subimport",
        "cloudpickle.cloudpickle.dynamic_subimport", "cloudpickle.cloudpickle._builtin_type",
        "dill._import_module", "dill._get_attr",
        "dill._create_filehandle", "dill._eval_repr", "dill._create_ftype", "test.support.import_helper.*",
        "pickle.whichmodule", "pickle._getattribute", "pickle.Unpickler.find_class",
        "pickle._Unpickler.find_class",
        "xmlrpc.server.resolve_dotted_attribute", "doctest._SpoofOut", "asyncio.mixins.*",
        "mypy_extensions.*",
        "easydict.resolve", "lazy_loader.*", "six.moves.*", "six._import_module", "setuptools.extern.*",
        "apipkg.*",
      ])
  ]
}
