#!/usr/bin/env python3
"""The tool on architectures that the checkpoints of run.py do not cover, exported with random weights.

    architectures.py --work FOLDER --images DIR [--tool .build/release/neural-scope] [--models ...] [--threads 1 2]
                     [--budget 120s]

Random weights show structure, speed and agreement with the original, nothing of accuracy. Batch normalisation gets the
statistics of some of the images, so that the scores differ from image to image; BERT gets random tokens. What FOLDER holds
is not exported again. Prints a Markdown table; every run's JSON stays in FOLDER.
"""
import argparse
import json
import os
import pathlib
import sys
import warnings

from run import measure

# A network of random weights has near ties among 1,000 classes: agreement may fall far.
MODELS = {
    'mobilenet_v2': 'MobileNetV2',
    'mobilenet_v3_small': 'MobileNetV3 small',
    'mobilenet_v3_large': 'MobileNetV3 large',
    'densenet121': 'DenseNet121',
    'vit_b_16': 'ViT-B/16',
    'bert': 'BERT base, 128 tokens',
}


def pictures(folder, count):
    """[count, 3, 224, 224] as the tool's preset `imagenet` prepares them."""
    import torch
    import torchvision.transforms as transforms
    from PIL import Image
    prepare = transforms.Compose([
        transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    files = sorted(p for p in pathlib.Path(folder).rglob('*') if p.suffix.lower() in ('.jpg', '.jpeg', '.png'))
    chosen = files[::max(len(files) // count, 1)][:count]
    return torch.stack([prepare(Image.open(path).convert('RGB')) for path in chosen])


def export(name, path, folder):
    import torch
    import torchvision
    torch.manual_seed(0)
    if name == 'bert':
        import numpy
        sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'Tests/Fixtures'))
        from export_zoo import Encoder

        class Classifier(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.encoder, self.head = Encoder(), torch.nn.Linear(768, 100)

            def forward(self, tokens, mask):
                return self.head(self.encoder(tokens, mask)[1])

        tokens = torch.randint(1000, 30000, (160, 128))
        torch.onnx.export(Classifier().eval(), (tokens[:1], torch.ones_like(tokens[:1])), path, opset_version=17,
                          dynamo=False, input_names=['input_ids', 'attention_mask'], output_names=['logits'])
        numpy.savez(path.with_suffix('.npz'), input_ids=tokens.numpy(), attention_mask=numpy.ones(tokens.shape, 'int64'))
        return
    model = getattr(torchvision.models, name)(weights=None)
    model.train()
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = None  # the plain mean of what it sees
        if any(isinstance(layer, torch.nn.BatchNorm2d) for layer in model.modules()):
            model(pictures(folder, 32))
    if name.startswith('vit'):
        torch.nn.init.normal_(model.heads.head.weight, std=0.1)  # zeros otherwise
    torch.onnx.export(model.eval(), torch.zeros(1, 3, 224, 224), path, opset_version=17, dynamo=False,
                      input_names=['input'], output_names=['logits'])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--work', required=True, type=pathlib.Path)
    parser.add_argument('--images', required=True)
    parser.add_argument('--tool', default='.build/release/neural-scope')
    parser.add_argument('--models', nargs='+', default=list(MODELS), choices=list(MODELS))
    parser.add_argument('--threads', nargs='+', type=int, default=[1, 2])
    parser.add_argument('--budget', default='60s')
    parser.add_argument('--limit', default='200')
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter('ignore')
    rows = []
    for name in options.models:
        model = options.work / f'{name}.onnx'
        if not model.exists():
            # In a child: what this process holds would count as the tool's memory.
            if os.fork() == 0:
                export(name, model, options.images)
                os._exit(0)
            if os.wait()[1]:
                sys.exit(f'{name} could not be exported')
        for threads in options.threads:
            output = options.work / f'{name}-{threads}.json'
            data = ['--data', str(model.with_suffix('.npz'))] if name == 'bert' else [
                '--data', options.images, '--preset', 'imagenet', '--limit', options.limit]
            result = measure(
                [options.tool, 'optimize', str(model), *data, '--judge', 'agreement', '--max-accuracy-drop', '100',
                 '--threads', str(threads), '--time-budget', options.budget, '--json',
                 '--out', str(options.work / f'{name}-{threads}.onnx')], output)
            if result['exitCode']:
                print(f'{name}, {threads} threads: {result["reason"]}', file=sys.stderr)
                continue
            report = json.loads(output.read_text())
            found = report.get('optimization', report)
            speed, agreement = found['speedup'], found['agreement']
            rows.append((MODELS[name], threads, found.get('chosen', '-'),
                         found['originalBytes']['value'] / found['optimizedBytes']['value'],
                         f'{speed["value"]:.2f} ({speed["interval"]["low"]:.2f}-{speed["interval"]["high"]:.2f})',
                         f'{100 * agreement["value"]:.1f}%', result['wallSeconds'], result['peakMiB']))
            print(rows[-1], file=sys.stderr, flush=True)
    print('| network | threads | written | times smaller | times faster (95%) | agreement | search, s | peak, MiB |')
    print('|---|---|---|---|---|---|---|---|')
    for title, threads, chosen, smaller, faster, agreement, seconds, peak in rows:
        print(f'| {title} | {threads} | {chosen} | {smaller:.2f} | {faster} | {agreement} | {seconds:.0f} | {peak:.0f} |')


if __name__ == '__main__':
    main()
