extension CallableCatalogue {
  /// What other machine-learning libraries pickle.
  static let inertFrameworks: [InertGroup] = [
    InertGroup(
      reason: "gradient boosting models hold their trees as bytes",
      paths: [
        "xgboost.+", "xgboost.core.Booster", "lightgbm.+", "lightgbm.basic.Booster", "catboost.+",
        "ngboost.+",
        "_catboost.+", "h2o.+",
      ]),
    InertGroup(
      reason: "classes of modelling libraries hold parameters",
      paths: [
        "tensorflow.python.framework.ops.convert_to_tensor", "tensorflow.python.framework.dtypes.as_dtype",
        "tensorflow.python.framework.tensor_conversion.convert_to_tensor",
        "tensorflow.python.ops.resource_variable_ops.ResourceVariable", "statsmodels.+",
        "statsmodels.tsa.statespace._representation.*",
        "statsmodels.tsa.statespace._initialization.*", "statsmodels.tsa.statespace._kalman_filter.*",
        "statsmodels.tsa.statespace._kalman_smoother.*", "statsmodels.tsa.statespace._simulation_smoother.*",
        "statsmodels.tsa.statespace._cfa_simulation_smoother.*",
        "keras.src.saving.keras_saveable.KerasSaveable._unpickle_model", "prophet.+", "pmdarima.+", "arch.+",
        "gensim.+", "nltk.+",
        "spacy.+", "thinc.+",
        "networkx.+", "hmmlearn.+", "umap.+", "hdbscan.+", "pynndescent.+", "lifelines.+",
        "shap.+",
        "lime.+", "surprise.+", "implicit.+", "lightfm.+", "keras.+", "keras.src.+", "tensorflow.+", "jax.+",
        "flax.+", "optax.+",
        "haiku.+", "chex.+", "onnx.+", "mlflow.+", "tpot.+", "autogluon.+", "sktime.+", "tslearn.+",
        "rdkit.+", "dill._dill.DillType",
        "shapely.+", "geopandas.+", "pyproj.+", "PIL.Image.Image", "PIL.PngImagePlugin.PngImageFile",
        "PIL.Image.Resampling", "PIL.+",
        "cvxpy.+", "deap.+", "pgmpy.+", "pomegranate.+", "bson.objectid.ObjectId", "matplotlib.+", "plotly.+",
        "sortedcontainers.+", "frozendict.frozendict",
        "immutabledict.+", "multidict.+", "cachetools.+", "regex._regex_core.*", "regex.regex._compile",
        "regex._compile", "bidict.+", "ordered_set.+", "sympy.+", "patsy.+", "formulaic.+", "sparse.+",
        "skimage.+",
        "cv2.KeyPoint",
      ]),
  ]
}
