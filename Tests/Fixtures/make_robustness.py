"""Writes Tests/Fixtures/robustness/: a small classifier and what torchattacks makes of 12 images.

small.onnx takes normalised images [N, 3, 8, 8] (mean .4 .5 .6, deviation .2 .3 .25) and gives 4 logits.
images.bin: little-endian float32 [12, 3, 8, 8] in [0, 1]; labels.txt; ATTACK.bin: adversarial images of the same shape;
accuracy.txt: correct predictions per attack; ensemble.txt: of AutoAttack's parts, `name epsilon correct`. Needs numpy, onnx, torch,
torchattacks and foolbox.
"""
import os
import numpy as np
import torch
import torch.nn.functional as F
import foolbox
import torchattacks
from onnx import TensorProto, checker, helper, numpy_helper

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "robustness")
os.makedirs(OUT, exist_ok=True)
rng = np.random.default_rng(7)
w = [(rng.normal(size=s) * g).astype(np.float32) for s, g in [((6, 3, 3, 3), .5), ((8, 6, 3, 3), .3), ((4, 8), 1)]]
mean, deviation = [.4, .5, .6], [.2, .3, .25]


class Small(torch.nn.Module):
    def forward(self, x):
        x = (x - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(deviation).view(1, 3, 1, 1)
        x = F.relu(F.conv2d(x, torch.tensor(w[0]), padding=1))
        x = F.relu(F.conv2d(x, torch.tensor(w[1]), padding=1, stride=2))
        return x.mean((2, 3)) @ torch.tensor(w[2]).T + torch.tensor(w[3])


nodes = [
    helper.make_node("Conv", ["x", "w0"], ["a"], pads=[1] * 4), helper.make_node("Relu", ["a"], ["b"]),
    helper.make_node("Conv", ["b", "w1"], ["c"], pads=[1] * 4, strides=[2, 2]), helper.make_node("Relu", ["c"], ["d"]),
    helper.make_node("GlobalAveragePool", ["d"], ["e"]), helper.make_node("Flatten", ["e"], ["f"]),
    helper.make_node("Gemm", ["f", "w2", "w3"], ["logits"], transB=1)]


# 4 classes of tinted noise; the label is the prediction except for three images, so that both cases occur.
images = np.clip(rng.uniform(0, 1, size=(12, 3, 8, 8)) * .6 + rng.uniform(0, .4, size=(12, 3, 1, 1)), 0, 1).astype(np.float32)
images[0, :, :2] = 0
images[1, :, :2] = 1
# The bias centres the logits, so that every class occurs.
w.append(np.zeros(4, np.float32))
w[3] = -0.9 * Small()(torch.tensor(images)).mean(0).detach().numpy()


def write(name, batch):
    model = helper.make_model(helper.make_graph(
        nodes, "small", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 4])],
        [numpy_helper.from_array(v, f"w{i}") for i, v in enumerate(w)]),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    with open(f"{OUT}/{name}.onnx", "wb") as file:
        file.write(model.SerializeToString())


write("small", "N")
write("small_batch1", 1)


model = Small().eval()
x = torch.tensor(images)
logits = model(x).detach()
labels = logits.argmax(1)
labels[3], labels[7], labels[11] = (labels[3] + 1) % 4, logits[7].argsort()[-2], logits[11].argsort()[-2]
images.tofile(f"{OUT}/images.bin")
open(f"{OUT}/labels.txt", "w").write(" ".join(str(int(l)) for l in labels) + "\n")
attacks = {
    "fgsm": torchattacks.FGSM(model, eps=1 / 255),
    "pgd": torchattacks.PGD(model, eps=1 / 255, alpha=0.25 / 255, steps=10, random_start=False),
    "pgd-l2": torchattacks.PGDL2(model, eps=0.1, alpha=0.02, steps=10, random_start=False),
}
lines = [f"clean {int((logits.argmax(1) == labels).sum())}"]
for name, attack in attacks.items():
    adversarial = attack(x, labels)
    adversarial.numpy().astype("<f4").tofile(f"{OUT}/{name}.bin")
    lines.append(f"{name} {int((model(adversarial).argmax(1) == labels).sum())}")
open(f"{OUT}/accuracy.txt", "w").write("\n".join(lines) + "\n")

# AutoAttack and its parts: images right when clean and not fooled. FAB with all its targets, as ours.
ensemble = []
right = logits.argmax(1) == labels
for norm, suffix, budgets in [("Linf", "", [0.002, 0.004, 0.008, 0.016, 0.03]), ("L2", "-l2", [0.03, 0.06, 0.12, 0.25])]:
    for eps in budgets:
        parts = {
            "apgd-ce": torchattacks.APGD(model, norm=norm, eps=eps, steps=100, n_restarts=1, loss="ce", seed=0),
            "apgd-dlr": torchattacks.APGD(model, norm=norm, eps=eps, steps=100, n_restarts=1, loss="dlr", seed=0),
            "apgd-t": torchattacks.APGDT(model, norm=norm, eps=eps, steps=100, n_restarts=1, n_classes=4, seed=0),
            "fab-t": torchattacks.FAB(model, norm=norm, eps=eps, steps=100, n_restarts=1, multi_targeted=True, n_classes=4, seed=0),
            "square": torchattacks.Square(model, norm=norm, eps=eps, n_queries=5000, n_restarts=1, loss="margin", seed=0),
            "autoattack": torchattacks.AutoAttack(model, norm=norm, eps=eps, n_classes=4, seed=0),
        }
        for name, attack in parts.items():
            kept = model(attack(x, labels)).argmax(1) == labels
            ensemble.append(f"{name}{suffix} {eps} {int((kept & right).sum())}")
            print(ensemble[-1], flush=True)
# The attacks that search for the smallest change: how many of their changes are longer than the budget. Foolbox has the
# bisections of Carlini and Wagner, and HopSkipJump.
fool = foolbox.PyTorchModel(model, bounds=(0, 1))


def distances(attack):
    """Per image the length of the change that the attack found; infinite without one."""
    found = attack(x, labels) if isinstance(attack, torchattacks.attack.Attack) else attack.run(fool, x, labels)
    change = (found - x).flatten(1)
    length = change.abs().max(1).values if getattr(attack, "constraint", "l2") == "linf" else change.norm(dim=1)
    return torch.where(model(found).argmax(1) == labels, torch.inf, length)


HopSkipJump = foolbox.attacks.HopSkipJumpAttack
minimal = {
    "deepfool-l2": ([0.03, 0.06, 0.12, 0.25], distances(torchattacks.DeepFool(model, steps=50, overshoot=0.02))),
    "cw-l2": ([0.03, 0.06, 0.12, 0.25], distances(foolbox.attacks.L2CarliniWagnerAttack(binary_search_steps=9, steps=1000))),
    "hopskipjump-l2": ([0.03, 0.06, 0.12, 0.25], distances(HopSkipJump(steps=24, constraint="l2"))),
    "hopskipjump": ([0.008, 0.016, 0.03], distances(HopSkipJump(steps=24, constraint="linf"))),
}
for name, (budgets, lengths) in minimal.items():
    for eps in budgets:
        ensemble.append(f"{name} {eps} {int(((lengths > eps) & right).sum())}")
# Steps along the sign with the papers' numbers.
for eps in [0.004, 0.008, 0.016, 0.03]:
    steps = max(int(np.ceil(min(eps * 255 + 4, 1.25 * eps * 255))), 1)
    targeted = torchattacks.BIM(model, eps=eps, alpha=min(1 / 255, eps), steps=steps)
    targeted.set_mode_targeted_least_likely(quiet=True)
    goals = torch.where(labels == logits.argmin(1), logits.argsort(1)[:, 1], logits.argmin(1))
    ensemble.append(f"least-likely {eps} {int(((model(targeted(x, labels)).argmax(1) != goals) & right).sum())}")
    for name, attack in {
        "bim": torchattacks.BIM(model, eps=eps, alpha=min(1 / 255, eps), steps=steps),
        "mi-fgsm": torchattacks.MIFGSM(model, eps=eps, alpha=eps / 10, steps=10, decay=1.0),
    }.items():
        ensemble.append(f"{name} {eps} {int(((model(attack(x, labels)).argmax(1) == labels) & right).sum())}")
open(f"{OUT}/ensemble.txt", "w").write("\n".join(ensemble) + "\n")
print(lines, sum(os.path.getsize(f"{OUT}/{f}") for f in os.listdir(OUT)) // 1024, "KiB")
