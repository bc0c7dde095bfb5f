"""Writes small models of the formats that are described but not executed, and what independent readers say of them.
Run: KERAS_BACKEND=torch python make_described.py (needs gguf, keras, h5py, ai-edge-litert, transformers, safetensors)."""

import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "torch")
import numpy as np

OUT = pathlib.Path(__file__).parent / "described"
OUT.mkdir(exist_ok=True)
FACTS = {}


def gguf_file():
    import gguf

    writer = gguf.GGUFWriter(OUT / "tiny.gguf", "llama")
    writer.add_name("tiny")
    writer.add_block_count(2)
    writer.add_context_length(128)
    writer.add_embedding_length(256)
    writer.add_head_count(8)
    writer.add_head_count_kv(2)
    writer.add_file_type(15)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([f"token{i}" for i in range(32)])
    rng = np.random.default_rng(0)
    writer.add_tensor("token_embd.weight", rng.standard_normal((32, 256)).astype(np.float32))
    for layer in range(2):
        writer.add_tensor(f"blk.{layer}.attn_norm.weight", np.ones(256, np.float32))
        for name, kind in (("attn_q", "Q8_0"), ("attn_k", "Q4_K"), ("ffn_up", "Q6_K")):
            kind = gguf.GGMLQuantizationType[kind]
            block, size = gguf.GGML_QUANT_SIZES[kind]
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.zeros((64, 256 // block * size), np.uint8), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    reader = gguf.GGUFReader(OUT / "tiny.gguf")
    FACTS["tiny.gguf"] = {"tensors": [
        {"name": t.name, "type": t.tensor_type.name, "shape": [int(x) for x in reversed(t.shape)],
         "elements": int(t.n_elements), "bytes": int(t.n_bytes)} for t in reader.tensors]}


def keras_files():
    import h5py
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    inner = keras.Sequential([layers.Input((4,)), layers.Dense(3, name="inside", trainable=False), layers.Dropout(0.1)], name="inner")
    x = image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, name="stem")(x)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    model = keras.Model(image, layers.Dense(2, name="head")(inner(x)), name="tiny")
    model.compile("adam", "mse")
    model.fit(np.zeros((2, 8, 8, 3)), np.zeros((2, 2)), verbose=0)
    count = lambda variables: int(sum(np.prod(v.shape) for v in variables))
    # Moving statistics are no parameters by PyTorch's convention; frozen kernels are.
    statistics = [v for v in model.non_trainable_weights if "moving" in v.path]
    facts = {"parameters": count(model.weights) - count(statistics), "trainable": count(model.trainable_weights),
             "buffers": count(statistics), "names": sorted(v.path.replace("/", ".") for v in model.weights)}
    for name in ("tiny.keras", "tiny.h5", "tiny.weights.h5"):
        model.save_weights(OUT / name) if "weights" in name else model.save(OUT / name)
        FACTS[name] = facts
    # Groups of the newer kind, with more links and attributes than an object header holds.
    with h5py.File(OUT / "dense.h5", "w", libver="latest") as file:
        file.attrs["layer_names"] = ["many"]
        group = file.create_group("many")
        group.attrs["long"] = "x" * 70000
        for i in range(40):
            group.attrs[f"attribute{i}"] = f"value {i}"
            group.create_dataset(f"weight{i}", data=np.zeros((i + 1, 2), np.float32))
        file["outside"] = h5py.ExternalLink("other.h5", "/secret")
        file["loop"] = h5py.SoftLink("/many")
        group["cycle"] = file["/"]
    FACTS["dense.h5"] = {"datasets": {f"many/weight{i}": [i + 1, 2] for i in range(40)}}


def tflite_file():
    import flatbuffers
    from ai_edge_litert import schema_py_generated as s
    from ai_edge_litert.interpreter import Interpreter

    def tensor(name, shape, buffer=0, kind=s.TensorType.FLOAT32):
        t = s.TensorT()
        t.name, t.shape, t.buffer, t.type = name, shape, buffer, kind
        return t

    def data(array):
        b = s.BufferT()
        b.data = np.frombuffer(array.tobytes(), np.uint8)
        return b

    def code(number):
        c = s.OperatorCodeT()
        c.builtinCode, c.deprecatedBuiltinCode, c.version = number, min(number, 127), 1
        return c

    def node(index, inputs, outputs, kind, options):
        o = s.OperatorT()
        o.opcodeIndex, o.inputs, o.outputs, o.builtinOptionsType, o.builtinOptions = index, inputs, outputs, kind, options
        return o

    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(x).astype(np.float32) for x in ((4, 3, 3, 3), (4,), (1, 3, 3, 4), (4,), (2, 144), (2,))]
    graph = s.SubGraphT()
    graph.tensors = [
        tensor("image", [1, 8, 8, 3]), tensor("stem/kernel", [4, 3, 3, 3], 1), tensor("stem/bias", [4], 2),
        tensor("stem/out", [1, 6, 6, 4]), tensor("deep/kernel", [1, 3, 3, 4], 3), tensor("deep/bias", [4], 4),
        tensor("deep/out", [1, 6, 6, 4]), tensor("shape", [2], 7, s.TensorType.INT32), tensor("flat", [1, 144]),
        tensor("head/kernel", [2, 144], 5), tensor("head/bias", [2], 6), tensor("logits", [1, 2])]
    graph.inputs, graph.outputs = [0], [11]
    conv, deep, reshape, full = s.Conv2DOptionsT(), s.DepthwiseConv2DOptionsT(), s.ReshapeOptionsT(), s.FullyConnectedOptionsT()
    conv.padding, conv.strideW, conv.strideH, conv.dilationWFactor, conv.dilationHFactor = s.Padding.VALID, 1, 1, 1, 1
    deep.padding, deep.strideW, deep.strideH, deep.depthMultiplier, deep.dilationWFactor, deep.dilationHFactor = s.Padding.SAME, 1, 1, 1, 1, 1
    graph.operators = [
        node(0, [0, 1, 2], [3], s.BuiltinOptions.Conv2DOptions, conv),
        node(1, [3, 4, 5], [6], s.BuiltinOptions.DepthwiseConv2DOptions, deep),
        node(2, [6, 7], [8], s.BuiltinOptions.ReshapeOptions, reshape),
        node(3, [8, 9, 10], [11], s.BuiltinOptions.FullyConnectedOptions, full)]
    model = s.ModelT()
    model.version, model.description = 3, "tiny"
    model.operatorCodes = [code(3), code(4), code(22), code(9)]
    model.subgraphs = [graph]
    model.buffers = [s.BufferT(), *map(data, arrays), data(np.array([1, 144], np.int32)), data(np.frombuffer(b"1.14.0\0", np.uint8))]
    entry = s.MetadataT()
    entry.name, entry.buffer = "min_runtime_version", 8
    model.metadata = [entry]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    (OUT / "tiny.tflite").write_bytes(bytes(builder.Output()))
    interpreter = Interpreter(str(OUT / "tiny.tflite"))
    interpreter.allocate_tensors()
    interpreter.invoke()
    details = interpreter.get_tensor_details()
    shapes = {d["name"]: [int(x) for x in d["shape"]] for d in details}
    product = lambda *x: int(np.prod(x))
    FACTS["tiny.tflite"] = {
        "parameters": sum(a.size for a in arrays), "constants": 2,
        "macs": product(*shapes["stem/out"], 27) + product(*shapes["deep/out"], 9) + product(*shapes["logits"], 144),
        "inputs": [d["name"] for d in interpreter.get_input_details()],
        "outputs": [d["name"] for d in interpreter.get_output_details()]}


def language_models():
    """Key-value caches as transformers fills them, and the configurations they come from."""
    import torch
    import transformers

    sizes = dict(hidden_size=64, num_hidden_layers=4, num_attention_heads=4, vocab_size=128, intermediate_size=96)
    cases = {
        "llama": dict(sizes, num_key_value_heads=2), "qwen3": dict(sizes, num_key_value_heads=2, head_dim=32),
        "mistral": dict(sizes, num_key_value_heads=1, sliding_window=None),
        "gemma2": dict(sizes, num_key_value_heads=2, head_dim=16), "phi": sizes, "gpt_neox": sizes,
        "gpt2": dict(n_embd=64, n_layer=3, n_head=4, vocab_size=128), "opt": dict(sizes, ffn_dim=96, word_embed_proj_dim=64),
        "bloom": dict(hidden_size=64, n_layer=3, n_head=4, vocab_size=128),
        "falcon": dict(hidden_size=64, num_hidden_layers=3, num_attention_heads=4, vocab_size=128),
        "mixtral": dict(sizes, num_key_value_heads=2, num_local_experts=4, num_experts_per_tok=2),
        "gpt_bigcode": dict(n_embd=64, n_layer=3, n_head=4, vocab_size=128),
    }
    facts = {}
    for kind, options in cases.items():
        config = transformers.CONFIG_MAPPING[kind](**options)
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(config).eval()
        with torch.no_grad():
            cache = model(torch.zeros(1, 7, dtype=torch.long), use_cache=True).past_key_values
        elements = sum(layer.keys.numel() + layer.values.numel() for layer in cache.layers)
        config.architectures = [type(model).__name__]
        facts[kind] = {"config": json.loads(config.to_json_string(use_diff=True)), "elementsPerToken": elements // 7,
                       "parameters": sum(p.numel() for p in model.parameters())}
    for kind in ("llama", "mixtral"):
        options = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=32,
                       intermediate_size=24, max_position_embeddings=64)
        if kind == "mixtral":
            options |= dict(num_local_experts=4, num_experts_per_tok=2)
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(transformers.CONFIG_MAPPING[kind](**options))
        model.save_pretrained(OUT / kind, max_shard_size="8KB" if kind == "llama" else "1GB")
        (OUT / kind / "generation_config.json").unlink(missing_ok=True)
        for file in (OUT / kind).iterdir():
            file.chmod(0o644)
        FACTS[kind] = {"parameters": sum(p.numel() for p in model.parameters())}
    (OUT / "decoders.json").write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    gguf_file()
    keras_files()
    tflite_file()
    language_models()
    (OUT / "facts.json").write_text(json.dumps(FACTS, indent=1))
