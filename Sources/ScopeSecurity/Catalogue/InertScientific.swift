extension CallableCatalogue {
  /// What NumPy, SciPy, pandas and scikit-learn pickle.
  static let inertScientific: [InertGroup] = [
    InertGroup(
      reason: "NumPy writes these to rebuild arrays, scalars, types and generators",
      paths: [
        "numpy.core.multiarray._reconstruct", "numpy.core.multiarray.scalar", "numpy.core.numeric._frombuffer",
        "numpy.core.multiarray.array", "numpy.core.multiarray.frombuffer", "numpy.core.numeric._cast", "numpy.core._internal._convert_to_stringdtype_kwargs",
        "numpy.core._internal._reconstruct", "numpy.core._multiarray_umath._reconstruct", "numpy.core._multiarray_umath.scalar", "numpy.ndarray",
        "numpy.dtype", "numpy.array", "numpy.asarray", "numpy.matrix", "numpy.recarray", "numpy.record", "numpy.generic",
        "numpy.matrixlib.defmatrix.matrix", "numpy.core.records.recarray", "numpy.core.records.record",
        "numpy.rec.recarray", "numpy.rec.record", "numpy.ma.core._mareconstruct", "numpy.ma.core.MaskedArray", "numpy.ma.+",
        "numpy.ma.core.*", "numpy.random._pickle.__randomstate_ctor", "numpy.random._pickle.__bit_generator_ctor",
        "numpy.random._pickle.__generator_ctor", "numpy.random.*", "numpy.bool_", "numpy.bool", "numpy.int8", "numpy.int16",
        "numpy.int32", "numpy.int64", "numpy.uint8", "numpy.uint16", "numpy.uint32", "numpy.uint64", "numpy.float16",
        "numpy.float32", "numpy.float64", "numpy.longdouble", "numpy.complex64", "numpy.complex128", "numpy.str_",
        "numpy.bytes_", "numpy.void", "numpy.object_", "numpy.datetime64", "numpy.timedelta64", "numpy.int_", "numpy.intc",
        "numpy.float_", "numpy.longlong", "numpy.ulonglong", "numpy.string_", "numpy.unicode_", "numpy.ufunc", "numpy.nan",
        "numpy.poly1d", "numpy.polynomial.*", "numpy.lib.polynomial.poly1d", "numpy.lib._polynomial_impl.poly1d",
        "numpy.dtypes.*", "numpy.linalg.*", "numpy.fft.*", "numpy.zeros", "numpy.ones", "numpy.empty", "numpy.arange",
        "numpy.mean", "numpy.sum", "numpy.max", "numpy.min", "numpy.median", "numpy.std", "numpy.var", "numpy.log",
        "numpy.exp", "numpy.sqrt", "numpy.log1p", "numpy.expm1", "numpy.abs", "numpy.power", "numpy.square", "numpy.tanh", "numpy.argmax", "numpy.argmin", "numpy.prod",
        "numpy.sin", "numpy.cos", "numpy.maximum", "numpy.minimum", "numpy.add", "numpy.multiply", "numpy.nanmean", "numpy.clip", "numpy.+", "numpy.core.+",
        "joblib.numpy_pickle.NumpyArrayWrapper", "joblib.numpy_pickle.NDArrayWrapper", "joblib.numpy_pickle_compat.NDArrayWrapper",
        "ml_dtypes.*", "jax._src.array._reconstruct_array", "jaxlib.*",
      ]),
    InertGroup(
      reason: "scikit-learn estimators, trees, kernels and losses",
      paths: [
        "sklearn.+", "sklearn.tree._tree.Tree", "sklearn.neighbors._kd_tree.newObj",
        "sklearn.neighbors._ball_tree.newObj", "sklearn.neighbors._kd_tree.*", "sklearn.neighbors._ball_tree.*",
        "sklearn.neighbors.kd_tree.*", "sklearn.neighbors.ball_tree.*", "sklearn.metrics._dist_metrics.*",
        "sklearn.neighbors._dist_metrics.*", "sklearn.neighbors.dist_metrics.*", "sklearn.metrics.*", "sklearn._loss.*",
        "sklearn.linear_model._sgd_fast.*", "sklearn.ensemble._gb_losses.*", "sklearn.ensemble._hist_gradient_boosting.*",
        "sklearn.utils._bunch.Bunch", "sklearn.utils.Bunch", "sklearn.preprocessing.*", "sklearn.feature_selection.*",
        "sklearn.feature_extraction.*", "sklearn.gaussian_process.*", "sklearn.utils.deprecation.*",
        "sklearn.utils._random.*", "sklearn.compose.*", "sklearn.utils._weight_vector.*", "imblearn.+", "category_encoders.+", "sklearn_pandas.+", "skopt.+", "skops.+",
      ]),
    InertGroup(
      reason: "SciPy matrices, distributions, interpolators and spatial trees",
      paths: [
        "scipy.+", "scipy.sparse.*", "scipy.stats.*", "scipy.interpolate.*", "scipy.spatial.*", "scipy.special.*",
        "scipy.optimize.*", "scipy.signal.*", "scipy.linalg.*",
      ]),
    InertGroup(
      reason: "pandas frames, indexes, blocks, offsets and time stamps",
      paths: [
        "pandas.+", "pandas.core.internals.*", "pandas._libs.internals.*", "pandas.core.indexes.*", "pandas._libs.*",
        "pandas.core.arrays.*", "pandas.core.dtypes.*", "pandas.core.indexing.*", "pandas.tseries.*", "pandas._libs.tslibs.*",
        "pandas.core.series.Series", "pandas.core.frame.DataFrame", "pandas.indexes.base._new_Index", "pandas.tslib.*",
        "pandas.compat.*", "pandas.core.index.*", "pandas.core.strings.*", "pyarrow.lib.*", "polars.*",
      ]),
  ]
}
