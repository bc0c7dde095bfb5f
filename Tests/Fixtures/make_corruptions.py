"""Writes Tests/Fixtures/corruptions/: one picture and what the package imagecorruptions 1.1.2 makes of it.

picture.bin: [3, 80, 80] uint8 planes. NAME.bin: the same of the deterministic corruptions, severity 3, rounded. random.txt: `NAME severity mean deviation`, of the change of all values over 24 runs of the random ones.

    python Tests/Fixtures/make_corruptions.py      needs numpy, imagecorruptions, setuptools below 80
"""
import os
import warnings

import numpy as np

warnings.simplefilter("ignore")
import imagecorruptions.corruptions as c
from skimage.filters import gaussian

# The package calls scikit-image by a name that newer versions do not have.
np.float_ = np.float64
c.gaussian = lambda *a, multichannel=None, **k: gaussian(*a, channel_axis=-1 if multichannel else None, **k)
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corruptions")
os.makedirs(OUT, exist_ok=True)
SIZE = 80
rng = np.random.default_rng(3)
y, x = np.mgrid[:SIZE, :SIZE] / SIZE
picture = np.stack([
    0.5 + 0.4 * np.sin(9 * x + 3 * y), 0.2 + 0.6 * ((x - 0.5) ** 2 + (y - 0.4) ** 2 < 0.09), 0.9 * y], axis=-1)
picture[20:50, 60:90] = [0.9, 0.3, 0.1]
picture = (255 * np.clip(picture + 0.03 * rng.standard_normal(picture.shape), 0, 1)).astype(np.uint8)
picture.transpose(2, 0, 1).tofile(f"{OUT}/picture.bin")


def planes(image):
    return (np.asarray(image, dtype=np.float32) / 255).transpose(2, 0, 1)


from PIL import Image
pil = Image.fromarray(picture)
fixed = {
    "gaussian-blur": c.gaussian_blur(pil, 3), "defocus-blur": c.defocus_blur(pil, 3), "brightness": c.brightness(pil, 3),
    "contrast": c.contrast(pil, 3), "saturate": c.saturate(pil, 3), "pixelate": pil.resize((32, 32), Image.BOX).resize((80, 80), Image.BOX),  # as in the paper; the package: nearest
   
    "jpeg": c.jpeg_compression(pil, 3), "zoom-blur": c.zoom_blur(pil, 3),
    "motion-30": np.clip(c._motion_blur(picture, radius=15, sigma=8, angle=30), 0, 255),
}
for name, image in fixed.items():
    np.round(255 * planes(image)).astype(np.uint8).tofile(f"{OUT}/{name}.bin")
names = {"gaussian-noise": c.gaussian_noise, "shot-noise": c.shot_noise, "impulse-noise": c.impulse_noise,
         "speckle-noise": c.speckle_noise, "glass-blur": c.glass_blur, "fog": c.fog, "snow": c.snow,
         "elastic": c.elastic_transform}
lines = []
np.random.seed(0)
for name, function in names.items():
    for severity in (1, 3, 5):
        changes = np.stack([planes(function(pil, severity)) - planes(picture) for _ in range(24)])
        lines.append(f"{name} {severity} {changes.mean():.5f} {changes.std():.5f}")
open(f"{OUT}/random.txt", "w").write("\n".join(lines) + "\n")
print("\n".join(lines))
