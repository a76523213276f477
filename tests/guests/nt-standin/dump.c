/* Crash dumps: a DUMP_HEADER64, and for small ones the triage part with two drivers. Of memory there is
 * nothing in them. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "standin.h"

enum { HEADER = 0x2000, LIST = 0x3000, STRIDE = 0x90, NAMES = 0x3800, SMALL = 0x4000, LARGE = 4 << 20 };

static unsigned char *dump;

static void number(size_t at, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) dump[at + (size_t)i] = (unsigned char)(value >> 8 * i);
}

static void name(size_t at, const char *text) { /* DUMP_STRING: a count, then UTF-16 */
  number(at, strlen(text), 4);
  for (size_t i = 0; text[i]; ++i) number(at + 4 + 2 * i, (unsigned char)text[i], 2);
}

/* Real ones say in a bit of the code that they are small, where these stops are concerned. */
static uint32_t small_code(uint32_t code) {
  return code == 0x7E || code == 0x7F || code == 0x8E || code == 0xEA ? code | 0x10000000 : code;
}

/* Whether the second parameter is where the code stood: then no driver is blamed, as in those that were seen.
 */
static bool tells_place(uint32_t code) {
  return code == 0x1E || code == 0x3B || code == 0x7E || code == 0x8E;
}

static void triage(const struct stop *stop) {
  const uint64_t base = stop->parameter[1] & ~0xFFFFull;
  number(HEADER + 0x04, SMALL, 4);
  number(HEADER + 0x08, SMALL - 4, 4);
  memcpy(dump + SMALL - 4, "TRGD", 4);
  number(HEADER + 0x30, LIST, 4);
  number(HEADER + 0x34, *stop->driver ? 2 : 1, 4);
  number(LIST, NAMES, 4);
  number(LIST + 0x38, 0xFFFFF80100000000, 8);
  number(LIST + 0x48, 0x1000000, 4);
  name(NAMES, "ntoskrnl.exe");
  if (!*stop->driver) return;
  number(LIST + STRIDE, NAMES + 0x100, 4);
  number(LIST + STRIDE + 0x38, base, 8);
  number(LIST + STRIDE + 0x48, 0x20000, 4);
  char path[100];
  snprintf(path, sizeof path,
           "\\SystemRoot\\System32\\DriverStore\\FileRepository\\nt.inf_amd64_0123456789abcdef\\%s",
           stop->driver);
  name(NAMES + 0x100, path);
  if (tells_place(stop->code)) return;
  number(HEADER + 0x40, NAMES + 0x200, 4); /* the one that is blamed */
  name(NAMES + 0x200, stop->driver);
}

void write_dump(const char *path, const struct stop *stop, enum dump kind) {
  const size_t size = kind == DUMP_SMALL ? SMALL : LARGE;
  dump = calloc(1, size);
  if (!dump) return;
  memcpy(dump, "PAGEDU64", 8);
  number(0x08, 0xF, 4);
  number(0x0C, OS_BUILD, 4);
  number(0x30, 0x8664, 4);
  number(0x34, 1, 4);
  number(0x38, kind == DUMP_SMALL ? small_code(stop->code) : stop->code, 4);
  for (size_t i = 0; i < 4; ++i) number(0x40 + 8 * i, stop->parameter[i], 8);
  number(0xF98, kind == DUMP_SMALL ? 4 : 6, 4);
  number(0xFA0, kind == DUMP_SMALL ? size + size / 6 : size, 8); /* of a small one more than it has */
  number(0xFA8, ((uint64_t)time(NULL) + 11644473600ull) * 10000000, 8);
  number(0x1030, (uint64_t)(seconds() * 1e7), 8);
  if (kind == DUMP_SMALL)
    triage(stop);
  else
    memcpy(dump + HEADER, "SDMPDUMP", 8);
  file_write(path, dump, kind == DUMP_TORN ? size / 3 : size);
  free(dump);
}
