#!/usr/bin/env python3
"""Exports models beyond the reference zoo (random weights, small where the architecture allows it) and writes every
intermediate's shape and type as ONNX Runtime computes them, for Tests/ScopeAnalysisTests/ExportTests.swift.

    python Tests/Fixtures/export_more.py --out FOLDER [--only NAME,...] [--list]

Needs torch, torchvision, timm, transformers, onnx, onnxscript, onnxruntime. Each NAME gives FOLDER/NAME.onnx and
FOLDER/NAME.shapes.json: {"inputs": {name: sizes}, "values": {name: [type, sizes]}}. Open sizes are given distinct small
numbers, so that a size that is only right for 1 shows.
"""
import argparse, json, os, sys, warnings

warnings.filterwarnings('ignore')
import torch

torch.manual_seed(0)
MODELS = {}


def model(name):
    return lambda build: MODELS.setdefault(name, build)


def image(size=224, batch=1):
    return (torch.randn(batch, 3, size, size),)


def save(module, inputs, path, opset=17, dynamo=False, axes=None, shapes=None, names=None, outputs=None):
    module = module.eval()
    keywords = {'input_names': names} if names else {}
    if outputs:
        keywords['output_names'] = outputs
    with torch.no_grad():
        if dynamo:
            torch.onnx.export(module, inputs, path, dynamo=True, external_data=False, opset_version=opset,
                              dynamic_shapes=shapes, verbose=False, **keywords)
        else:
            torch.onnx.export(module, inputs, path, dynamo=False, opset_version=opset, dynamic_axes=axes, **keywords)


def torchvision_model(name, size=224, **keywords):
    import torchvision
    options = {'weights': None}
    if name in ('inception_v3', 'googlenet'):
        options['init_weights'] = False
    return getattr(torchvision.models, name)(**options)


for name, size, dynamo, opset in [
        ('inception_v3', 299, False, 17), ('googlenet', 224, False, 13), ('shufflenet_v2_x0_5', 224, False, 11),
        ('regnet_y_400mf', 224, True, 18), ('convnext_tiny', 224, False, 17), ('maxvit_t', 224, False, 17),
        ('swin_v2_t', 256, False, 16), ('efficientnet_b0', 224, True, 20), ('squeezenet1_1', 224, False, 9),
        ('mnasnet0_5', 224, False, 12)]:
    MODELS[f'tv_{name}'] = lambda path, name=name, size=size, dynamo=dynamo, opset=opset: save(
        torchvision_model(name), image(size), path, opset, dynamo)


@model('tv_swin_v2_t_dynamo')
def _(path):
    save(torchvision_model('swin_v2_t'), image(256, 2), path, 18, True, shapes=({0: torch.export.Dim('batch')},))


@model('tv_convnext_tiny_dyn')
def _(path):
    save(torchvision_model('convnext_tiny'), image(224, 2), path, 17, axes={'x': {0: 'batch', 2: 'h', 3: 'w'}}, names=['x'])


@model('tv_mobilenet_v2_hw')
def _(path):
    save(torchvision_model('mobilenet_v2'), image(224, 2), path, 17, axes={'x': {0: 'batch', 2: 'h', 3: 'w'}}, names=['x'])


def detector(name, size=320):
    import torchvision
    return getattr(torchvision.models.detection, name)(weights=None, weights_backbone=None)


for name in ['fasterrcnn_mobilenet_v3_large_320_fpn', 'ssdlite320_mobilenet_v3_large', 'retinanet_resnet50_fpn']:
    MODELS[f'tv_{name}'] = lambda path, name=name: save(detector(name), ([torch.rand(3, 320, 320)],), path, 17)


@model('tv_deeplabv3_mobilenet')
def _(path):
    import torchvision
    save(torchvision.models.segmentation.deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None), image(224), path, 17)


for name, size, dynamo in [('levit_128s', 224, False), ('mobilevit_xs', 256, False), ('beit_base_patch16_224', 224, False),
                           ('efficientformer_l1', 224, False), ('coatnet_nano_rw_224', 224, False),
                           ('deit_tiny_patch16_224', 224, True), ('mobilenetv4_conv_small', 224, False),
                           ('edgenext_xx_small', 256, False), ('poolformer_s12', 224, True)]:
    def build(path, name=name, size=size, dynamo=dynamo):
        import timm
        save(timm.create_model(name, pretrained=False), image(size), path, 18 if dynamo else 17, dynamo)
    MODELS[f'timm_{name}'] = build


class Tuple(torch.nn.Module):
    """A Hugging Face model with positional inputs and its last hidden state (or logits) as output."""
    def __init__(self, inner, names):
        super().__init__()
        self.inner, self.names = inner, names

    def forward(self, *inputs):
        out = self.inner(**dict(zip(self.names, inputs)), return_dict=True)
        return out.logits if hasattr(out, 'logits') and out.logits is not None else out.last_hidden_state


def tokens(batch=2, length=7):
    ids = torch.randint(1, 90, (batch, length))
    return ids, torch.ones_like(ids)


def encoder(kind, path, dynamo=False, opset=17, fixed=False):
    import transformers as t
    small = dict(vocab_size=99, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
                 max_position_embeddings=64)
    if kind == 'distilbert':
        inner = t.DistilBertModel(t.DistilBertConfig(vocab_size=99, dim=32, n_layers=2, n_heads=4, hidden_dim=64))
    else:
        inner = {'bert': t.BertModel, 'roberta': t.RobertaModel, 'electra': t.ElectraModel}[kind](
            {'bert': t.BertConfig, 'roberta': t.RobertaConfig, 'electra': t.ElectraConfig}[kind](**small))
    names = ['input_ids', 'attention_mask']
    shapes = None
    axes = None
    if not fixed:
        if dynamo:
            batch, length = torch.export.Dim('batch'), torch.export.Dim('length', min=2, max=60)
            shapes = ({0: batch, 1: length}, {0: batch, 1: length})
            wrapped = torch.nn.Module()
        axes = {n: {0: 'batch_size', 1: 'sequence_length'} for n in names}
    module = Two(inner, names)
    save(module, tokens(), path, opset, dynamo, axes, shapes, names)


class Two(Tuple):
    def forward(self, input_ids, attention_mask):
        return super().forward(input_ids, attention_mask)


for kind in ['bert', 'distilbert', 'roberta', 'electra']:
    MODELS[f'hf_{kind}'] = lambda path, kind=kind: encoder(kind, path)
MODELS['hf_bert_dynamo'] = lambda path: encoder('bert', path, True, 18)
MODELS['hf_bert_23'] = lambda path: encoder('bert', path, True, 23)
MODELS['hf_bert_fixed_14'] = lambda path: encoder('bert', path, False, 14, True)
MODELS['hf_distilbert_dynamo'] = lambda path: encoder('distilbert', path, True, 20)


class Decoder(torch.nn.Module):
    """One step of a decoder with past keys and values as flat inputs and outputs."""
    def __init__(self, inner, layers):
        super().__init__()
        self.inner, self.layers = inner, layers

    def forward(self, input_ids, attention_mask, *past):
        from transformers import DynamicCache
        cache = DynamicCache()
        for layer in range(self.layers):
            cache.update(past[2 * layer], past[2 * layer + 1], layer)
        out = self.inner(input_ids=input_ids, attention_mask=attention_mask, past_key_values=cache, use_cache=True)
        flat = []
        for layer in out.past_key_values.layers:
            flat += [layer.keys, layer.values]
        return (out.logits, *flat)


def decoder(kind, path):
    import transformers as t
    layers, heads, kv, width = 2, 4, 4, 32
    if kind == 'gpt2':
        inner = t.GPT2LMHeadModel(t.GPT2Config(vocab_size=99, n_embd=width, n_layer=layers, n_head=heads, n_positions=64,
                                               attn_implementation='eager'))
    else:
        kv = 2
        config = dict(vocab_size=99, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
                      num_key_value_heads=kv, intermediate_size=64, max_position_embeddings=64)
        inner = {'llama': t.LlamaForCausalLM, 'qwen2': t.Qwen2ForCausalLM, 'mistral': t.MistralForCausalLM}[kind](
            {'llama': t.LlamaConfig, 'qwen2': t.Qwen2Config, 'mistral': t.MistralConfig}[kind](**config, attn_implementation='eager'))
    past = [torch.randn(2, kv, 3, width // heads) for _ in range(2 * layers)]
    ids = torch.randint(1, 90, (2, 4))
    names = ['input_ids', 'attention_mask'] + [f'past.{i // 2}.{"kv"[i % 2]}' for i in range(2 * layers)]
    axes = {'input_ids': {0: 'batch', 1: 'sequence'}, 'attention_mask': {0: 'batch', 1: 'past + sequence'}}
    for n in names[2:]:
        axes[n] = {0: 'batch', 2: 'past'}
    save(Decoder(inner, layers), (ids, torch.ones(2, 7, dtype=torch.int64), *past), path, 17, False, axes, names=names)


for kind in ['gpt2', 'llama', 'qwen2', 'mistral']:
    MODELS[f'hf_{kind}'] = lambda path, kind=kind: decoder(kind, path)


@model('hf_t5_encoder')
def _(path):
    import transformers as t
    config = t.T5Config(vocab_size=99, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4)
    save(Two(t.T5EncoderModel(config), ['input_ids', 'attention_mask']), tokens(), path, 17,
         axes={n: {0: 'batch', 1: 'length'} for n in ('a', 'b')}, names=['a', 'b'])


@model('hf_t5_decoder')
def _(path):
    import transformers as t
    config = t.T5Config(vocab_size=99, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, use_cache=False)

    class Step(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = t.T5ForConditionalGeneration(config)

        def forward(self, ids, states):
            return self.inner(encoder_outputs=(states,), decoder_input_ids=ids, use_cache=False).logits
    save(Step(), (torch.randint(1, 90, (2, 4)), torch.randn(2, 7, 32)), path, 17,
         axes={'ids': {0: 'batch', 1: 'target'}, 'states': {0: 'batch', 1: 'source'}}, names=['ids', 'states'])


@model('hf_vit_dynamo')
def _(path):
    import transformers as t
    config = t.ViTConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, image_size=32, patch_size=8)

    class One(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = t.ViTModel(config)

        def forward(self, x):
            return self.inner(x).last_hidden_state
    save(One(), image(32, 2), path, 18, True, shapes=({0: torch.export.Dim('batch')},))


class Yolo(torch.nn.Module):
    """The layers of a YOLOv8-like detector: C2f blocks, SPPF, an upsampling path, distribution-focal boxes, anchors."""
    def __init__(self, c=16, classes=20):
        super().__init__()
        def conv(a, b, k=1, s=1):
            return torch.nn.Sequential(torch.nn.Conv2d(a, b, k, s, k // 2, bias=False), torch.nn.BatchNorm2d(b), torch.nn.SiLU())
        self.stem = torch.nn.Sequential(conv(3, c, 3, 2), conv(c, 2 * c, 3, 2))
        self.cv1, self.m, self.cv2 = conv(2 * c, 2 * c), conv(c, c, 3), conv(3 * c, 2 * c)
        self.down1, self.down2 = conv(2 * c, 4 * c, 3, 2), conv(4 * c, 8 * c, 3, 2)
        self.sppf1, self.sppf2 = conv(8 * c, 4 * c), conv(16 * c, 8 * c)
        self.pool = torch.nn.MaxPool2d(5, 1, 2)
        self.up = torch.nn.Upsample(scale_factor=2, mode='nearest')
        self.fuse = conv(12 * c, 4 * c)
        self.heads = torch.nn.ModuleList([torch.nn.Conv2d(4 * c, 64 + classes, 1), torch.nn.Conv2d(8 * c, 64 + classes, 1)])
        self.dfl = torch.nn.Conv2d(16, 1, 1, bias=False)

    def forward(self, x):
        x = self.stem(x)
        y = list(self.cv1(x).chunk(2, 1))
        y.append(self.m(y[-1]))
        x = self.cv2(torch.cat(y, 1))
        p4 = self.down1(x)
        p5 = self.sppf1(self.down2(p4))
        pools = [p5]
        for _ in range(3):
            pools.append(self.pool(pools[-1]))
        p5 = self.sppf2(torch.cat(pools, 1))
        p4 = self.fuse(torch.cat([self.up(p5), p4], 1))
        outs, anchors = [], []
        for head, p, stride in zip(self.heads, (p4, p5), (8, 16)):
            o = head(p)
            outs.append(o.view(o.shape[0], o.shape[1], -1))
            h, w = p.shape[2:]
            gy, gx = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing='ij')
            anchors.append(torch.stack((gx, gy), -1).view(-1, 2) * stride)
        x = torch.cat(outs, 2)
        box, cls = x.split((64, x.shape[1] - 64), 1)
        b, _, a = box.shape
        dist = self.dfl(box.view(b, 4, 16, a).transpose(2, 1).softmax(1)).view(b, 4, a)
        lt, rb = dist.chunk(2, 1)
        centre = torch.cat(anchors).t().unsqueeze(0)
        x1, x2 = centre - lt, centre + rb
        boxes = torch.cat(((x1 + x2) / 2, x2 - x1), 1)
        y = torch.cat((boxes, cls.sigmoid()), 1)
        scores, order = y[:, 4:].amax(1).topk(50)
        return y, scores, torch.gather(y, 2, order.unsqueeze(1).expand(-1, y.shape[1], -1))


MODELS['yolo'] = lambda path: save(Yolo(), image(160), path, 12)
MODELS['yolo_dyn'] = lambda path: save(Yolo(), image(160, 2), path, 17, axes={'images': {0: 'batch', 2: 'height', 3: 'width'}}, names=['images'])
MODELS['yolo_dynamo'] = lambda path: save(Yolo(), image(160, 2), path, 18, True, shapes=({0: torch.export.Dim('batch')},))


class Recurrent(torch.nn.Module):
    def __init__(self, kind, first=False):
        super().__init__()
        self.embed = torch.nn.Embedding(50, 12)
        self.layer = kind(12, 20, num_layers=2, bidirectional=True, batch_first=first)
        self.head = torch.nn.Linear(40, 5)

    def forward(self, x):
        return self.head(self.layer(self.embed(x))[0])


for kind in ['LSTM', 'GRU', 'RNN']:
    MODELS[f'{kind.lower()}'] = lambda path, kind=kind: save(
        Recurrent(getattr(torch.nn, kind), True), (torch.randint(0, 50, (2, 9)),), path, 17,
        axes={'x': {0: 'batch', 1: 'length'}}, names=['x'])
MODELS['lstm_dynamo'] = lambda path: save(Recurrent(torch.nn.LSTM), (torch.randint(0, 50, (9, 2)),), path, 18, True)


class Scripted(torch.nn.Module):
    """Loops and branches that stay in the graph."""
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 8)

    def forward(self, x: torch.Tensor, steps: int):
        total = x
        for i in range(4):
            total = self.layer(total)
        for i in range(steps):
            total = torch.relu(self.layer(total))
        if total.sum() > 0:
            total = total * 2
        else:
            total = total - 1
        return total


@model('scripted')
def _(path):
    module = torch.jit.script(Scripted().eval())
    torch.onnx.export(module, (torch.randn(2, 8), torch.tensor(3)), path, dynamo=False, opset_version=17,
                      input_names=['x', 'steps'], dynamic_axes={'x': {0: 'batch'}})


def source(name, path):
    folder = os.path.dirname(path)
    original = f'{folder}/{name}.onnx'
    if not os.path.exists(original):
        MODELS[name](original)
    return original


def quantized(name, path, **keywords):
    import numpy as np
    from onnxruntime.quantization import quantize_static, quantize_dynamic, CalibrationDataReader, QuantFormat
    from onnxruntime.quantization.shape_inference import quant_pre_process
    original = source(name, path)
    prepared = path + '.pre'
    quant_pre_process(original, prepared, skip_symbolic_shape=True)

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.left = 2

        def get_next(self):
            import onnxruntime as ort
            self.left -= 1
            if self.left < 0:
                return None
            return {i.name: np.random.rand(*[d if isinstance(d, int) else 2 for d in i.shape]).astype(np.float32)
                    for i in ort.InferenceSession(prepared).get_inputs()}
    if keywords.pop('dynamic', False):
        quantize_dynamic(prepared, path, **keywords)
    else:
        quantize_static(prepared, path, Reader(), **keywords)
    os.remove(prepared)


def formats():
    from onnxruntime.quantization import QuantFormat
    return QuantFormat


MODELS['quant_qdq'] = lambda path: quantized('tv_squeezenet13', path, quant_format=formats().QDQ, per_channel=True)
MODELS['quant_qoperator'] = lambda path: quantized('tv_squeezenet13', path, quant_format=formats().QOperator)
MODELS['quant_qoperator_yolo'] = lambda path: quantized('yolo', path, quant_format=formats().QOperator)
MODELS['quant_qdq_yolo'] = lambda path: quantized('yolo', path, quant_format=formats().QDQ)
MODELS['quant_dynamic_bert'] = lambda path: quantized('hf_bert', path, dynamic=True)
MODELS['quant_dynamic_lstm'] = lambda path: quantized('lstm', path, dynamic=True)
MODELS['tv_squeezenet13'] = lambda path: save(torchvision_model('squeezenet1_1'), image(64), path, 13)


def optimized(name, path, level):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
    options.optimized_model_filepath = path
    options.log_severity_level = 3
    ort.InferenceSession(source(name, path), options)


for name in ['tv_squeezenet13', 'hf_bert', 'hf_gpt2', 'quant_qdq', 'yolo', 'quant_dynamic_bert']:
    MODELS[f'ort_extended_{name}'] = lambda path, name=name: optimized(name, path, 'ORT_ENABLE_EXTENDED')
for name in ['tv_squeezenet13', 'hf_llama', 'quant_qdq', 'yolo', 'lstm']:
    MODELS[f'ort_all_{name}'] = lambda path, name=name: optimized(name, path, 'ORT_ENABLE_ALL')


def fused(name, kind, path, **keywords):
    from onnxruntime.transformers.optimizer import optimize_model
    optimize_model(source(name, path), model_type=kind, num_heads=4, hidden_size=32, **keywords).save_model_to_file(path)


MODELS['fused_bert'] = lambda path: fused('hf_bert', 'bert', path)
MODELS['fused_bert_dynamo'] = lambda path: fused('hf_bert_dynamo', 'bert', path)
MODELS['fused_gpt2'] = lambda path: fused('hf_gpt2', 'gpt2', path)
MODELS['fused_t5'] = lambda path: fused('hf_t5_encoder', 't5', path)
MODELS['fused_vit'] = lambda path: fused('hf_vit_dynamo', 'vit', path)


@model('quant_4bits_llama')
def _(path):
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
    quantizer = MatMulNBitsQuantizer(onnx.load(source('hf_llama', path)), block_size=16)
    quantizer.process()
    quantizer.model.save_model_to_file(path)


SIZES = {'batch': 2, 'batch_size': 2, 'sequence': 4, 'sequence_length': 7, 'past': 3, 'past + sequence': 7, 'length': 7,
         's77': 2, 'target': 4, 'source': 7, 'h': 192, 'w': 224, 'height': 160, 'width': 192}


def runtime_shapes(path):
    import numpy as np, onnx, onnxruntime as ort
    m = onnx.load(path)
    have = {o.name for o in m.graph.output}
    known = {}
    try:
        known = {v.name: v for v in onnx.shape_inference.infer_shapes(m).graph.value_info}
    except Exception:
        pass
    produced = [n for node in m.graph.node for n in node.output if n]
    for name in produced:
        if name not in have:
            m.graph.output.append(onnx.ValueInfoProto(name=name))
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = ort.InferenceSession(m.SerializeToString(), options)
    feeds, sizes = {}, {}
    random = np.random.default_rng(0)
    for i in session.get_inputs():
        shape = [d if isinstance(d, int) else SIZES.get(d, 2) for d in i.shape]
        sizes[i.name] = shape
        if 'int' in i.type:
            feeds[i.name] = np.full(shape, 1 if shape else 3, {'tensor(int64)': np.int64, 'tensor(int32)': np.int32}[i.type])
        elif 'bool' in i.type:
            feeds[i.name] = np.ones(shape, bool)
        else:
            feeds[i.name] = random.random(shape, dtype=np.float32)
    names = [o.name for o in session.get_outputs()]
    values = {}
    for n, v in zip(names, session.run(None, feeds)):
        if hasattr(v, 'dtype'):
            values[n] = [str(v.dtype), list(v.shape)]
    return {'inputs': sizes, 'values': values}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--out', required=True)
    parser.add_argument('--only', default='')
    parser.add_argument('--list', action='store_true')
    options = parser.parse_args()
    if options.list:
        return print('\n'.join(MODELS))
    os.makedirs(options.out, exist_ok=True)
    failed = []
    for name in [n for n in options.only.split(',') if n] or MODELS:
        path = f'{options.out}/{name}.onnx'
        try:
            if not os.path.exists(path):
                MODELS[name](path)
            if not os.path.exists(path[:-5] + '.shapes.json'):
                json.dump(runtime_shapes(path), open(path[:-5] + '.shapes.json', 'w'))
            print(name, os.path.getsize(path), flush=True)
        except BaseException as error:  # one model that cannot be built must not hide the others
            if isinstance(error, KeyboardInterrupt):
                raise
            failed.append(name)
            if os.path.exists(path) and not os.path.exists(path[:-5] + '.shapes.json'):
                pass
            print(f'{name}: {type(error).__name__}: {str(error)[:300]}', file=sys.stderr, flush=True)
    print(f'{len(failed)} failed: {failed}')


if __name__ == '__main__':
    main()
