/* The media in the drives, by letter and by name, as a Windows sees them: its names are Joliet's alone. */
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "standin.h"

static struct volume found[VOLUMES];
static int count;

/* A volume is called what its last descriptor says: Joliet's, in two bytes a letter, follows the plain one.
 */
static bool read_label(const char *device, char label[33]) {
  enum { SECTOR = 2048, FIRST = 16, LABEL = 40, ROOM = 32, PLAIN = 1, JOLIET = 2 };
  unsigned char sector[SECTOR];
  const int fd = open(device, O_RDONLY | O_CLOEXEC);
  label[0] = 0;
  for (int at = FIRST; fd >= 0 && at < FIRST + 8; ++at) {
    if (pread(fd, sector, SECTOR, (off_t)at * SECTOR) != SECTOR || memcmp(sector + 1, "CD001", 5) != 0) break;
    if (sector[0] != PLAIN && sector[0] != JOLIET) continue;
    const int step = sector[0] == JOLIET ? 2 : 1;
    int size = 0;
    for (int i = step - 1; i < ROOM; i += step) label[size++] = (char)sector[LABEL + i];
    while (size && (label[size - 1] == ' ' || !label[size - 1])) --size;
    label[size] = 0;
  }
  if (fd >= 0) close(fd);
  return *label;
}

void volumes_mount(void) {
  mkdir("/volumes", 0755);
  for (int patience = 0; patience < 100 && access("/dev/sr0", F_OK) != 0; ++patience) usleep(100000);
  sleep(1); /* the other drives come a moment after the first */
  for (int drive = 0; drive < VOLUMES; ++drive) {
    struct volume *one = &found[count];
    char device[20];
    snprintf(device, sizeof device, "/dev/sr%d", drive);
    if (!read_label(device, one->label)) continue;
    one->letter = (char)('D' + drive);
    snprintf(one->folder, sizeof one->folder, "/volumes/%c", one->letter);
    mkdir(one->folder, 0755);
    if (mount(device, one->folder, "iso9660", MS_RDONLY, "norock") == 0) ++count;
  }
}

const struct volume *volume_called(const char *pattern) {
  for (int i = 0; i < count; ++i)
    if (fnmatch(pattern, found[i].label, FNM_CASEFOLD) == 0) return &found[i];
  return NULL;
}

bool volume_file(const struct volume *in, const char *windows, char *to, size_t room) {
  disk_path_in(in ? in->folder : "/nowhere", windows, to, room);
  return in && access(to, R_OK) == 0;
}

const struct volume *volume_with(const char *windows, char *to, size_t room) {
  for (int i = 0; i < count; ++i)
    if (volume_file(&found[i], windows, to, room)) return &found[i];
  return NULL;
}

const struct volume *volume_lettered(char letter) {
  for (int i = 0; i < count; ++i)
    if (found[i].letter == letter) return &found[i];
  return NULL;
}
