#include "image_codecs.h"

#include <stdlib.h>

static uint32_t number(const uint8_t *bytes, int size, int big_endian) {
  uint32_t value = 0;
  for (int i = 0; i < size; i++) value |= (uint32_t)bytes[i] << (8 * (big_endian ? size - 1 - i : i));
  return value;
}

int scope_exif_orientation(const uint8_t *bytes, size_t count) {
  if (count < 8) return 1;
  int big_endian;
  if (bytes[0] == 'M' && bytes[1] == 'M') {
    big_endian = 1;
  } else if (bytes[0] == 'I' && bytes[1] == 'I') {
    big_endian = 0;
  } else {
    return 1;
  }
  size_t directory = number(bytes + 4, 4, big_endian);
  if (directory > count || count - directory < 2) return 1;
  size_t entries = number(bytes + directory, 2, big_endian);
  for (size_t i = 0; i < entries; i++) {
    size_t entry = directory + 2 + 12 * i;
    if (entry > count || count - entry < 12) return 1;
    if (number(bytes + entry, 2, big_endian) != 0x0112) continue;
    uint32_t value = number(bytes + entry + 8, 2, big_endian);
    return value >= 1 && value <= 8 ? (int)value : 1;
  }
  return 1;
}

void scope_image_release(struct scope_image *image) {
  free(image->rgb);
  image->rgb = NULL;
}
