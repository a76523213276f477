/* A driver's package: a zip whose files are stored. What is compressed is refused aloud. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "standin.h"

static unsigned little(const unsigned char *at, int bytes) {
  unsigned value = 0;
  for (int i = 0; i < bytes; ++i) value |= (unsigned)at[i] << 8 * i;
  return value;
}

/* By the local headers, one after the other; each must tell its size. */
bool package_unpack(const char *zip, const char *folder) {
  size_t size;
  char *bytes = file_read(zip, &size);
  const unsigned char *at = (unsigned char *)bytes;
  bool good = false;
  for (size_t left = size; bytes && left > 30 && memcmp(at, "PK\3\4", 4) == 0;) {
    const unsigned method = little(at + 8, 2), packed = little(at + 18, 4), name = little(at + 26, 2),
                   extra = little(at + 28, 2);
    const size_t step = 30 + (size_t)name + extra + packed;
    char path[600];
    if (method != 0 || step > left || name > 200) {
      fprintf(stderr, "nt-standin: a package's files must be stored, not compressed\n");
      good = false;
      break;
    }
    snprintf(path, sizeof path, "%s/%.*s", folder, (int)name, (const char *)at + 30);
    if (path[strlen(path) - 1] != '/' && !strstr(path, ".."))
      good = file_write(path, at + 30 + name + extra, packed);
    at += step;
    left -= step;
  }
  free(bytes);
  return good;
}

void package_each(const char *folder, const char *suffix, void (*each)(const char *path, void *with),
                  void *with) {
  DIR *entries = opendir(folder);
  for (struct dirent *entry; entries && (entry = readdir(entries));) {
    char path[600];
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    const size_t length = strlen(path), end = strlen(suffix);
    if (entry->d_type == DT_DIR) package_each(path, suffix, each, with);
    if (length > end && strcasecmp(path + length - end, suffix) == 0) each(path, with);
  }
  if (entries) closedir(entries);
}
