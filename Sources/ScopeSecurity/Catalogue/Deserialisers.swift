extension CallableCatalogue {
  /// Callables that load another pickle, or something as powerful.
  static let deserialisers: [DangerGroup] = [
    DangerGroup(
      kind: .deserialisation, reason: "loads another serialised object, outside what this scan sees",
      paths: [
        "pickle.*", "copyreg.__reduce_ex__", "dill.load", "dill.loads", "dill.load_session",
        "dill.load_module", "dill.Unpickler",
        "cloudpickle.load", "cloudpickle.loads", "cloudpickle.cloudpickle.loads", "shelve.*", "dbm.*",
        "joblib.load",
        "joblib.numpy_pickle.*", "joblib.numpy_pickle_compat.*", "joblib.memory.*",
        "joblib._store_backends.*",
        "numpy.load", "numpy.lib.npyio.load", "numpy.lib._npyio_impl.load", "numpy.lib.format.read_array",
        "numpy.lib.npyio.NpzFile", "numpy.core._methods._load", "numpy.core.multiarray._load", "numpy.loads",
        "numpy.lib.format.*", "numpy.lib._format_impl.*", "pandas.read_pickle", "pandas.io.pickle.*",
        "pandas.compat.pickle_compat.*", "torch.load", "torch.serialization.*", "torch.hub.load",
        "torch.jit.load",
        "torch.jit._serialization.*", "torch._C._load_for_lite_interpreter",
        "torch._weights_only_unpickler.*",
        "torch.distributed.checkpoint.*", "torch.distributed.distributed_c10d._tensor_to_object",
        "torch.distributed._shard.checkpoint.*", "torch.export.load", "torch.export._unlift.*",
        "torch._export.serde.*", "torch.utils.serialization.*", "sklearn.externals.joblib.*",
        "sklearn.datasets._base.*", "scipy.io.loadmat", "jsonpickle.*", "srsly.*", "klepto.*",
        "compress_pickle.*",
        "hickle.*", "skops.io.*", "keras.models.load_model", "tensorflow.keras.models.load_model",
        "xgboost.Booster.load_model",
        "multiprocessing.connection.*", "multiprocessing.reduction.*", "multiprocessing.managers.*",
        "pyarrow.deserialize",
        "pyarrow.serialization.*", "redis.*", "diskcache.*", "gensim.utils.unpickle", "nltk.data.load",
        "copy._reconstruct", "plistlib.*", "xml.*", "lxml.*", "logging.handlers.SocketHandler",
        "transformers.AutoModel.from_pretrained", "transformers.pipeline", "transformers.pipelines.*",
        "lightning.fabric.utilities.cloud_io.*",
        "ultralytics.nn.tasks.torch_safe_load", "ultralytics.nn.tasks.attempt_load_weights",
        "ultralytics.nn.tasks.attempt_load_one_weight", "fastai.learner.load_learner",
        "torchvision.datasets.utils.*",
      ])
  ]
}
