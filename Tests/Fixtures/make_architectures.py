"""Writes Tests/Fixtures/architectures/*.json: the structure of every known architecture as PyTorch sees it, and
logits of PyTorch for deterministic weights and input, and for trained checkpoints and photographs in DATA_FOLDER.

Needs Pillow, torch, torchvision and efficientnet_lite_pytorch. Run: python make_architectures.py [DATA_FOLDER]
"""

import hashlib
import json
import math
import pathlib
import sys

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import nn
from torch.nn import functional as F

FOLDER = pathlib.Path(__file__).parent / "architectures"


class CIFARBlock(nn.Module):
    """Basic block of section 4.2 of arXiv:1512.03385 with the names of akamaster/pytorch_resnet_cifar10."""

    def __init__(self, inputs, planes, stride, option):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != planes:
            self.shortcut = (
                Subsample(planes // 4)
                if option == "A"
                else nn.Sequential(nn.Conv2d(inputs, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))
            )

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class Subsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def forward(self, x):
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.channels, self.channels))


class CIFARResNet(nn.Module):
    def __init__(self, layers, option="A", num_classes=10):
        super().__init__()
        depth = (layers - 2) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        inputs = 16
        for stage in range(3):
            blocks = []
            for index in range(depth):
                blocks.append(CIFARBlock(inputs, 16 << stage, 2 if index == 0 and stage > 0 else 1, option))
                inputs = 16 << stage
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, num_classes)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.layer3(self.layer2(self.layer1(y)))
        return self.linear(F.avg_pool2d(y, y.size(3)).flatten(1))


TORCHVISION = {
    "ResNet-18": "resnet18",
    "ResNet-34": "resnet34",
    "ResNet-50": "resnet50",
    "ResNet-101": "resnet101",
    "ResNet-152": "resnet152",
    "ResNeXt-50 32x4d": "resnext50_32x4d",
    "ResNeXt-101 32x8d": "resnext101_32x8d",
    "ResNeXt-101 64x4d": "resnext101_64x4d",
    "Wide-ResNet-50-2": "wide_resnet50_2",
    "Wide-ResNet-101-2": "wide_resnet101_2",
}


def make(variant, classes, size=None):
    """The model of a variant with `classes` outputs; `size` only where padding depends on it."""
    if variant in TORCHVISION:
        return getattr(torchvision.models, TORCHVISION[variant])(num_classes=classes)
    if variant.startswith("CIFAR"):
        number = int(variant.split("-")[1].split()[0])
        return CIFARResNet(number, "B" if "option B" in variant else "A", classes)
    from efficientnet_lite_pytorch import EfficientNet

    options = {"num_classes": classes} | ({"image_size": size} if size else {})
    return EfficientNet.from_name("efficientnet-lite" + variant[-1], **options)


def variants():
    yield from ((name, 1000) for name in TORCHVISION)
    for number in (20, 32, 44, 56, 110):
        yield f"CIFAR ResNet-{number}", 10
        yield f"CIFAR ResNet-{number} (option B)", 10
    yield from ((f"EfficientNet-Lite{number}", 1000) for number in range(5))


def shape(tensor):
    return "x".join(map(str, tensor.shape))


def structure(model):
    state = model.state_dict()
    lines = sorted(f"{name}:{shape(tensor)}" for name, tensor in state.items())
    modules = list(model.modules())
    return {
        "trainableParameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "modules": len(modules),
        "parameterisedModules": sum(1 for m in modules if list(m.parameters(recurse=False))),
        "weightLayers": sum(1 for m in modules if isinstance(m, (nn.Conv2d, nn.Linear))),
        "bufferTensors": len(list(model.buffers())),
        "bufferElements": sum(b.numel() for b in model.buffers()),
        "keys": len(state),
        "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
    }


def uniform(name, count):
    """`count` numbers in [0, 1) that depend on `name` only; integer arithmetic modulo 2^32."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 & 0xFFFFFFFF
    x = (seed + np.arange(count, dtype=np.uint64) * 2654435761) & 0xFFFFFFFF
    for _ in range(2):
        x = ((x ^ (x >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    x ^= x >> 16
    return (x >> 8).astype(np.float64) / (1 << 24)


def fill(model):
    """Deterministic weights: the same formula is in Tests/ScopeArchitecturesTests/DeterministicWeights.swift."""
    state = model.state_dict()
    for name, tensor in state.items():
        # Counters, index tables and coordinates follow from the architecture.
        if not tensor.is_floating_point() or name.endswith("relative_coords_table"):
            continue
        u = uniform(name, tensor.numel())
        if tensor.dim() > 1:
            values = (2 * u - 1) * math.sqrt(3 / (tensor.numel() // tensor.shape[0]))
        elif name.endswith(("weight", "running_var")):
            values = 0.5 + u
        else:
            values = (u - 0.5) * 0.2
        state[name] = torch.from_numpy(values.astype(np.float32)).reshape(tensor.shape)
    model.load_state_dict(state)
    return model.eval()


def image(batch, size):
    values = 2 * uniform("input", batch * 3 * size * size) - 1
    return torch.from_numpy(values.astype(np.float32)).reshape(batch, 3, size, size)


def logits(model, batch, size):
    with torch.no_grad():
        return [[float(f"{v:.7g}") for v in row] for row in model(image(batch, size)).tolist()]


def checkpoints(data):
    """Logits of trained CIFAR ResNets for photographs: pixels / 255, ImageNet mean and standard deviation."""
    images = [f"cifar10-sample/test/{label}/0000.jpg" for label in ("airplane", "bird", "dog", "truck")]
    pixels = [np.asarray(Image.open(data / name).convert("RGB"), dtype=np.float32) / 255 for name in images]
    mean = np.array([0.485, 0.456, 0.406], np.float32)
    deviation = np.array([0.229, 0.224, 0.225], np.float32)
    batch = torch.from_numpy(np.stack([(p - mean) / deviation for p in pixels])).permute(0, 3, 1, 2)
    result = []
    for layers, file in [(20, "resnet20-12fca82f.th"), (56, "resnet56-4bfd9763.th")]:
        state = torch.load(data / "models" / file, map_location="cpu", weights_only=True)["state_dict"]
        model = CIFARResNet(layers)
        missing = model.load_state_dict({k.removeprefix("module."): v for k, v in state.items()}, strict=False)
        assert not missing.unexpected_keys and all("num_batches" in k for k in missing.missing_keys)
        with torch.no_grad():
            values = model.eval()(batch).tolist()
        rounded = [[float(f"{v:.7g}") for v in row] for row in values]
        entry = {"variant": f"CIFAR ResNet-{layers}", "checkpoint": f"models/{file}", "images": images}
        result.append(entry | {"logits": rounded})
    return result


def write(name, value):
    text = json.dumps(value, indent=1)
    (FOLDER / name).write_text(text + "\n")


def main():
    torch.set_num_threads(1)
    structures = {}
    for name, classes in variants():
        structures[name] = {"classes": classes} | structure(make(name, classes))
    write("structures.json", structures)
    for name, file in [
        ("ResNet-18", "resnet18"),
        ("CIFAR ResNet-20", "cifar-resnet20"),
        ("EfficientNet-Lite0", "efficientnet-lite0"),
    ]:
        state = make(name, structures[name]["classes"]).state_dict()
        (FOLDER / f"{file}.txt").write_text("".join(f"{k}:{shape(v)}\n" for k, v in state.items()))
    golden = []
    for name, size in [
        ("ResNet-18", 64),
        ("ResNet-50", 64),
        ("ResNeXt-50 32x4d", 64),
        ("Wide-ResNet-50-2", 64),
        ("CIFAR ResNet-20", 32),
        ("CIFAR ResNet-20 (option B)", 32),
        ("EfficientNet-Lite0", 64),
        ("EfficientNet-Lite0", 75),
        ("EfficientNet-Lite4", 64),
    ]:
        model = fill(make(name, 10, size))
        golden.append({"variant": name, "classes": 10, "imageSize": size, "logits": logits(model, 2, size)})
    write("logits.json", golden)
    if len(sys.argv) > 1:
        write("checkpoint-logits.json", checkpoints(pathlib.Path(sys.argv[1])))


if __name__ == "__main__":
    main()
