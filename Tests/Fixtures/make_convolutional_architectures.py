"""Writes Tests/Fixtures/architectures/*-cnn.json: VGG, AlexNet, SqueezeNet, DenseNet, GoogLeNet, Inception v3,
MobileNetV2/V3, ShuffleNetV2 and MNASNet as torchvision (and timm) define them: structure and MACs (FlopCounterMode / 2)
of every published size, and logits for deterministic weights and input, of members with unusual widths too.

Needs torch, torchvision and timm. Run: python make_convolutional_architectures.py
"""

import timm
import torch
from timm.data import resolve_data_config
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models
from torchvision.models.densenet import DenseNet
from torchvision.models.mobilenetv3 import MobileNetV3, _mobilenet_v3_conf
from torchvision.models.shufflenetv2 import ShuffleNetV2
from torchvision.models.vgg import VGG, make_layers

from make_architectures import fill, logits, shape, structure, write

quiet = {"init_weights": False}
PUBLISHED = (
    {f"VGG-{n}": (f"vgg{n}", {}) for n in (11, 13, 16, 19)}
    | {f"VGG-{n}-BN": (f"vgg{n}_bn", {}) for n in (11, 13, 16, 19)}
    | {"AlexNet": ("alexnet", {})}
    | {f"SqueezeNet 1.{n}": (f"squeezenet1_{n}", {}) for n in (0, 1)}
    | {f"DenseNet-{n}": (f"densenet{n}", {}) for n in (121, 161, 169, 201)}
    | {
        "GoogLeNet": ("googlenet", {"aux_logits": False} | quiet),
        "GoogLeNet with auxiliary classifiers": ("googlenet", quiet),
        "Inception v3": ("inception_v3", {"aux_logits": False} | quiet),
        "Inception v3 with auxiliary classifier": ("inception_v3", quiet),
        "MobileNetV2": ("mobilenet_v2", {}),
        "MobileNetV3-Large": ("mobilenet_v3_large", {}),
        "MobileNetV3-Small": ("mobilenet_v3_small", {}),
    }
    | {f"MobileNetV2 (width {w})": ("mobilenet_v2", {"width_mult": w}) for w in (0.75, 0.5, 0.35, 1.3, 1.4)}
    | {f"ShuffleNetV2 x{w}": (f"shufflenet_v2_x{str(w).replace('.', '_')}", {}) for w in (0.5, 1.0, 1.5, 2.0)}
    | {f"MNASNet {w}": (f"mnasnet{str(w).replace('.', '_')}", {}) for w in (0.5, 0.75, 1.0, 1.3)}
)
TIMM = {"MobileNetV3-Large (timm)": "mobilenetv3_large_100", "MobileNetV3-Small (timm)": "mobilenetv3_small_100"} | {
    "ResNet-26": "resnet26", "ResNet-200": "resnet200", "ResNet-18-D (timm)": "resnet18d",
    "ResNet-34-D (timm)": "resnet34d", "ResNet-26-D (timm)": "resnet26d", "ResNet-50-D (timm)": "resnet50d",
    "ResNet-101-D (timm)": "resnet101d", "ResNet-152-D (timm)": "resnet152d", "ResNet-10-T (timm)": "resnet10t",
    "ResNet-26-T (timm)": "resnet26t", "ResNet-50-C (timm)": "resnet50c", "ResNet-50-S (timm)": "resnet50s",
    "ResNeXt-50-D 32x4d (timm)": "resnext50d_32x4d", "SE-ResNet-18 (timm)": "seresnet18",
    "SE-ResNet-50 (timm)": "seresnet50", "SE-ResNeXt-50 32x4d (timm)": "seresnext50_32x4d",
}


def make(variant, classes):
    if variant in ("ResNet-26", "ResNet-200"):
        # timm has the same names, but counts some modules more.
        depths = [2, 2, 2, 2] if variant == "ResNet-26" else [3, 24, 36, 3]
        return models.ResNet(models.resnet.Bottleneck, depths, num_classes=classes).eval()
    if variant in TIMM:
        return timm.create_model(TIMM[variant], num_classes=classes).eval()
    function, options = PUBLISHED[variant]
    return getattr(models, function)(num_classes=classes, **options).eval()


def macs(model, size):
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model(torch.zeros(1, 3, size, size))
    return counter.get_total_flops() // 2


def structures():
    result = {}
    for name in [*PUBLISHED, *TIMM]:
        model = make(name, 1000)
        size = 299 if "Inception" in name else 224
        if name in TIMM:
            size = resolve_data_config({}, model=timm.create_model(TIMM[name]))["input_size"][1]
        facts = {"classes": 1000, "imageSize": size, "macs": macs(model, size)}
        result[name] = facts | structure(model)
    return result


def unusual():
    """Widths and depths that no one published: name, image size, model."""
    widths = [8, 8, "M", 16, "M", 24, 12, "M"]
    classifier = dict(num_classes=5, init_weights=False)
    for normalizes in (False, True):
        model = VGG(make_layers(widths, normalizes), **classifier)
        model.classifier[0] = torch.nn.Linear(12 * 49, 30)
        model.classifier[3] = torch.nn.Linear(30, 20)
        model.classifier[6] = torch.nn.Linear(20, 5)
        for size in (56, 61, 112):
            yield f"VGG-8{'-BN' if normalizes else ''} (own widths)", size, model
    dense = dict(growth_rate=8, block_config=(2, 3, 2), num_init_features=12, bn_size=2, num_classes=5)
    yield "DenseNet-18 (growth 8)", 64, DenseNet(**dense)
    yield "MobileNetV2 (width 0.33)", 64, models.mobilenet_v2(width_mult=0.33, num_classes=5)
    for size, name in [("large", "Large"), ("small", "Small")]:
        settings, last = _mobilenet_v3_conf(f"mobilenet_v3_{size}", width_mult=0.4)
        yield f"MobileNetV3-{name} (width 0.4)", 64, MobileNetV3(settings, last, num_classes=5)
    yield "MobileNetV3-Small (width 0.5) (timm)", 64, timm.create_model("mobilenetv3_small_050", num_classes=5)
    yield "ShuffleNetV2 (widths 24-40-64)", 67, ShuffleNetV2([2, 3, 2], [8, 24, 40, 64, 96], num_classes=5)
    yield "MNASNet 0.2", 64, models.MNASNet(0.2, num_classes=5)



def golden():
    result = []
    for name, size, model in unusual():
        lines = [f"{key}:{shape(tensor)}" for key, tensor in model.state_dict().items()]
        entry = {"variant": name, "classes": 5, "imageSize": size, "logits": logits(fill(model), 2, size)}
        result.append(entry | {"tensors": lines})
    for name, size in [
        ("AlexNet", 224), ("AlexNet", 127), ("SqueezeNet 1.0", 64), ("SqueezeNet 1.1", 67), ("DenseNet-121", 64),
        ("GoogLeNet with auxiliary classifiers", 67), ("GoogLeNet", 64), ("Inception v3", 75),
        ("Inception v3 with auxiliary classifier", 96), ("MobileNetV2", 64), ("MobileNetV3-Large", 64),
        ("MobileNetV3-Small", 75), ("MobileNetV3-Large (timm)", 64), ("MobileNetV3-Small (timm)", 64),
        ("ShuffleNetV2 x0.5", 64), ("ShuffleNetV2 x1.0", 75), ("MNASNet 0.5", 64), ("MNASNet 1.0", 64),
        ("ResNet-26", 64), ("ResNet-18-D (timm)", 64), ("ResNet-18-D (timm)", 75), ("ResNet-10-T (timm)", 64),
        ("ResNet-26-D (timm)", 70), ("ResNet-50-S (timm)", 64), ("SE-ResNet-18 (timm)", 64),
        ("SE-ResNeXt-50 32x4d (timm)", 64),
    ]:
        values = logits(fill(make(name, 5)), 1, size)
        result.append({"variant": name, "classes": 5, "imageSize": size, "logits": values})
    return result


def main():
    torch.set_num_threads(1)
    write("logits-cnn.json", golden())
    write("structures-cnn.json", structures())


if __name__ == "__main__":
    main()
