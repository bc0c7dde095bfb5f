"""Saves a zoo of PyTorch models with random weights as TorchScript, to be converted and executed by the test suite.

    python check_torchscript.py FOLDER [NAME ...]
    NEURAL_SCOPE_PROGRAMS=FOLDER swift test -c release --filter TorchScriptZooTests

Each model gives NAME.trace.pt and NAME.script.pt (where torch.jit.script takes it), each with a NAME.*.safetensors of its
inputs (`input.0` ...) and what the saved program computes (`output.0` ...). Traced with a batch of one and computed for
two where the trace allows it. Needs torch, torchvision, timm, transformers and safetensors.
"""

import argparse
import os
import sys
import warnings

import safetensors.torch
import torch

from check_programs import TIMM, VISION, calibrate, zoo

warnings.filterwarnings("ignore")
torch.set_num_threads(1)


def tensors(value):
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    return [tensor for item in value or [] for tensor in tensors(item)]


def models():
    result = {}
    for name, make in zoo().items():
        kind, _, plain = name.partition("_")
        size = 299 if plain == "inception_v3" else 224
        if kind == "hf":
            result[name] = make
            continue

        def sized(kind=kind, plain=plain, size=size):
            if kind == "tv":
                import torchvision.models as vision
                options = {"init_weights": False} if plain in ("googlenet", "inception_v3") else {}
                return getattr(vision, plain)(weights=None, **options).eval(), (torch.randn(2, 3, size, size),)
            import timm
            return timm.create_model(plain, pretrained=False, scriptable=True).eval(), (torch.randn(2, 3, size, size),)

        result[name] = sized
    return result


def save(name, module, inputs, folder):
    with torch.no_grad():
        try:
            outputs = module(*inputs)
        except RuntimeError:
            inputs = tuple(value[:1] for value in inputs)
            outputs = module(*inputs)
    values = {f"input.{index}": value.contiguous() for index, value in enumerate(inputs)}
    values |= {f"output.{index}": value.detach().contiguous() for index, value in enumerate(tensors(outputs))}
    torch.jit.save(module, os.path.join(folder, name + ".pt"))
    safetensors.torch.save_file(values, os.path.join(folder, name + ".safetensors"))
    print("saved", name, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    available = models()
    failed = 0
    for name in arguments.names or available:
        torch.manual_seed(0)
        try:
            model, inputs = available[name]()
            calibrate(model, inputs)
            for parameter in model.parameters():
                parameter.requires_grad_(True)
            with torch.no_grad():
                traced = torch.jit.trace(model, tuple(value[:1] for value in inputs), check_trace=False)
            save(name + ".trace", traced, inputs, arguments.folder)
        except Exception as error:
            failed += 1
            print("FAILED", name, "trace", str(error)[-300:], flush=True)
        if name.startswith("hf_"):
            continue
        try:
            save(name + ".script", torch.jit.script(model), inputs, arguments.folder)
        except Exception as error:
            print("no script of", name, str(error)[:200], flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
