"""Writes Tests/Fixtures/architectures/*-modern.json: EfficientNet, RegNet, ConvNeXt, ViT and Swin as torchvision and
timm define them: structure, MACs (FlopCounterMode / 2) and preprocessing of every published size, and logits of small
or reduced members for deterministic weights and input.

Needs torch, torchvision and timm. Run: python make_modern_architectures.py
"""

import math

import timm
import torch
from timm.data import resolve_data_config
from timm.models.convnext import ConvNeXt as TimmConvNeXt
from timm.models.deit import VisionTransformerDistilled
from timm.models.swin_transformer import SwinTransformer as TimmSwin
from timm.models.vision_transformer import VisionTransformer as TimmVisionTransformer
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models
from torchvision.models import regnet
from torchvision.models.convnext import CNBlockConfig, ConvNeXt
from torchvision.models.swin_transformer import (
    PatchMergingV2,
    SwinTransformer,
    SwinTransformerBlockV2,
)
from torchvision.models.vision_transformer import VisionTransformer

from make_architectures import fill, logits, shape, structure, write

TORCHVISION = (
    {f"EfficientNet-B{n}": f"efficientnet_b{n}" for n in range(8)}
    | {f"EfficientNetV2-{n.upper()}": f"efficientnet_v2_{n}" for n in "sml"}
    | {
        f"RegNet{letter} {size}": f"regnet_{letter.lower()}_{size.lower().replace('.', '_')}"
        for letter in "XY"
        for size in ("400MF", "800MF", "1.6GF", "3.2GF", "8GF", "16GF", "32GF", "128GF")
        if (letter, size) != ("X", "128GF")
    }
    | {f"ConvNeXt {n.title()}": f"convnext_{n}" for n in ("tiny", "small", "base", "large")}
    | {f"ViT-{n.upper().replace('_', '/')}": f"vit_{n}" for n in ("b_16", "b_32", "l_16", "l_32", "h_14")}
    | {f"Swin-{n.upper()}": f"swin_{n}" for n in "tsb"}
    | {f"Swin V2-{n.upper()}": f"swin_v2_{n}" for n in "tsb"}
)

TIMM = (
    {f"EfficientNet-B{n} (timm)": f"efficientnet_b{n}" for n in range(9)}
    | {f"EfficientNet-B{n} (timm tf)": f"tf_efficientnet_b{n}" for n in range(9)}
    | {f"EfficientNetV2-{n.upper()} (timm)": f"efficientnetv2_{n}" for n in ("s", "m", "l", "xl")}
    | {
        f"EfficientNetV2-{n.upper()} (timm tf)": f"tf_efficientnetv2_{n}"
        for n in ("s", "m", "l", "xl", "b0", "b1", "b2", "b3")
    }
    | {f"EfficientNetV2-RW-{n.upper()} (timm)": f"efficientnetv2_rw_{n}" for n in "tsm"}
    | {
        f"RegNet{name.rsplit('_', 1)[0].replace('regnet', '').upper()[0]} {text} (timm)": name
        for name, text in (
            [(f"regnetx_{n:03}", t) for n, t in [
                (2, "200MF"), (4, "400MF"), (6, "600MF"), (8, "800MF"), (16, "1.6GF"), (32, "3.2GF"), (40, "4GF"),
                (64, "6.4GF"), (80, "8GF"), (120, "12GF"), (160, "16GF"), (320, "32GF")]]
            + [("regnetx_004_tv", "400MF wide"), ("regnety_008_tv", "800MF wide"), ("regnety_080_tv", "8GF wide")]
            + [(f"regnety_{n:03}", t) for n, t in [
                (2, "200MF"), (4, "400MF"), (6, "600MF"), (8, "800MF"), (16, "1.6GF"), (32, "3.2GF"), (40, "4GF"),
                (64, "6.4GF"), (80, "8GF"), (120, "12GF"), (160, "16GF"), (320, "32GF"), (640, "64GF"),
                (1280, "128GF")]]
        )
    }
    | {
        f"ConvNeXt {'XLarge' if n == 'xlarge' else n.title()} (timm)": f"convnext_{n}"
        for n in ("atto", "femto", "pico", "nano", "tiny", "small", "base", "large", "xlarge")
    }
    | {
        f"ConvNeXt V2 {n.title()} (timm)": f"convnextv2_{n}"
        for n in ("atto", "femto", "pico", "nano", "tiny", "small", "base", "large", "huge")
    }
    | {
        f"ViT-{letter}/{patch} (timm)": f"vit_{name}_patch{patch}_224"
        for letter, name, patch in [
            ("Ti", "tiny", 16), ("S", "small", 16), ("S", "small", 32), ("B", "base", 8), ("B", "base", 16),
            ("B", "base", 32), ("L", "large", 16), ("L", "large", 32), ("H", "huge", 14), ("g", "giant", 14),
            ("G", "gigantic", 14)]
    }
    | {
        f"DeiT-{letter}/16{' distilled' if extra else ''} (timm)": f"deit_{name}{extra}_patch16_224"
        for extra in ("", "_distilled")
        for letter, name in [("Ti", "tiny"), ("S", "small"), ("B", "base")]
    }
    | {
        f"DeiT-III-{letter}/{patch} (timm)": f"deit3_{name}_patch{patch}_224"
        for letter, name, patch in [
            ("S", "small", 16), ("M", "medium", 16), ("B", "base", 16), ("L", "large", 16), ("H", "huge", 14)]
    }
    | {
        f"Swin-{letter}{' window 12' if window == 12 else ''} (timm)":
            f"swin_{name}_patch4_window{window}_{224 if window == 7 else 384}"
        for letter, name, window in [
            ("T", "tiny", 7), ("S", "small", 7), ("B", "base", 7), ("B", "base", 12), ("L", "large", 7),
            ("L", "large", 12)]
    }
)


def attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, **_):
    """scaled_dot_product_attention as the two products that FlopCounterMode counts."""
    scores = query @ key.transpose(-2, -1) * (scale or 1 / math.sqrt(query.shape[-1]))
    return (scores if attn_mask is None else scores + attn_mask).softmax(-1) @ value


def macs(model, size):
    kept = F.scaled_dot_product_attention
    F.scaled_dot_product_attention = attention
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model.eval()(torch.zeros(1, 3, size, size, device="meta"))
    finally:
        F.scaled_dot_product_attention = kept
    return counter.get_total_flops() // 2


def preprocessing(transforms):
    return {
        "resize": transforms.resize_size[0],
        "crop": transforms.crop_size[0],
        "interpolation": transforms.interpolation.value,
        "mean": transforms.mean[0],
        "standardDeviation": transforms.std[0],
    }


def structures():
    timm.layers.set_fused_attn(False)
    torch.backends.mha.set_fastpath_enabled(False)
    original = regnet.BlockParams.from_init_params.__func__

    def on_cpu(cls, **options):
        with torch.device("cpu"):
            return original(cls, **options)

    regnet.BlockParams.from_init_params = classmethod(on_cpu)
    result = {}
    for name, function in TORCHVISION.items():
        with torch.device("meta"):
            model = getattr(models, function)(num_classes=1000)
        weights = preprocessing(models.get_model_weights(function).DEFAULT.transforms())
        size = 224 if function.startswith("vit_") else weights["crop"]
        if function == "vit_h_14":
            weights |= {"resize": 224, "crop": 224}
        result[name] = {"classes": 1000} | structure(model) | {"imageSize": size, "macs": macs(model, size)} | weights
    for name, function in TIMM.items():
        with torch.device("meta"):
            model = timm.create_model(function, num_classes=1000)
        config = resolve_data_config({}, pretrained_cfg=timm.models.get_pretrained_cfg(function).to_dict())
        size = config["input_size"][-1]
        weights = {
            "resize": math.floor(size / config["crop_pct"]),
            "crop": size,
            "interpolation": config["interpolation"],
            "mean": config["mean"][0],
            "standardDeviation": config["std"][0],
        }
        result[name] = {"classes": 1000} | structure(model) | {"imageSize": size, "macs": macs(model, size)} | weights
    return result


def reduced():
    """Small members of every family that no one published: name, image size, model."""
    vit = dict(img_size=32, patch_size=8, embed_dim=128, depth=2, num_heads=2, mlp_ratio=2, num_classes=5)
    yield "ViT (patch 8, width 128, depth 2, hidden width 256)", 32, VisionTransformer(32, 8, 2, 2, 128, 256, num_classes=5)
    yield "ViT (patch 8, width 128, depth 2, hidden width 256) (timm)", 32, TimmVisionTransformer(**vit)
    yield "DeiT (patch 8, width 128, depth 2, hidden width 256) distilled (timm)", 32, VisionTransformerDistilled(**vit)
    third = TimmVisionTransformer(**vit, init_values=1e-6, no_embed_class=True, qkv_bias=False)
    yield "DeiT-III (patch 8, width 128, depth 2, hidden width 256) (timm)", 32, third
    depths, widths = [1, 1, 2, 1], [16, 24, 32, 48]
    text = "(depths 1-1-2-1, widths 16-24-32-48)"
    settings = [CNBlockConfig(w, v, d) for w, v, d in zip(widths, widths[1:] + [None], depths)]
    yield f"ConvNeXt {text}", 64, ConvNeXt(settings, num_classes=5)
    yield f"ConvNeXt {text} (timm)", 64, TimmConvNeXt(depths=depths, dims=widths, num_classes=5)
    convolutions = TimmConvNeXt(depths=depths, dims=widths, num_classes=5, conv_mlp=True)
    yield f"ConvNeXt {text} (timm)", 67, convolutions
    second = TimmConvNeXt(depths=depths, dims=widths, num_classes=5, conv_mlp=True, use_grn=True, ls_init_value=None)
    yield f"ConvNeXt V2 {text} (timm)", 64, second
    swin = dict(patch_size=[4, 4], embed_dim=24, depths=[2, 2, 2], num_heads=[2, 3, 4], window_size=[4, 4], num_classes=5)
    text = "(patch 4, width 24, depths 2-2-2, heads 2-3-4, window 4)"
    for size in (64, 50):
        yield f"Swin {text}", size, SwinTransformer(**swin)
        yield f"Swin V2 {text}", size, SwinTransformer(**swin, block=SwinTransformerBlockV2, downsample_layer=PatchMergingV2)
    options = dict(img_size=64, window_size=4, embed_dim=24, depths=(2, 2, 2), num_heads=(2, 3, 4), num_classes=5)
    yield f"Swin {text} (timm)", 64, TimmSwin(**options)
    yield "RegNetX (depths 1-2, widths 16-32, group widths 8-16, stem 16)", 32, regnet.RegNet(
        regnet.BlockParams([1, 2], [16, 32], [8, 16], [1.0, 1.0], [2, 2]), num_classes=5, stem_width=16)


def golden():
    result = []
    for name, size, model in reduced():
        lines = [f"{key}:{shape(tensor)}" for key, tensor in model.state_dict().items()]
        entry = {"variant": name, "classes": 5, "imageSize": size, "logits": logits(fill(model), 2, size)}
        result.append(entry | {"tensors": lines})
    for name, size in [
        ("EfficientNet-B0", 64), ("EfficientNet-B0", 75), ("EfficientNetV2-S", 64), ("RegNetY 400MF", 64),
        ("RegNetX 400MF", 64), ("Swin-T", 224), ("EfficientNet-B0 (timm)", 64), ("EfficientNet-B0 (timm tf)", 64),
        ("EfficientNet-B0 (timm tf)", 75), ("EfficientNetV2-RW-T (timm)", 64), ("EfficientNetV2-B0 (timm tf)", 64),
        ("RegNetY 200MF (timm)", 64), ("ViT-Ti/16 (timm)", 224), ("ConvNeXt Atto (timm)", 64),
    ]:
        torchvision = name in TORCHVISION
        model = (
            getattr(models, TORCHVISION[name])(num_classes=5)
            if torchvision
            else timm.create_model(TIMM[name], num_classes=5)
        )
        values = logits(fill(model), 1, size)
        result.append({"variant": name, "classes": 5, "imageSize": size, "logits": values})
    return result


def main():
    torch.set_num_threads(1)
    write("logits-modern.json", golden())
    write("structures-modern.json", structures())


if __name__ == "__main__":
    main()
