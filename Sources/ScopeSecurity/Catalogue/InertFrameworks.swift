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
        "statsmodels.+", "prophet.+", "pmdarima.+", "arch.+", "gensim.+", "gensim.models.*", "nltk.+",
        "nltk.tokenize.punkt.*", "spacy.+", "thinc.+",
        "networkx.+", "hmmlearn.+", "umap.+", "hdbscan.+", "hdbscan.*", "pynndescent.+", "lifelines.+",
        "shap.+",
        "lime.+", "surprise.+", "implicit.+", "lightfm.+", "keras.+", "keras.src.+", "tensorflow.+", "jax.+",
        "flax.+", "optax.*", "optax.+",
        "haiku.+", "chex.+", "onnx.+", "mlflow.+", "tpot.+", "autogluon.+", "sktime.+", "tslearn.+",
        "rdkit.+", "dill._dill.DillType",
        "shapely.+", "geopandas.+", "pyproj.+", "PIL.Image.Image", "PIL.PngImagePlugin.PngImageFile",
        "PIL.Image.Resampling", "PIL.+",
        "cvxpy.+", "deap.+", "pgmpy.+", "pomegranate.+", "bson.objectid.ObjectId", "matplotlib.+", "plotly.+",
        "sortedcontainers.*", "frozendict.frozendict",
        "immutabledict.*", "multidict.*", "cachetools.+", "regex._regex_core.*", "regex.regex._compile",
        "regex._compile", "bidict.+", "ordered_set.+", "sympy.core.+", "sympy.+", "sparse.+", "skimage.+",
        "cv2.KeyPoint",
      ]),
  ]
}
