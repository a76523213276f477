/* FIPS 180-4. */
#include <string.h>

#include "standin.h"

static uint32_t constants[64], start[8];

static void prepare(void) { /* fractions of the roots of the first primes */
  int found = 0;
  for (unsigned n = 2; found < 64; ++n) {
    bool prime = true;
    for (unsigned d = 2; d * d <= n; ++d) prime = prime && n % d;
    if (!prime) continue;
    /* The largest r with r*r*r <= n * 2^96, by bits; and for the first eight r*r <= n * 2^64. */
    unsigned __int128 cube = 0, square = 0;
    for (int bit = 35; bit >= 0; --bit) {
      const unsigned __int128 more = cube | (unsigned __int128)1 << bit;
      if (more * more * more <= (unsigned __int128)n << 96) cube = more;
    }
    for (int bit = 36; bit >= 0; --bit) {
      const unsigned __int128 more = square | (unsigned __int128)1 << bit;
      if (more * more <= (unsigned __int128)n << 64) square = more;
    }
    constants[found] = (uint32_t)cube;
    if (found < 8) start[found] = (uint32_t)square;
    ++found;
  }
}

static uint32_t turn(uint32_t value, int by) { return value >> by | value << (32 - by); }

static void block(uint32_t state[8], const unsigned char *at) {
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; ++i)
    w[i] = (uint32_t)at[4 * i] << 24 | (uint32_t)at[4 * i + 1] << 16 | (uint32_t)at[4 * i + 2] << 8 |
           at[4 * i + 3];
  for (int i = 16; i < 64; ++i)
    w[i] = w[i - 16] + (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
           (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10);
  memcpy(s, state, sizeof s);
  for (int i = 0; i < 64; ++i) {
    const uint32_t one = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) +
                         ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[i] + w[i];
    const uint32_t two =
        (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += one;
    s[0] = one + two;
  }
  for (int i = 0; i < 8; ++i) state[i] += s[i];
}

void file_sha256(const void *bytes, size_t size, char hex[65]) {
  uint32_t state[8];
  if (!constants[0]) prepare();
  memcpy(state, start, sizeof state);
  const unsigned char *at = bytes;
  size_t left = size;
  for (; left >= 64; left -= 64, at += 64) block(state, at);
  unsigned char last[128] = {0};
  memcpy(last, at, left);
  last[left] = 0x80;
  const size_t length = left < 56 ? 64 : 128;
  for (int i = 0; i < 8; ++i) last[length - 1 - i] = (unsigned char)((uint64_t)size * 8 >> 8 * i);
  for (size_t i = 0; i < length; i += 64) block(state, last + i);
  for (int i = 0; i < 8; ++i) sprintf(hex + 8 * i, "%08x", state[i]);
}
