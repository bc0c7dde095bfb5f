#!/usr/bin/env python3
"""Writes Tests/Fixtures/images: tiny images in every supported variant and the pixels Pillow and torchvision give.

NAME.EXT is the image, NAME.EXT.rgb its pixels ([H, W, 3] bytes) after Pillow's convert("RGB");
resize_FILTER_WxH.rgb is rgb.png resized by Pillow, transform_FILTER_R_C.rgb by torchvision's Resize(R), CenterCrop(C).
Needs pillow, numpy and torchvision. Run: python3 Tests/Fixtures/make_images.py
"""
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image
from torchvision import transforms

OUT = pathlib.Path(__file__).parent / "images"
OUT.mkdir(exist_ok=True)
W, H = 25, 17
random = np.random.default_rng(7)


def picture(channels, bits=8):
    y, x = np.mgrid[0:H, 0:W]
    planes = [128 + 90 * np.sin(x / (3 + c) + c) * np.cos(y / (4 - c / 2)) + random.normal(0, 12, (H, W)) for c in range(channels)]
    values = np.clip(np.stack(planes, -1), 0, 255)
    return (values * 257).astype(np.uint16) if bits == 16 else values.astype(np.uint8)


def png(path, pixels, colour, bits, interlace=False):
    """A PNG encoder for what Pillow does not write: 16-bit colour and Adam7."""
    def scanlines(part):
        raw = part.astype(">u2").tobytes() if bits == 16 else part.astype(np.uint8).tobytes()
        row = len(raw) // part.shape[0]
        return b"".join(b"\0" + raw[i * row:(i + 1) * row] for i in range(part.shape[0]))
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    if interlace:
        parts = [pixels[y0::dy, x0::dx] for x0, y0, dx, dy in passes]
        data = b"".join(scanlines(p) for p in parts if p.size)
    else:
        data = scanlines(pixels)
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], bits, colour, 0, 0, int(interlace))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))


rgb = Image.fromarray(picture(3))
grey = Image.fromarray(picture(1)[..., 0])
rgb.save(OUT / "rgb.png")
rgb.save(OUT / "subsampled.jpg", quality=85, subsampling=2)
rgb.save(OUT / "full.jpg", quality=90, subsampling=0)
rgb.save(OUT / "progressive.jpg", quality=85, progressive=True)
exif = Image.Exif()
exif[274] = 6
rgb.save(OUT / "exif6.jpg", quality=85, exif=exif)
rgb.save(OUT / "exif6.png", exif=exif)
Image.fromarray(picture(4), "CMYK").save(OUT / "cmyk.jpg", quality=85)
grey.save(OUT / "grey.jpg", quality=85)
grey.save(OUT / "grey.png")
grey.point(lambda v: v > 128 and 255).convert("1").save(OUT / "bilevel.png")
Image.fromarray(picture(2), "LA").save(OUT / "grey_alpha.png")
Image.fromarray(picture(4), "RGBA").save(OUT / "alpha.png")
rgb.quantize(12).save(OUT / "palette.png")
rgb.quantize(12).save(OUT / "palette_transparent.png", transparency=3)
png(OUT / "deep.png", picture(3, 16), 2, 16)
png(OUT / "deep_grey.png", picture(1, 16), 0, 16)
png(OUT / "interlaced.png", picture(3), 2, 8, interlace=True)

for path in sorted(OUT.glob("*.jpg")) + sorted(OUT.glob("*.png")):
    image = Image.open(path)
    if path.name == "deep_grey.png":
        # Pillow clips values above 255; the high byte is the deliberate difference.
        pixels = np.repeat((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)[..., None], 3, -1)
    else:
        pixels = np.asarray(image.convert("RGB"))
    (OUT / (path.name + ".rgb")).write_bytes(pixels.tobytes())

for name, kernel in (("bilinear", Image.Resampling.BILINEAR), ("bicubic", Image.Resampling.BICUBIC)):
    for width, height in ((11, 7), (39, 31), (31, 9), (25, 5), (1, 1)):
        pixels = np.asarray(rgb.resize((width, height), kernel))
        (OUT / f"resize_{name}_{width}x{height}.rgb").write_bytes(pixels.tobytes())
    for resize, crop in ((14, 11), (22, 21)):
        steps = transforms.Compose([transforms.Resize(resize, getattr(transforms.InterpolationMode, name.upper())), transforms.CenterCrop(crop)])
        (OUT / f"transform_{name}_{resize}_{crop}.rgb").write_bytes(np.asarray(steps(rgb)).tobytes())
