#!/usr/bin/env python3
"""Exports ordinary models with random weights, small where the architecture allows, for the false-alarm check of the
graph rules: detection, language, speech, recurrent, quantized and scikit-learn models by both PyTorch exporters.

    python Tests/Fixtures/export_benign.py FOLDER        # then: neural-scope security FOLDER

Needs torch, torchvision, transformers, onnx, onnxruntime; skl2onnx, scikit-learn if installed. What cannot be
exported is reported and left out.
"""
import os, sys, traceback, warnings

warnings.filterwarnings("ignore")
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(0)
OUT = sys.argv[1]
ONLY = sys.argv[2:]
os.makedirs(OUT, exist_ok=True)
done, failed = [], []


def export(name, make, arguments, dynamo=(False, True), **options):
    for new in dynamo:
        label = f"{name}{'_dynamo' if new else ''}"
        path = os.path.join(OUT, f"{label}.onnx")
        if ONLY and not any(o in label for o in ONLY):
            continue
        if os.path.exists(path):
            continue
        try:
            model = make().eval()
            kwargs = dict(options)
            if new:
                kwargs.pop("dynamic_axes", None)
            with torch.no_grad():
                torch.onnx.export(model, arguments, path, dynamo=new, opset_version=18, **({"external_data": False} if new else {}), **kwargs)
            done.append(label)
            print("ok", label, flush=True)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            failed.append(label)
            print("FAILED", label, type(error).__name__, str(error)[:150].replace("\n", " "), flush=True)
            if os.path.exists(path):
                os.remove(path)


class First(nn.Module):
    """A transformers model that takes positional tensors and returns tensors only."""

    def __init__(self, model, names, pick=None):
        super().__init__()
        self.model, self.names, self.pick = model, names, pick

    def forward(self, *tensors):
        out = self.model(**dict(zip(self.names, tensors)), return_dict=True)
        return out[self.pick] if self.pick else out.logits


ids = torch.randint(3, 90, (1, 12))
mask = torch.ones(1, 12, dtype=torch.long)
axes = dict(input_names=["input_ids", "attention_mask"], output_names=["logits"],
            dynamic_axes={"input_ids": {0: "b", 1: "s"}, "attention_mask": {0: "b", 1: "s"}})
import transformers as T

small = dict(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64)
for attention in ("eager", "sdpa"):
    k = dict(attn_implementation=attention)
    export(f"bert_{attention}", lambda: First(T.BertForSequenceClassification(T.BertConfig(**small, **k)), ["input_ids", "attention_mask"]), (ids, mask), **axes)
    export(f"roberta_{attention}", lambda: First(T.RobertaForSequenceClassification(T.RobertaConfig(**small, pad_token_id=1, **k)), ["input_ids", "attention_mask"]), (ids, mask), **axes)
    export(f"gpt2_{attention}", lambda: First(T.GPT2LMHeadModel(T.GPT2Config(vocab_size=100, n_embd=32, n_layer=2, n_head=4, n_positions=64, use_cache=False, **k)), ["input_ids", "attention_mask"]), (ids, mask), **axes)
    export(f"llama_{attention}", lambda: First(T.LlamaForCausalLM(T.LlamaConfig(**small, num_key_value_heads=2, use_cache=False, **k)), ["input_ids", "attention_mask"]), (ids, mask), **axes)
export("gpt2_classifier", lambda: First(T.GPT2ForSequenceClassification(T.GPT2Config(vocab_size=100, n_embd=32, n_layer=1, n_head=4, n_positions=64, use_cache=False, pad_token_id=0)), ["input_ids", "attention_mask"]), (ids, mask), **axes)
export("distilbert", lambda: First(T.DistilBertForSequenceClassification(T.DistilBertConfig(vocab_size=100, dim=32, n_layers=2, n_heads=4, hidden_dim=64)), ["input_ids", "attention_mask"]), (ids, mask), **axes)
export("electra", lambda: First(T.ElectraForTokenClassification(T.ElectraConfig(**small, embedding_size=16)), ["input_ids", "attention_mask"]), (ids, mask), **axes)
export("albert_qa", lambda: First(T.AlbertForQuestionAnswering(T.AlbertConfig(**small, embedding_size=16)), ["input_ids", "attention_mask"], "start_logits"), (ids, mask), **axes)
export("mixtral", lambda: First(T.MixtralForCausalLM(T.MixtralConfig(**small, num_key_value_heads=2, num_local_experts=4, use_cache=False)), ["input_ids", "attention_mask"]), (ids, mask), **axes)
export("t5", lambda: First(T.T5ForConditionalGeneration(T.T5Config(vocab_size=100, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, use_cache=False, decoder_start_token_id=0)), ["input_ids", "attention_mask", "decoder_input_ids"]), (ids, mask, ids[:, :5]))
export("t5_shift", lambda: First(T.T5ForConditionalGeneration(T.T5Config(vocab_size=100, d_model=32, d_kv=8, d_ff=64, num_layers=1, num_heads=4, use_cache=False, decoder_start_token_id=0, pad_token_id=0)), ["input_ids", "labels"]), (ids, ids[:, :5]))
export("bart", lambda: First(T.BartForSequenceClassification(T.BartConfig(vocab_size=100, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64, pad_token_id=1, eos_token_id=2, use_cache=False)), ["input_ids", "attention_mask"]), (torch.cat([ids[:, :-1], torch.tensor([[2]])], 1), mask))
export("whisper", lambda: First(T.WhisperForConditionalGeneration(T.WhisperConfig(vocab_size=100, num_mel_bins=16, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64, max_source_positions=32, max_target_positions=16, use_cache=False, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1, suppress_tokens=None, begin_suppress_tokens=None)), ["input_features", "decoder_input_ids"]), (torch.randn(1, 16, 64), ids[:, :5]))
export("wav2vec2", lambda: First(T.Wav2Vec2ForCTC(T.Wav2Vec2Config(vocab_size=32, hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=64, conv_dim=(16, 16), conv_stride=(5, 2), conv_kernel=(10, 3), num_feat_extract_layers=2, num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2)), ["input_values"]), (torch.randn(1, 400),))
export("clip", lambda: First(T.CLIPModel(T.CLIPConfig(text_config=dict(**small, max_position_embeddings=16, eos_token_id=2), vision_config=dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=64, image_size=32, patch_size=8), projection_dim=16)), ["input_ids", "pixel_values", "attention_mask"], "logits_per_image"), (ids, torch.randn(1, 3, 32, 32), mask))
export("detr_like", lambda: First(T.YolosForObjectDetection(T.YolosConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=64, image_size=[64, 64], patch_size=16, num_detection_tokens=5)), ["pixel_values"]), (torch.randn(1, 3, 64, 64),))
export("segformer", lambda: First(T.SegformerForSemanticSegmentation(T.SegformerConfig(depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 16, 16], num_attention_heads=[1, 2, 2, 2], decoder_hidden_size=16, num_labels=5)), ["pixel_values"]), (torch.randn(1, 3, 64, 64),))
del T

import torchvision.models as V
import torchvision.models.detection as D

image = torch.rand(1, 3, 320, 320)
none = dict(weights=None, weights_backbone=None)
one = [image[0]]
export("ssdlite320", lambda: D.ssdlite320_mobilenet_v3_large(**none, num_classes=4), (one,), dynamo=(False,))
export("fasterrcnn_mobilenet", lambda: D.fasterrcnn_mobilenet_v3_large_320_fpn(**none, num_classes=4), (one,), dynamo=(False,))
export("retinanet", lambda: D.retinanet_resnet50_fpn(**none, num_classes=4), (one,), dynamo=(False,))
export("fcos", lambda: D.fcos_resnet50_fpn(**none, num_classes=4), (one,), dynamo=(False,))
export("keypointrcnn", lambda: D.keypointrcnn_resnet50_fpn(**none, num_classes=2), (one,), dynamo=(False,))
export("maskrcnn", lambda: D.maskrcnn_resnet50_fpn(**none, num_classes=3), (one,), dynamo=(False,))


class Backbone(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.SiLU(), nn.Conv2d(8, 8, 3, 2, 1), nn.SiLU())
        self.head = nn.Conv2d(8, outputs, 1)

    def forward(self, x):
        return self.head(self.body(x))


class Yolo(nn.Module):
    """Grid, sigmoid, exponent; with suppression and a score threshold."""

    def __init__(self, classes=4, suppress=False):
        super().__init__()
        self.b, self.c, self.suppress = Backbone(5 + classes), classes, suppress

    def forward(self, x):
        y = self.b(x)
        n, c, h, w = y.shape
        gy, gx = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        y = y.permute(0, 2, 3, 1)
        xy = (y[..., :2].sigmoid() * 2 - 0.5 + torch.stack([gx, gy], -1).float()) * 4
        wh = (y[..., 2:4].sigmoid() * 2) ** 2 * 8
        scores = y[..., 4:5].sigmoid() * y[..., 5:].sigmoid()
        boxes = torch.cat([xy - wh / 2, xy + wh / 2], -1).reshape(n, -1, 4)
        scores = scores.reshape(n, -1, self.c)
        if not self.suppress:
            return torch.cat([boxes, scores], -1)
        best, label = scores[0].max(-1)
        keep = best > 0.25
        boxes, best, label = boxes[0][keep], best[keep], label[keep]
        import torchvision
        index = torchvision.ops.nms(boxes, best, 0.45)[:10]
        return boxes[index], best[index], label[index]


class Thresholds(nn.Module):
    """Scores below a threshold are zeroed, labels replaced by a background label: ordinary post-processing."""

    def __init__(self):
        super().__init__()
        self.b = Backbone(6)

    def forward(self, x):
        y = self.b(x).flatten(2).transpose(1, 2).softmax(-1)
        best, label = y.max(-1)
        return torch.where(best > 0.5, best, torch.zeros_like(best)), torch.where(best > 0.5, label, torch.full_like(label, -1)), best.clamp(0.01, 0.99), y.masked_fill(y < 0.05, 0.0)


class Normalising(nn.Module):
    """Divides by 255 only when the values look like bytes, replaces non-numbers, clips."""

    def __init__(self):
        super().__init__()
        self.b = Backbone(6)

    def forward(self, x):
        x = torch.where(x.max() > 2.0, x / 255.0, x)
        x = torch.where(torch.isnan(x), torch.zeros_like(x), x).clamp(0, 1)
        return self.b(x).mean((2, 3))


class EarlyExit(nn.Module):
    def __init__(self):
        super().__init__()
        self.b, self.more, self.f1, self.f2 = Backbone(8), nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 5), nn.Linear(8, 5)

    def forward(self, x):
        y = self.b(x)
        first = self.f1(y.mean((2, 3)))
        second = self.f2(self.more(y).relu().mean((2, 3)))
        sure = first.softmax(-1).max(-1, keepdim=True)[0] > 0.9
        return torch.where(sure, first, second)


class OpenSet(nn.Module):
    """Class `unknown` when the largest probability is low."""

    def __init__(self):
        super().__init__()
        self.b = Backbone(6)

    def forward(self, x):
        p = self.b(x).mean((2, 3)).softmax(-1)
        score, label = p.max(-1)
        return torch.where(score > 0.3, label, torch.full_like(label, 6))


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.b, self.gate, self.experts = Backbone(8), nn.Linear(8, 4), nn.ModuleList(nn.Linear(8, 5) for _ in range(4))

    def forward(self, x):
        y = self.b(x).mean((2, 3))
        g = self.gate(y).softmax(-1)
        top, index = g.topk(2)
        sparse = torch.zeros_like(g).scatter(1, index, top)
        return sum(e(y) * sparse[:, i : i + 1] for i, e in enumerate(self.experts))


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))

    def forward(self, x):
        return torch.where(x[:, :1] > 0, self.f(x), torch.zeros_like(x[:, :1])), torch.sign(self.f(x)), self.f(x).clamp(min=0)


class Padded(nn.Module):
    """Mean over tokens that are not padding; empty texts give zeros."""

    def __init__(self):
        super().__init__()
        self.e, self.f = nn.Embedding(50, 8, padding_idx=0), nn.Linear(8, 3)

    def forward(self, t):
        m = (t != 0).unsqueeze(-1).float()
        n = m.sum(1).clamp(min=1)
        y = self.f((self.e(t) * m).sum(1) / n)
        return y.masked_fill((m.sum(1) == 0), 0.0)


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.e, self.r, self.f = nn.Embedding(50, 8), kind(8, 16, num_layers=2, bidirectional=True, batch_first=True), nn.Linear(32, 3)

    def forward(self, t):
        return self.f(self.r(self.e(t))[0][:, -1])


class Generation(nn.Module):
    """A scripted greedy loop with an end-of-text token."""

    def __init__(self):
        super().__init__()
        self.e, self.g, self.f = nn.Embedding(20, 8), nn.GRUCell(8, 8), nn.Linear(8, 20)

    def forward(self, t):
        h = torch.zeros(1, 8)
        outs = torch.zeros(1, 0, dtype=torch.long)
        done = torch.zeros(1, dtype=torch.bool)
        for _ in range(int(t.shape[1])):
            h = self.g(self.e(t[:, -1]), h)
            n = self.f(h).argmax(-1)
            n = torch.where(done, torch.zeros_like(n), n)
            done = done | (n == 2)
            outs = torch.cat([outs, n.unsqueeze(1)], 1)
            t = torch.cat([t, n.unsqueeze(1)], 1)
        return outs


class Branching(nn.Module):
    """Scripted `if` on shapes and on an input flag."""

    def __init__(self):
        super().__init__()
        self.f, self.g = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x, flag):
        # type: (Tensor, Tensor) -> Tensor
        if x.dim() == 1:
            x = x.unsqueeze(0)
        if bool(flag):
            y = self.f(x)
        else:
            y = self.g(x)
        return y.softmax(-1)


tokens = torch.randint(1, 50, (2, 7))
picture = torch.rand(1, 3, 64, 64)
export("yolo_raw", lambda: Yolo(), (picture,), input_names=["x"], dynamic_axes={"x": {0: "n", 2: "h", 3: "w"}})
export("yolo_nms", lambda: Yolo(suppress=True), (picture,))
export("thresholds", Thresholds, (picture,))
export("normalising", Normalising, (picture,))
export("early_exit", EarlyExit, (picture,))
export("open_set", OpenSet, (picture,))
export("gated", Gated, (picture,))
export("regressor", Regressor, (torch.randn(2, 4),))
export("padded", Padded, (tokens,), input_names=["t"], dynamic_axes={"t": {0: "b", 1: "s"}})
export("lstm", lambda: Recurrent(nn.LSTM), (tokens,))
export("gru", lambda: Recurrent(nn.GRU), (tokens,))
export("generation", Generation, (tokens[:1],))
export("generation_script", lambda: torch.jit.script(Generation()), (tokens[:1],), dynamo=(False,))
export("branching_script", lambda: torch.jit.script(Branching()), (torch.randn(2, 4), torch.tensor(True)), dynamo=(False,))
export("deeplab", lambda: V.segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=3), (torch.rand(1, 3, 64, 64),), dynamo=(False,))
export("dropout_training", lambda: nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2)), (torch.randn(2, 4),), dynamo=(False,), training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False)
for name in ("squeezenet1_1", "shufflenet_v2_x0_5", "googlenet", "mnasnet0_5", "regnet_y_400mf", "convnext_tiny"):
    extra = dict(init_weights=False) if name == "googlenet" else {}
    export(name, lambda: getattr(V, name)(weights=None, num_classes=10, **extra), (torch.rand(1, 3, 64, 64),), dynamo=(False,))

# Quantized by ONNX Runtime.
try:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_dynamic, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self, feed):
            self.feeds = iter([feed] * 2)

        def get_next(self):
            return next(self.feeds, None)

    import onnx
    for source in ("bert_eager", "gpt2_sdpa", "lstm", "squeezenet1_1", "yolo_raw", "t5"):
        path = os.path.join(OUT, source + ".onnx")
        if not os.path.exists(path) or (ONLY and "quant" not in ONLY):
            continue
        target = os.path.join(OUT, source + "_int8.onnx")
        if not os.path.exists(target):
            quantize_dynamic(path, target)
            print("ok", source + "_int8", flush=True)
    for source, shape in (("squeezenet1_1", (1, 3, 64, 64)), ("yolo_raw", (1, 3, 64, 64))):
        path = os.path.join(OUT, source + ".onnx")
        for form in (QuantFormat.QDQ, QuantFormat.QOperator):
            target = os.path.join(OUT, f"{source}_{form.name}.onnx")
            if os.path.exists(path) and not os.path.exists(target):
                name = onnx.load(path).graph.input[0].name
                quantize_static(path, target, Reader({name: torch.rand(*shape).numpy()}), quant_format=form)
                print("ok", f"{source}_{form.name}", flush=True)
except Exception:
    traceback.print_exc()

try:
    import numpy as np
    from skl2onnx import to_onnx
    from sklearn.ensemble import GradientBoostingClassifier, IsolationForest, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Binarizer, KBinsDiscretizer, StandardScaler
    from sklearn.impute import SimpleImputer
    from sklearn.svm import SVC, OneClassSVM

    X = np.random.RandomState(0).randn(60, 4).astype(np.float32)
    Y = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 1)
    for model in (LogisticRegression(), RidgeClassifier(), GaussianNB(), KNeighborsClassifier(3), MLPClassifier((8,)), RandomForestClassifier(5), GradientBoostingClassifier(n_estimators=3), SVC(probability=True), OneClassSVM(), IsolationForest(n_estimators=5), make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()), make_pipeline(Binarizer(), LogisticRegression()), make_pipeline(KBinsDiscretizer(3, encode="onehot-dense"), LogisticRegression())):
        name = "sk_" + "_".join(s[0] for s in getattr(model, "steps", [(type(model).__name__.lower(), 0)]))
        try:
            model.fit(X, Y)
            open(os.path.join(OUT, name + ".onnx"), "wb").write(to_onnx(model, X[:1], target_opset=18).SerializeToString())
            print("ok", name, flush=True)
        except Exception as error:
            print("FAILED", name, str(error)[:100], flush=True)
except ImportError as error:
    print("no scikit-learn exports:", error)
print(len(done), "exported;", "not exported:", ", ".join(failed))
