"""What real libraries write: pickles of the standard library, NumPy, SciPy, pandas, scikit-learn, statsmodels, gradient
boosting, joblib, cloudpickle, dill, skops, PyTorch, torchvision, timm and transformers. Used by
make_malicious_pickles.py; nothing is ever loaded."""
import argparse, array, collections, datetime, decimal, enum, fractions, functools, io, ipaddress, itertools, json, logging
import operator, os, pathlib, pickle, random, re, statistics, string, sys, time, types, typing, urllib.parse, uuid, warnings, zoneinfo

warnings.filterwarnings("ignore")
LIMIT = 9_000  # bytes of one file


class Writer:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)

    def file(self, name, data, limit=LIMIT):
        if len(data) <= limit:
            with open(os.path.join(self.folder, name), "wb") as file:
                file.write(data)
        else:
            print(f"left out, {len(data)} bytes: {name}")

    def pickle(self, name, value, *protocols, limit=LIMIT):
        for protocol in protocols or (4,):
            self.file(f"{name}_{protocol}.pkl", pickle.dumps(value, protocol), limit)

    def joblib(self, name, value, limit=LIMIT, **options):
        import joblib

        out = io.BytesIO()
        joblib.dump(value, out, **options)
        self.file(f"{name}.joblib", out.getvalue(), limit)

    def torch(self, name, value, limit=LIMIT, legacy=False):
        import torch

        out = io.BytesIO()
        torch.save(value, out, _use_new_zipfile_serialization=not legacy)
        self.file(f"{name}.pt", out.getvalue(), limit)


class Shade(enum.Enum):
    RED = "r"


class Right(enum.Flag):
    READ = 1
    WRITE = 2


# A script's own classes lie in __main__.
sys.modules["__main__"].Shade = Shade
Shade.__module__ = "__main__"
Point = collections.namedtuple("Point", "x y")


class Slotted:
    __slots__ = ("a",)


def standard_library(w):
    slotted = Slotted()
    slotted.a = 1
    when = datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    values = {
        "enum": [Shade.RED, Right.READ | Right.WRITE], "named": Point(1, 2), "slots": slotted, "pattern": [re.compile(r"\d+", re.I), re.I | re.M],
        "zone": zoneinfo.ZoneInfo("UTC"), "dates": [when, when.date(), when.time(), datetime.timedelta(1)], "numbers": [decimal.Decimal("1.1"), fractions.Fraction(1, 2), 1j, 1 << 200],
        "uuid": uuid.UUID(int=7), "addresses": [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_address("::1")], "namespace": [types.SimpleNamespace(a=1), argparse.Namespace(lr=1e-3)],
        "paths": [pathlib.PurePosixPath("/a"), pathlib.PosixPath("b"), pathlib.PureWindowsPath("c:/d")], "logging": [logging.getLogger("a.b"), logging.INFO, logging.Formatter("%(message)s")],
        "collections": [collections.OrderedDict(a=1), collections.defaultdict(list, {1: [2]}), collections.Counter("ab"), collections.deque([1], 3), collections.ChainMap({1: 2}), collections.UserDict(a=1)],
        "nested_default": collections.defaultdict(functools.partial(collections.defaultdict, list)), "partial": [functools.partial(int, base=2), functools.partial(max, key=len)],
        "operators": [operator.itemgetter(1, "a"), operator.attrgetter("a.b"), operator.methodcaller("strip")], "builtins": [len, sum, max, print, sorted, map, zip, int, str, dict, type, object, type(None), ..., NotImplemented],
        "methods": [str.lower, dict.fromkeys, "abc".upper, collections.OrderedDict.fromkeys, datetime.datetime.strptime], "exceptions": [ValueError("x"), KeyError(1), OSError(2, "a"), UnicodeDecodeError("utf-8", b"x", 0, 1, "r"), json.JSONDecodeError("m", "d", 0)],
        "urls": urllib.parse.urlparse("http://a/b?c"), "time": time.gmtime(0), "random": random.Random(1), "template": string.Template("$a"), "iterators": [itertools.count(3), iter([1]), enumerate([1]), zip([1], [2]), map(len, ["a"]), itertools.chain([1], [2])],
        "typing": [typing.List[int], typing.Optional[str], typing.Dict[str, int], list[int], int | str, typing.Any], "normal": statistics.NormalDist(0, 1), "array": array.array("d", [1.0]), "text": {"note": "os.system('x')", "code": "eval(compile(x))", "cmd": ["subprocess.Popen", "__import__"]},
        "stopwords": frozenset(["system", "exec", "eval", "os", "import"]), "stat": os.stat_result(range(10)), "binary": [b"\x80\x04.", bytearray(b"cos\nsystem\n"), b"GGUF", b"PK\x03\x04"],
    }
    for name, value in values.items():
        w.pickle(f"std_{name}", value, *((0, 2, 4) if name in ("collections", "enum", "paths", "partial") else (4,)), limit=20_000)
    out = io.BytesIO()
    for value in ({"epoch": 1}, {"epoch": 2}):
        pickle.dump(value, out)
    w.file("two_dumps.pkl", out.getvalue())
    w.file("two_objects.pkl", pickle.dumps([Shade.RED]) + pickle.dumps({"s": Shade.RED}))
    w.file("newline_behind.pkl", pickle.dumps([1, 2]) + b"\n")
    w.file("zeros_behind.pkl", pickle.dumps([1, 2]) + bytes(64))


def numpy_scipy_pandas(w):
    import numpy as np
    import pandas as pd
    import scipy.interpolate, scipy.sparse, scipy.spatial, scipy.stats

    rng = np.random.RandomState(0)
    values = {
        "arrays": [np.arange(3.0), np.asfortranarray(np.ones((2, 2))), np.array(["a", "bb"]), np.array([b"a"]), np.array([{"a": 1}, None], dtype=object), np.array(["2020-01-01"], dtype="M8[D]")],
        "structured": np.zeros(2, dtype=[("a", "i4"), ("b", "U5"), ("c", "f8", (2,))]), "record": np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), "masked": np.ma.array([1, 2], mask=[0, 1]),
        "scalars": [np.float32(1), np.int64(2), np.bool_(True), np.str_("x"), np.datetime64("2020-01-01"), np.timedelta64(3, "s")], "types": [np.float32, np.ndarray, np.dtype("i4,f4")],
        "functions": [np.log1p, np.expm1, np.mean, np.add, np.linalg.norm, np.median], "generator": [np.random.Generator(np.random.PCG64(1)), np.random.SeedSequence(5)], "poly": [np.poly1d([1, 2]), np.polynomial.Chebyshev([1, 2])],
    }
    for name, value in values.items():
        w.pickle(f"numpy_{name}", value, *((2, 4, 5) if name in ("arrays", "structured", "generator") else (4,)))
    x, y = rng.rand(8, 2), np.linspace(0, 1, 8)
    values = {
        "sparse": [scipy.sparse.csr_matrix(np.eye(2)), scipy.sparse.coo_array(np.eye(2)), scipy.sparse.lil_matrix(np.eye(2)), scipy.sparse.dok_matrix(np.eye(2)), scipy.sparse.bsr_matrix(np.eye(2))],
        "kde": scipy.stats.gaussian_kde(x.T), "loguniform": scipy.stats.loguniform(1e-3, 1), "mvn": scipy.stats.multivariate_normal([0, 0]), "interpolate": [scipy.interpolate.interp1d(y, y), scipy.interpolate.CubicSpline(y, y)],
        "tree": [scipy.spatial.cKDTree(x), scipy.spatial.KDTree(x)], "linregress": scipy.stats.linregress(y, y),
    }
    for name, value in values.items():
        w.pickle(f"scipy_{name}", value, limit=30_000)
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": pd.Categorical(["a", "b"]), "d": pd.date_range("2020", periods=2, tz="UTC"), "e": pd.array([1, None], dtype="Int64"), "f": pd.to_timedelta([1, 2], unit="D"), "g": pd.period_range("2020", periods=2, freq="M")})
    values = {
        "frame": frame, "series": frame["a"], "index": [frame.index, pd.MultiIndex.from_tuples([(1, "a")]), pd.interval_range(0, 2), pd.CategoricalIndex(["a"])],
        "times": [pd.Timestamp("2020"), pd.Timestamp("2020", tz="Europe/Berlin"), pd.Timedelta(1, "s"), pd.Period("2020-01"), pd.NaT, pd.NA, pd.offsets.MonthEnd(), pd.offsets.BDay()],
    }
    for name, value in values.items():
        w.pickle(f"pandas_{name}", value, 2, 4, 5)


def estimators(w):
    import joblib, numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.gaussian_process.kernels import RBF, WhiteKernel
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.metrics import get_scorer
    from sklearn.model_selection import GridSearchCV, KFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler
    from sklearn.utils import all_estimators

    rng = np.random.RandomState(0)
    x = np.abs(rng.rand(12, 3))
    classes, targets = np.arange(12) % 2, x[:, 0] * 2 + 1
    for name, kind in all_estimators():
        try:
            estimator = kind()
        except TypeError:
            continue
        for option, value in {"n_estimators": 2, "random_state": 0, "max_iter": 5}.items():
            if option in estimator.get_params():
                estimator.set_params(**{option: value})
        for target in (classes, targets, None):
            try:
                estimator.fit(x, target) if target is not None else estimator.fit(x)
                break
            except Exception:
                continue
        w.pickle(f"sklearn_{name}", estimator, limit=4_500)
    column = ColumnTransformer([("scale", StandardScaler(), [0]), ("log", FunctionTransformer(np.log1p), [1])])
    grid = GridSearchCV(make_pipeline(column, LogisticRegression()), {"logisticregression__C": [1, 2]}, cv=2).fit(x, classes)
    text = TfidfVectorizer(stop_words=["system", "exec"]).fit(["os system exec", "plain words here"])
    w.pickle("sklearn_grid", grid, 2, 5)
    w.pickle("sklearn_text", text)
    w.pickle("sklearn_other", [get_scorer("accuracy"), KFold(3), RBF() + WhiteKernel()])
    w.joblib("sklearn_grid", grid)
    w.joblib("sklearn_text", text)
    w.joblib("sklearn_ridge", Ridge().fit(x, targets))
    content = {"w": np.arange(20.0).reshape(4, 5), "o": np.array(["a", {"b": 1}], dtype=object), "s": np.zeros(3, dtype=[("a", "i4"), ("b", "U3")]), "f": np.asfortranarray(np.ones((3, 2))), "d": np.array(["2020"], dtype="M8[D]"), "e": np.zeros((0, 3)), "u": np.array(["ab", "c"]), "end": [1, "x"]}
    for protocol in range(6):
        w.joblib(f"joblib_{protocol}", content, protocol=protocol)
    import skops.io

    w.file("pipeline.skops", skops.io.dumps(make_pipeline(StandardScaler(), LogisticRegression()).fit(x, classes)), 40_000)
    w.file("values.skops", skops.io.dumps({"a": [1, None, (1, 2)], "s": slice(1, 2), "d": np.dtype("f4"), "r": np.random.RandomState(1), "t": np.float32, "g": operator.attrgetter("a"), "p": functools.partial(np.mean, axis=0)}), 40_000)
    import lightgbm, xgboost

    boosted = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(np.repeat(x, 4, 0), np.repeat(classes, 4))
    w.pickle("lightgbm", boosted)
    w.pickle("lightgbm_booster", boosted.booster_)
    w.pickle("xgboost", xgboost.XGBClassifier(n_estimators=2).fit(x, classes))
    import statsmodels.api as sm

    w.pickle("statsmodels_ols", sm.OLS(targets, sm.add_constant(x)).fit(), limit=20_000)


FUNCTIONS = """
import enum

three = 3


def outer():
    inside = 4

    def local(x):
        return np.log(x) + three + inside

    class Local:
        def __init__(self):
            self.a = 1

        def predict(self, x):
            return x

    class Kind(enum.Enum):
        A = 1

    return local, Local, Kind
"""


def by_value(w):
    import cloudpickle, dill, numpy as np

    names = {"np": np, "__name__": "__main__"}
    # Byte code holds the name of its file.
    exec(compile(FUNCTIONS, "train.py", "exec"), names)
    local, kind, enumeration = names["outer"]()
    w.file("cloudpickle_function.pkl", cloudpickle.dumps(local))
    w.file("cloudpickle_partial.pkl", cloudpickle.dumps(functools.partial(local, 1)))
    w.file("cloudpickle_object.pkl", cloudpickle.dumps(kind()))
    w.file("cloudpickle_enum.pkl", cloudpickle.dumps(enumeration.A))
    w.file("dill_function.pkl", dill.dumps(local, recurse=True))
    w.file("dill_object.pkl", dill.dumps(kind(), recurse=True))
    w.file("dill_values.pkl", dill.dumps({"a": np.arange(3), "m": np}))


def deep_learning(w):
    import torch, torchvision, timm, transformers
    from omegaconf import OmegaConf
    from torch import nn
    from torchvision import transforms

    torch.manual_seed(0)

    def small(model):
        for tensor in [*model.parameters(), *model.buffers()]:
            tensor.data = tensor.data[tuple(slice(0, 1) for _ in tensor.shape)].clone()
        return model

    for name, limit in [("resnet18", 90_000), ("squeezenet1_0", 90_000), ("mobilenet_v3_small", 180_000)]:
        w.torch(f"torchvision_{name}", small(torchvision.models.get_model(name, weights=None)), limit)
    w.torch("timm_vit", small(timm.create_model("vit_tiny_patch16_224", pretrained=False, depth=1)), 60_000)
    layers = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.GELU(), nn.LSTM(2, 2), nn.TransformerEncoderLayer(4, 2, 4), nn.MultiheadAttention(4, 2))
    w.torch("layers", layers, 60_000)
    w.torch("layers_legacy", small(layers), 60_000, legacy=True)
    plain = nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(plain.parameters())
    w.torch("optimizer", optimizer, 20_000)
    w.torch("scheduler", torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, 10), 20_000)
    w.torch("scaler", torch.amp.GradScaler("cpu"), 20_000)
    w.torch("lightning", {
        "epoch": 1, "pytorch-lightning_version": "2.1", "state_dict": plain.state_dict(), "hyper_parameters": OmegaConf.create({"lr": 1e-3, "a": {"b": [1]}}), "callbacks": {"ModelCheckpoint": {"best": torch.tensor(1.0)}},
        "args": argparse.Namespace(p=pathlib.PosixPath("/a")), "d": collections.defaultdict(list), "dev": torch.device("cuda:0"), "dtype": torch.bfloat16, "size": torch.Size([1]), "p": functools.partial(nn.LayerNorm, eps=1e-6), "layout": torch.strided,
    }, 20_000)
    tensors = {
        "bf16": torch.zeros(2, dtype=torch.bfloat16), "f8": torch.zeros(2).to(torch.float8_e4m3fn), "channel": torch.quantize_per_channel(torch.zeros(2, 2), torch.ones(2), torch.zeros(2), 0, torch.qint8), "csr": torch.eye(2).to_sparse_csr(),
        "conj": torch.zeros(2, dtype=torch.complex64).conj(), "meta": torch.zeros(2, device="meta"), "grad": torch.zeros(2, requires_grad=True), "buffer": nn.Buffer(torch.zeros(2)),
    }
    w.torch("tensors", tensors, 30_000)
    w.torch("tensors_legacy", {k: v for k, v in tensors.items() if k != "meta"}, 30_000, legacy=True)
    w.torch("dynamic_quantized", torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), {nn.Linear}), 30_000)
    w.torch("transforms", transforms.Compose([transforms.Resize(3), transforms.ToTensor(), transforms.Normalize([0.5], [0.5]), transforms.RandomHorizontalFlip()]), 20_000)
    w.torch("dataset", torch.utils.data.Subset(torch.utils.data.TensorDataset(torch.zeros(2, 2)), [0]), 20_000)
    w.torch("distribution", [torch.distributions.Normal(0.0, 1.0), torch.nn.utils.rnn.pack_sequence([torch.zeros(2)])], 20_000)
    w.torch("averaged", torch.optim.swa_utils.AveragedModel(plain), 30_000)
    w.torch("bert_config", [transformers.BertConfig(), transformers.GenerationConfig(), transformers.AddedToken("x")], 20_000)
    w.torch("bert", transformers.BertModel(transformers.BertConfig(hidden_size=4, num_hidden_layers=1, num_attention_heads=1, intermediate_size=4, vocab_size=4, max_position_embeddings=4)), 90_000)
    w.pickle("tensor_in_pickle", {"w": torch.zeros(2), "m": plain}, 2, 4)
    out = io.BytesIO()
    with torch.package.PackageExporter(out) as package:
        package.extern("torch.**")
        package.save_source_string("mymod", "import torch\n\n\nclass A(torch.nn.Module):\n  def forward(self, x):  # os.system()\n    return torch.relu(x.eval())\n")
        package.save_pickle("model", "m.pkl", plain)
    w.file("package.pt", out.getvalue(), 30_000)
    out = io.BytesIO()
    torch.jit.save(torch.jit.script(nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())), out)
    w.file("torchscript.pt", out.getvalue(), 30_000)


def other_packages(w):
    """Packages that are not installed, written as they write: a class made by NEWOBJ with a dict as its state."""
    from pickle_assembler import build, call, dct, g, new, num, p, sg, t, u

    for module, name in [
        ("ultralytics.nn.tasks", "DetectionModel"), ("ultralytics.nn.modules.conv", "Conv"), ("ultralytics.utils", "IterableSimpleNamespace"), ("models.common", "C3"), ("models.yolo", "Detect"),
        ("lightning.pytorch.callbacks.model_checkpoint", "ModelCheckpoint"), ("fairseq.dataclass.configs", "FairseqConfig"), ("catboost.core", "CatBoostClassifier"), ("gensim.models.word2vec", "Word2Vec"), ("imblearn.over_sampling._smote.base", "SMOTE"),
        ("stable_baselines3.ppo.ppo", "PPO"), ("torch_geometric.nn.conv.gcn_conv", "GCNConv"), ("mmengine.config.config", "ConfigDict"), ("detectron2.config.config", "CfgNode"), ("segmentation_models_pytorch.decoders.unet.model", "Unet"),
        ("accelerate.state", "PartialState"), ("peft.tuners.lora.config", "LoraConfig"), ("diffusers.configuration_utils", "FrozenDict"), ("sentence_transformers.SentenceTransformer", "SentenceTransformer"), ("spacy.vocab", "Vocab"), ("mymodels.net", "MyNet"), ("__main__", "Net"),
    ]:
        w.file(f"class_{module}.{name}.pkl", p(build(new(sg(module, name)), dct(training=b"\x89", stride=num(8))), 4))
    w.file("keras.pkl", p(call(sg("collections", "OrderedDict")) + b"0" + build(new(sg("keras.src.models.sequential", "Sequential")), dct(name=u("m"))), 4))


def stable_baselines(w):
    """The zip of Stable-Baselines3: settings as JSON, what JSON cannot hold as base64 of cloudpickle."""
    import base64, zipfile
    from collections import OrderedDict

    import cloudpickle, numpy as np

    names = {"np": np, "__name__": "__main__"}
    exec(compile(FUNCTIONS, "train.py", "exec"), names)
    values = {"policy_class": OrderedDict, "lr_schedule": names["outer"]()[0], "observation_space": np.zeros(2)}
    data = {k: {":type:": str(type(v)), ":serialized:": base64.b64encode(cloudpickle.dumps(v)).decode()} for k, v in values.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("data", (2020, 1, 1, 0, 0, 0)), json.dumps({**data, "n_envs": 1}))
        archive.writestr(zipfile.ZipInfo("_stable_baselines3_version", (2020, 1, 1, 0, 0, 0)), "2.3.0")
    w.file("stable_baselines.zip", out.getvalue())


def write(folder):
    w = Writer(folder)
    for part in (standard_library, numpy_scipy_pandas, estimators, by_value, deep_learning, other_packages, stable_baselines):
        part(w)
