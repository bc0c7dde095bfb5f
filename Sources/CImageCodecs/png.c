#include "image_codecs.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

struct decoder {
  jmp_buf escape;
  int status;
  struct scope_image *image;
  const uint8_t *bytes;
  size_t count;
  size_t position;
  png_structp png;
  png_infop info;
  png_bytep *rows;
};

static void fail(struct decoder *decoder, int status, const char *message) {
  decoder->status = status;
  snprintf(decoder->image->message, sizeof decoder->image->message, "%s", message);
  longjmp(decoder->escape, 1);
}

static void on_error(png_structp png, png_const_charp message) {
  struct decoder *decoder = png_get_error_ptr(png);
  fail(decoder, strstr(message, "memory") ? SCOPE_IMAGE_NO_MEMORY : SCOPE_IMAGE_MALFORMED, message);
}

// Warnings concern chunks that do not change pixels (text, profiles, time).
static void on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void on_read(png_structp png, png_bytep target, size_t length) {
  struct decoder *decoder = png_get_io_ptr(png);
  if (length > decoder->count - decoder->position) {
    fail(decoder, SCOPE_IMAGE_TRUNCATED, "the file ends before the image does");
  }
  memcpy(target, decoder->bytes + decoder->position, length);
  decoder->position += length;
}

static void decode(struct decoder *decoder, uint64_t max_pixels) {
  struct scope_image *image = decoder->image;
  png_structp png = decoder->png;
  png_set_user_limits(png, 1000000, 1000000);
  png_set_chunk_cache_max(png, 128);
  png_set_chunk_malloc_max(png, 8 << 20);
  png_set_read_fn(png, decoder, on_read);
  png_read_info(png, decoder->info);

  image->width = png_get_image_width(png, decoder->info);
  image->height = png_get_image_height(png, decoder->info);
  image->bit_depth = png_get_bit_depth(png, decoder->info);
  int colour = png_get_color_type(png, decoder->info);
  image->is_grey = !(colour & PNG_COLOR_MASK_COLOR);
  if ((uint64_t)image->width * image->height > max_pixels) {
    fail(decoder, SCOPE_IMAGE_TOO_LARGE, "too many pixels");
  }
  png_uint_32 exif_count = 0;
  png_bytep exif = NULL;
  if (png_get_eXIf_1(png, decoder->info, &exif_count, &exif) && exif) {
    image->orientation = scope_exif_orientation(exif, exif_count);
  }

  if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (colour == PNG_COLOR_TYPE_GRAY && image->bit_depth < 8) png_set_expand_gray_1_2_4_to_8(png);
  // The high byte, as Pillow reads 16-bit colour.
  if (image->bit_depth == 16) png_set_strip_16(png);
  png_set_strip_alpha(png);
  png_set_gray_to_rgb(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, decoder->info);

  size_t stride = (size_t)image->width * 3;
  if (png_get_rowbytes(png, decoder->info) != stride) fail(decoder, SCOPE_IMAGE_UNSUPPORTED, "unexpected row size");
  image->rgb = malloc(stride * image->height);
  decoder->rows = malloc(sizeof(png_bytep) * image->height);
  if (!image->rgb || !decoder->rows) fail(decoder, SCOPE_IMAGE_NO_MEMORY, "not enough memory");
  for (uint32_t y = 0; y < image->height; y++) decoder->rows[y] = image->rgb + stride * y;
  png_read_image(png, decoder->rows);
}

int scope_png_decode(const uint8_t *bytes, size_t count, uint64_t max_pixels, struct scope_image *image) {
  memset(image, 0, sizeof *image);
  image->orientation = 1;
  struct decoder *decoder = calloc(1, sizeof *decoder);
  if (!decoder) return SCOPE_IMAGE_NO_MEMORY;
  decoder->image = image;
  decoder->bytes = bytes;
  decoder->count = count;
  if (setjmp(decoder->escape) == 0) {
    decoder->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, decoder, on_error, on_warning);
    if (decoder->png) decoder->info = png_create_info_struct(decoder->png);
    if (!decoder->info) fail(decoder, SCOPE_IMAGE_NO_MEMORY, "not enough memory");
    decode(decoder, max_pixels);
  } else {
    scope_image_release(image);
  }
  int status = decoder->status;
  png_destroy_read_struct(&decoder->png, &decoder->info, NULL);
  free(decoder->rows);
  free(decoder);
  return status;
}
