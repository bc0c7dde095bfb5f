/// Which modules a Keras configuration may name, and which names in them are gadgets.
enum KerasModules {
  /// Keras and the packages that are Keras under another name.
  static let own: Set<String> = [
    "keras", "tf_keras", "keras_core", "keras_nlp", "keras_hub", "keras_cv", "keras_rs",
  ]

  /// Packages whose layers occur in published models. They are imported by name, so they have to be installed.
  static let known: Set<String> = [
    "tensorflow_addons", "tensorflow_hub", "tensorflow_probability", "tensorflow_text", "tensorflow_models",
    "official",
    "transformers", "keras_contrib", "tensorflow_decision_forests", "tensorflow_recommenders",
    "tensorflow_ranking",
    "tensorflow_model_optimization", "qkeras", "larq", "spektral", "deepctr", "keras_tuner", "kerastuner",
    "keras_bert",
    "keras_applications", "keras_preprocessing", "segmentation_models", "efficientnet", "vit_keras",
    "classification_models", "keras_unet_collection", "keras_self_attention", "keras_multi_head",
    "keras_layer_normalization", "keras_position_wise_feed_forward", "keras_pos_embd", "keras_embed_sim",
    "keras_transformer", "stellargraph", "bayesflow", "kgcnn", "autokeras", "tcn", "tensorflow_similarity",
    "keras_retinanet", "mrcnn", "tensorflow_lattice", "tensorflow_gnn", "tensorflow_compression",
    "tensorflow_graphics",
    "nobuco", "onnx2keras", "keras_resnet", "attention", "crf", "tf2crf", "kapre", "mltu", "deeplabcut",
    "stardist",
    "csbdeep", "cellpose", "basic_pitch", "spleeter", "silence_tensorflow",
  ]

  static func root(_ module: String) -> String {
    String(module.prefix { $0 != "." })
  }

  static func isFramework(_ module: String) -> Bool {
    let root = root(module)
    return own.contains(root) || root == "tensorflow"
  }

  /// Functions and classes of Keras and TensorFlow that fetch, read, write, load or execute when they are called.
  static let gadgets: Set<String> = [
    "get_file", "load_model", "save_model", "load_weights", "save_weights", "load_img", "save_img",
    "plot_model",
    "model_to_dot", "text_dataset_from_directory", "image_dataset_from_directory",
    "audio_dataset_from_directory",
    "func_load", "func_dump", "deserialize_keras_object", "model_from_json",
    "model_from_yaml", "model_from_config", "extract_archive", "download", "exists", "File", "makedirs",
    "TFSMLayer",
    "LambdaCallback", "RemoteMonitor", "ModelCheckpoint", "CSVLogger", "BackupAndRestore", "TensorBoard",
    "ExportArchive", "export_saved_model", "run_script", "LazyModule", "py_function", "numpy_function",
    "py_func", "load_op_library", "load_library", "load_file_system_library",
    "read_file", "write_file", "matching_files", "gfile", "GFile", "TFRecordWriter",
    "TFRecordDataset",
    "TextLineDataset", "load_pretrained", "from_preset", "upload_preset", "snapshot_download",
    "hf_hub_download",
    "urlretrieve", "urlopen", "import_module", "is_remote_path", "fetch", "_extract_archive", "unpack",
    "ZipFile",
    "H5IOStore", "DiskIOStore",
  ]

  /// Modules in which a function is ordinary.
  private static let functionModules = [
    "activations", "losses", "metrics", "initializers", "regularizers", "constraints", "ops", "random",
    "applications",
    "optimizers", "layers", "nn", "math", "image", "signal", "linalg", "strings", "audio", "preprocessing",
    "tree",
    "quantizers", "ragged", "sparse", "sets", "experimental", "visualization", "backend", "keras", "src",
    "v2",
    "api", "_tf_keras", "python", "framework", "array_ops", "math_ops", "nn_ops", "numpy", "core", "legacy",
    "common",
  ]

  /// Whether a function of a framework's module is an activation, loss and the like: every part of the module's path is
  /// on the list, or the function's file is.
  static func isOrdinaryFunction(_ module: String) -> Bool {
    let parts = module.split(separator: ".").dropFirst().map(String.init)
    guard let first = parts.first(where: { $0 != "src" && $0 != "keras" && $0 != "python" && $0 != "api" })
    else {
      return parts.contains("keras") || parts.isEmpty
    }
    return functionModules.contains(first)
  }

  /// Functions of TFOpLambda layers that reach outside the model.
  static func isDangerousOperation(_ name: String) -> Bool {
    let parts = name.split(separator: ".").map(String.init)
    if parts.contains(where: {
      [
        "gfile", "raw_ops", "saved_model", "load_op_library", "load_library", "py_function", "numpy_function",
        "py_func",
      ].contains($0)
    }) {
      return true
    }
    guard let last = parts.last else { return false }
    if gadgets.contains(last) || last.hasPrefix("read_file") || last.hasPrefix("write_") { return true }
    switch CallableCatalogue.judge(name) {
    case .dangerous, .reexport: return !name.hasPrefix("__operators__")
    case .inert, .unknown: return false
    }
  }
}
