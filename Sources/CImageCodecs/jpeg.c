#include "image_codecs.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

// A progressive file may repeat scans without end; each costs a pass over the whole image.
#define MAX_SCANS 300
#define MAX_DECODER_BYTES (1L << 30)

struct decoder {
  struct jpeg_decompress_struct cinfo;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf escape;
  int status;
  struct scope_image *image;
  // One row of the library's own output when it is not RGB.
  uint8_t *row;
};

static void fail(struct decoder *decoder, int status, const char *message) {
  decoder->status = status;
  snprintf(decoder->image->message, sizeof decoder->image->message, "%s", message);
  longjmp(decoder->escape, 1);
}

static void on_error(j_common_ptr cinfo) {
  struct decoder *decoder = cinfo->client_data;
  char text[JMSG_LENGTH_MAX];
  (*cinfo->err->format_message)(cinfo, text);
  int status = SCOPE_IMAGE_MALFORMED;
  switch (cinfo->err->msg_code) {
    case JERR_OUT_OF_MEMORY: status = SCOPE_IMAGE_NO_MEMORY; break;
    case JERR_NO_BACKING_STORE: case JERR_IMAGE_TOO_BIG: status = SCOPE_IMAGE_TOO_LARGE; break;
    case JERR_INPUT_EOF: case JERR_INPUT_EMPTY: status = SCOPE_IMAGE_TRUNCATED; break;
    case JERR_BAD_PRECISION: case JERR_SOF_UNSUPPORTED: case JERR_CONVERSION_NOTIMPL: case JERR_CCIR601_NOTIMPL:
    case JERR_NOT_COMPILED: case JERR_ARITH_NOTIMPL: case JERR_FRACT_SAMPLE_NOTIMPL:
      status = SCOPE_IMAGE_UNSUPPORTED;
      break;
    default: break;
  }
  fail(decoder, status, text);
}

// Warnings mean the library guessed on. Where it invents pixels the image is not usable as evidence.
static void on_message(j_common_ptr cinfo, int level) {
  if (level >= 0) return;
  switch (cinfo->err->msg_code) {
    case JWRN_JPEG_EOF:
      fail(cinfo->client_data, SCOPE_IMAGE_TRUNCATED, "the file ends before the image does");
      break;
    case JWRN_HIT_MARKER: case JWRN_HUFF_BAD_CODE: case JWRN_ARITH_BAD_CODE: case JWRN_MUST_RESYNC: {
      char text[JMSG_LENGTH_MAX];
      (*cinfo->err->format_message)(cinfo, text);
      fail(cinfo->client_data, SCOPE_IMAGE_MALFORMED, text);
      break;
    }
    default: break;
  }
}

static void on_progress(j_common_ptr cinfo) {
  struct decoder *decoder = cinfo->client_data;
  if (decoder->cinfo.input_scan_number > MAX_SCANS) {
    fail(decoder, SCOPE_IMAGE_TOO_LARGE, "more than 300 progressive scans");
  }
}

static uint8_t multiply(uint8_t a, uint8_t b) {
  unsigned t = (unsigned)a * b + 128;
  return (uint8_t)(((t >> 8) + t) >> 8);
}

// Pillow reads four-component JPEGs as inverted CMYK (Adobe's convention) and converts without a colour profile.
static void cmyk_to_rgb(const uint8_t *in, uint8_t *out, uint32_t width) {
  for (uint32_t x = 0; x < width; x++, in += 4, out += 3) {
    uint8_t black = in[3];
    for (int c = 0; c < 3; c++) {
      int value = black - multiply((uint8_t)(255 - in[c]), black);
      out[c] = value < 0 ? 0 : (uint8_t)value;
    }
  }
}

static void decode(struct decoder *decoder, const uint8_t *bytes, size_t count, uint64_t max_pixels) {
  struct jpeg_decompress_struct *cinfo = &decoder->cinfo;
  struct scope_image *image = decoder->image;
  cinfo->mem->max_memory_to_use = MAX_DECODER_BYTES;
  jpeg_mem_src(cinfo, bytes, (unsigned long)count);
  jpeg_save_markers(cinfo, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(cinfo, TRUE);

  image->width = cinfo->image_width;
  image->height = cinfo->image_height;
  image->bit_depth = cinfo->data_precision;
  for (jpeg_saved_marker_ptr marker = cinfo->marker_list; marker; marker = marker->next) {
    if (marker->data_length > 6 && memcmp(marker->data, "Exif\0\0", 6) == 0) {
      image->orientation = scope_exif_orientation(marker->data + 6, marker->data_length - 6);
      break;
    }
  }
  if ((uint64_t)image->width * image->height > max_pixels) {
    fail(decoder, SCOPE_IMAGE_TOO_LARGE, "too many pixels");
  }
  switch (cinfo->num_components) {
    case 1: cinfo->out_color_space = JCS_GRAYSCALE; image->is_grey = 1; break;
    case 3: cinfo->out_color_space = JCS_RGB; break;
    case 4: cinfo->out_color_space = JCS_CMYK; break;
    default: fail(decoder, SCOPE_IMAGE_UNSUPPORTED, "neither 1, 3 nor 4 colour components");
  }
  // What Pillow uses: the exact integer transform and smooth chroma upsampling.
  cinfo->dct_method = JDCT_ISLOW;
  cinfo->do_fancy_upsampling = TRUE;
  jpeg_start_decompress(cinfo);

  size_t stride = (size_t)image->width * 3;
  image->rgb = malloc(stride * image->height);
  decoder->row = malloc((size_t)image->width * 4);
  if (!image->rgb || !decoder->row) fail(decoder, SCOPE_IMAGE_NO_MEMORY, "not enough memory");
  while (cinfo->output_scanline < cinfo->output_height) {
    uint8_t *target = image->rgb + stride * cinfo->output_scanline;
    JSAMPROW rows[1] = {cinfo->num_components == 3 ? target : decoder->row};
    if (jpeg_read_scanlines(cinfo, rows, 1) != 1) fail(decoder, SCOPE_IMAGE_TRUNCATED, "rows are missing");
    if (cinfo->num_components == 1) {
      for (uint32_t x = 0; x < image->width; x++) memset(target + 3 * (size_t)x, decoder->row[x], 3);
    } else if (cinfo->num_components == 4) {
      cmyk_to_rgb(decoder->row, target, image->width);
    }
  }
}

int scope_jpeg_decode(const uint8_t *bytes, size_t count, uint64_t max_pixels, struct scope_image *image) {
  memset(image, 0, sizeof *image);
  image->orientation = 1;
  struct decoder *decoder = calloc(1, sizeof *decoder);
  if (!decoder) return SCOPE_IMAGE_NO_MEMORY;
  decoder->image = image;
  decoder->cinfo.err = jpeg_std_error(&decoder->errors);
  decoder->errors.error_exit = on_error;
  decoder->errors.emit_message = on_message;
  decoder->cinfo.client_data = decoder;
  if (setjmp(decoder->escape) == 0) {
    // Clears the structure except err and client_data.
    jpeg_create_decompress(&decoder->cinfo);
    decoder->progress.progress_monitor = on_progress;
    decoder->cinfo.progress = &decoder->progress;
    decode(decoder, bytes, count, max_pixels);
  } else {
    scope_image_release(image);
  }
  int status = decoder->status;
  jpeg_destroy_decompress(&decoder->cinfo);
  free(decoder->row);
  free(decoder);
  return status;
}

struct encoder {
  struct jpeg_compress_struct cinfo;
  struct jpeg_error_mgr errors;
  jmp_buf escape;
};

static void on_encode_error(j_common_ptr cinfo) {
  struct encoder *encoder = cinfo->client_data;
  longjmp(encoder->escape, 1);
}

static void on_encode_message(j_common_ptr cinfo, int level) {
  (void)cinfo;
  (void)level;
}

int scope_jpeg_encode(const uint8_t *rgb, uint32_t width, uint32_t height, int quality, uint8_t **bytes, size_t *count) {
  *bytes = NULL;
  *count = 0;
  struct encoder *encoder = calloc(1, sizeof *encoder);
  if (!encoder) return SCOPE_IMAGE_NO_MEMORY;
  unsigned char *buffer = NULL;
  unsigned long size = 0;
  volatile int status = SCOPE_IMAGE_OK;
  encoder->cinfo.err = jpeg_std_error(&encoder->errors);
  encoder->errors.error_exit = on_encode_error;
  encoder->errors.emit_message = on_encode_message;
  encoder->cinfo.client_data = encoder;
  if (setjmp(encoder->escape) == 0) {
    jpeg_create_compress(&encoder->cinfo);
    jpeg_mem_dest(&encoder->cinfo, &buffer, &size);
    encoder->cinfo.image_width = width;
    encoder->cinfo.image_height = height;
    encoder->cinfo.input_components = 3;
    encoder->cinfo.in_color_space = JCS_RGB;
    jpeg_set_defaults(&encoder->cinfo);
    jpeg_set_quality(&encoder->cinfo, quality, TRUE);
    jpeg_start_compress(&encoder->cinfo, TRUE);
    while (encoder->cinfo.next_scanline < height) {
      JSAMPROW row = (JSAMPROW)(rgb + (size_t)encoder->cinfo.next_scanline * width * 3);
      jpeg_write_scanlines(&encoder->cinfo, &row, 1);
    }
    jpeg_finish_compress(&encoder->cinfo);
  } else {
    status = SCOPE_IMAGE_NO_MEMORY;
  }
  jpeg_destroy_compress(&encoder->cinfo);
  free(encoder);
  if (status != SCOPE_IMAGE_OK) {
    free(buffer);
    return status;
  }
  *bytes = buffer;
  *count = size;
  return SCOPE_IMAGE_OK;
}

void scope_bytes_release(uint8_t *bytes) { free(bytes); }
