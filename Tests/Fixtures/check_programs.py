"""Exports a zoo of PyTorch models with random weights, to be converted and executed by the test suite.

    python check_programs.py FOLDER [NAME ...]
    NEURAL_SCOPE_PROGRAMS=FOLDER swift test -c release --filter ProgramZooTests

Each model gives NAME.pt2 (torch.export), and NAME.safetensors with its inputs (`input.0` ...) and what PyTorch computes
(`output.0` ...). `--dynamic` exports with an open batch as well (NAME_dyn.pt2), `--decomposed` the core ATen form
(NAME_core.pt2). Needs torch, torchvision, timm, transformers and safetensors; some minutes of one core for all.
"""

import argparse
import collections
import os
import sys
import traceback

import safetensors.torch
import torch
import torchvision.models as vision

torch.set_num_threads(1)

# torchvision: one or two members of every classification family, with the smallest image each accepts well.
VISION = {
    "alexnet": 96, "convnext_tiny": 64, "densenet121": 64, "efficientnet_b0": 64, "efficientnet_v2_s": 64,
    "googlenet": 64, "inception_v3": 96, "maxvit_t": 224, "mnasnet0_5": 64, "mobilenet_v2": 64,
    "mobilenet_v3_small": 64, "mobilenet_v3_large": 64, "regnet_y_400mf": 64, "regnet_x_400mf": 64, "resnet18": 64,
    "resnet50": 64, "resnext50_32x4d": 64, "wide_resnet50_2": 64, "shufflenet_v2_x0_5": 64, "squeezenet1_0": 64,
    "squeezenet1_1": 64, "swin_t": 64, "swin_v2_t": 64, "vgg11": 64, "vgg11_bn": 64, "vit_b_16": 224,
}

TIMM = {
    "resnet18": 64, "resnet26d": 64, "efficientnet_lite0": 64, "tf_efficientnet_b0": 64, "mobilenetv3_small_100": 64,
    "vit_tiny_patch16_224": 224, "deit_tiny_patch16_224": 224, "convnext_atto": 64, "convnextv2_atto": 64,
    "swin_tiny_patch4_window7_224": 224, "regnety_002": 64, "repvgg_a0": 64, "ghostnet_050": 64, "mixer_s32_224": 224,
    "res2net50_26w_4s": 64, "hardcorenas_a": 64, "levit_128s": 224, "mobileone_s0": 64, "poolformer_s12": 64,
    "edgenext_xx_small": 64, "xcit_nano_12_p16_224": 224, "beit_base_patch16_224": 224, "coatnet_nano_rw_224": 224,
    "dpn48b": 64, "nfnet_l0": 64, "eva02_tiny_patch14_224": 224, "mobilevit_xxs": 64, "fastvit_t8": 64,
}


def calibrate(model, inputs):
    """Gives normalisation layers statistics of real activations and wakes layers that start as nothing."""
    for name, parameter in model.named_parameters():
        if any(part in name for part in ("layer_scale", "gamma", "grn", "ls1", "ls2", "scale")):
            torch.nn.init.uniform_(parameter, 0.2, 0.6)
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
            module.train()
        if isinstance(module, torch.nn.Linear) and float(module.weight.detach().abs().max()) < 1e-3:
            torch.nn.init.normal_(module.weight, std=0.02)
    with torch.no_grad():
        # More images than are checked, so that no channel's variance is next to nothing.
        model(*(torch.randn(16, *value.shape[1:]) if value.is_floating_point() else value for value in inputs))
    return model.eval()


def image(size):
    return (torch.randn(2, 3, size, size),)


def transformer(kind, **options):
    import transformers
    small = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, vocab_size=200,
                 max_position_embeddings=64, num_labels=5)
    if kind == "distilbert":
        config = transformers.DistilBertConfig(dim=64, n_layers=2, n_heads=4, hidden_dim=128, vocab_size=200,
                                               max_position_embeddings=64, num_labels=5)
        return transformers.DistilBertForSequenceClassification(config)
    config_class, model_class = {
        "bert": (transformers.BertConfig, transformers.BertForSequenceClassification),
        "roberta": (transformers.RobertaConfig, transformers.RobertaForSequenceClassification),
        "deberta_v2": (transformers.DebertaV2Config, transformers.DebertaV2ForSequenceClassification),
        "electra": (transformers.ElectraConfig, transformers.ElectraForSequenceClassification),
        "albert": (transformers.AlbertConfig, transformers.AlbertForSequenceClassification),
        "mpnet": (transformers.MPNetConfig, transformers.MPNetForSequenceClassification),
        "vit": (transformers.ViTConfig, transformers.ViTForImageClassification),
        "deit": (transformers.DeiTConfig, transformers.DeiTForImageClassification),
        "beit": (transformers.BeitConfig, transformers.BeitForImageClassification),
    }[kind]
    if kind in ("vit", "deit", "beit"):
        small.update(image_size=32, patch_size=8)
        small.pop("vocab_size")
        small.pop("max_position_embeddings")
    if kind == "roberta":
        small["max_position_embeddings"] = 66
    small.update(options)
    return model_class(config_class(**small))


class Logits(torch.nn.Module):
    """A Hugging Face model that returns its logits alone."""

    def __init__(self, model, names):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs):
        return self.model(**dict(zip(self.names, inputs))).logits


def text():
    tokens = torch.randint(5, 200, (2, 16))
    mask = torch.ones(2, 16, dtype=torch.int64)
    mask[1, 11:] = 0
    return tokens, mask


def zoo():
    """Name -> function returning (model, inputs)."""
    result = {}
    for name, size in VISION.items():
        def make(name=name, size=size):
            options = {"weights": None}
            if name in ("googlenet", "inception_v3"):
                options.update(aux_logits=True, init_weights=False)
            return getattr(vision, name)(**options).eval(), image(size)
        result["tv_" + name] = make
    for name, size in TIMM.items():
        def make(name=name, size=size):
            import timm
            return timm.create_model(name, pretrained=False).eval(), image(size)
        result["timm_" + name] = make
    for kind in ("bert", "distilbert", "roberta", "electra", "albert", "mpnet", "deberta_v2"):
        result["hf_" + kind] = lambda kind=kind: (
            Logits(transformer(kind), ["input_ids", "attention_mask"]).eval(), text())
    result["hf_bert_eager"] = lambda: (
        Logits(transformer("bert", attn_implementation="eager"), ["input_ids", "attention_mask"]).eval(), text())
    for kind in ("vit", "deit", "beit"):
        result["hf_" + kind] = lambda kind=kind: (
            Logits(transformer(kind), ["pixel_values"]).eval(), (torch.randn(2, 3, 32, 32),))
    return result


def save(name, model, inputs, folder, dynamic, decomposed, operators):
    with torch.no_grad():
        outputs = model(*inputs)
    outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
    tensors = {f"input.{i}": value.contiguous() for i, value in enumerate(inputs)}
    tensors |= {f"output.{i}": value.detach().contiguous() for i, value in enumerate(outputs)}
    programs = {name: torch.export.export(model, inputs)}
    if decomposed:
        programs[name + "_core"] = programs[name].run_decompositions()
    if dynamic:
        batch = torch.export.Dim("batch", min=1, max=64)
        shapes = tuple({0: batch} for _ in inputs)
        if isinstance(model, Logits):
            shapes = (shapes,)
        programs[name + "_dyn"] = torch.export.export(model, inputs, dynamic_shapes=shapes)
    for program, exported in programs.items():
        for node in exported.graph.nodes:
            if node.op == "call_function":
                operators[str(node.target)] += 1
        torch.export.save(exported, os.path.join(folder, program + ".pt2"))
        safetensors.torch.save_file(tensors, os.path.join(folder, program + ".safetensors"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--dynamic", action="store_true")
    parser.add_argument("--decomposed", action="store_true")
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    models = zoo()
    operators = collections.Counter()
    failed = []
    for name in arguments.names or models:
        torch.manual_seed(0)
        try:
            model, inputs = models[name]()
            calibrate(model, inputs)
            save(name, model, inputs, arguments.folder, arguments.dynamic, arguments.decomposed, operators)
            print("saved", name, flush=True)
        except Exception:
            failed.append(name)
            print("FAILED", name, traceback.format_exc()[-600:], flush=True)
    with open(os.path.join(arguments.folder, "operators.txt"), "a") as file:
        for operator, count in operators.most_common():
            print(count, operator, file=file)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
