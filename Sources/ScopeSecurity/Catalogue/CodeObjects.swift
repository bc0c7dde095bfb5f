extension CallableCatalogue {
  /// Callables that build functions from byte code.
  static let codeObjects: [DangerGroup] = [
    DangerGroup(
      kind: .codeObject, reason: "builds or loads Python byte code",
      paths: [
        "types.CodeType", "types.FunctionType", "types.LambdaType", "types.CoroutineType", "types.new_class",
        "new.code", "new.function", "new.classobj", "marshal.*", "cloudpickle.*", "dill.*",
        "pyspark.cloudpickle.*", "joblib.externals.cloudpickle.*",
        "joblib.externals.loky.cloudpickle_wrapper.*",
        "ray.cloudpickle.*", "pyspark.serializers.*", "bytecode.*", "codetransformer.*",
        "_xxsubinterpreters.*",
        "_interpreters.*", "interpreters.*", "_testcapi.*", "_testinternalcapi.*",
      ])
  ]
}
