// JPEG (libjpeg-turbo) and PNG (libpng) decoding behind one call that never leaves through longjmp,
// so that Swift can use it: both libraries report errors with setjmp/longjmp, which must not cross Swift frames.
#ifndef SCOPE_IMAGE_CODECS_H
#define SCOPE_IMAGE_CODECS_H

#include <stddef.h>
#include <stdint.h>

enum scope_image_status {
  SCOPE_IMAGE_OK = 0,
  // The bytes contradict the format.
  SCOPE_IMAGE_MALFORMED = 1,
  // The bytes end before the image does.
  SCOPE_IMAGE_TRUNCATED = 2,
  // More pixels, scans or memory than allowed.
  SCOPE_IMAGE_TOO_LARGE = 3,
  // Valid, but not something these decoders handle.
  SCOPE_IMAGE_UNSUPPORTED = 4,
  SCOPE_IMAGE_NO_MEMORY = 5,
};

struct scope_image {
  // width x height x 3 bytes, rows top to bottom, R G B interleaved; owned, release with scope_image_release.
  uint8_t *rgb;
  uint32_t width;
  uint32_t height;
  // EXIF orientation 1...8; 1 when there is none. The pixels are not rotated.
  int orientation;
  // Bits per sample in the file (8 or 16; less for small palettes and grey PNGs).
  int bit_depth;
  // 1 when the file's pixels are grey.
  int is_grey;
  // Why decoding failed, empty otherwise.
  char message[200];
};

// Decode to 8-bit RGB, the way Pillow's Image.convert("RGB") does.
// Refuses, before it allocates pixels, an image with more than max_pixels pixels.
int scope_jpeg_decode(const uint8_t *bytes, size_t count, uint64_t max_pixels, struct scope_image *image);
int scope_png_decode(const uint8_t *bytes, size_t count, uint64_t max_pixels, struct scope_image *image);

void scope_image_release(struct scope_image *image);

// Encodes width x height x 3 bytes (R G B interleaved) as a baseline JPEG with 4:2:0 chroma, libjpeg's and Pillow's default.
// On SCOPE_IMAGE_OK *bytes is owned by the caller; release it with scope_bytes_release.
int scope_jpeg_encode(const uint8_t *rgb, uint32_t width, uint32_t height, int quality, uint8_t **bytes, size_t *count);
void scope_bytes_release(uint8_t *bytes);

// The orientation tag of an EXIF block that starts with its TIFF header; 1 when there is none.
int scope_exif_orientation(const uint8_t *bytes, size_t count);

#endif
