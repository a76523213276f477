#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "standin.h"

void put(struct text *to, const char *bytes, size_t size) {
  if (to->size + size + 1 > to->room) {
    to->room = (to->size + size + 1) * 2;
    to->at = realloc(to->at, to->room);
    if (!to->at) abort();
  }
  memcpy(to->at + to->size, bytes, size);
  to->size += size;
  to->at[to->size] = 0;
}

void print(struct text *to, const char *format, ...) {
  char *line;
  va_list list;
  va_start(list, format);
  const int size = vasprintf(&line, format, list);
  va_end(list);
  if (size < 0) abort();
  put(to, line, (size_t)size);
  free(line);
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void put_base64(struct text *to, const void *bytes, size_t size) {
  const unsigned char *at = bytes;
  for (size_t i = 0; i < size; i += 3) {
    const unsigned a = at[i], b = i + 1 < size ? at[i + 1] : 0, c = i + 2 < size ? at[i + 2] : 0;
    const char four[4] = {digits[a >> 2], digits[(a & 3) << 4 | b >> 4],
                          i + 1 < size ? digits[(b & 15) << 2 | c >> 6] : '=',
                          i + 2 < size ? digits[c & 63] : '='};
    put(to, four, 4);
  }
  put(to, "", 0);
}

size_t from_base64(const char *text, size_t size, void *bytes) {
  unsigned char *to = bytes;
  unsigned value = 0, bits = 0;
  for (size_t i = 0; i < size; ++i) {
    const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
    if (!digit) continue;
    value = value << 6 | (unsigned)(digit - digits);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    *to++ = (unsigned char)(value >> bits);
  }
  return (size_t)(to - (unsigned char *)bytes);
}

char *copy(const char *text, size_t size) {
  char *made = malloc(size + 1);
  if (!made) abort();
  memcpy(made, text, size);
  made[size] = 0;
  return made;
}

const char *find_word(const char *in, const char *word) { return strcasestr(in, word); }

bool starts(const char *text, const char *with) { return strncasecmp(text, with, strlen(with)) == 0; }

double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
