/* The kernel's modules, C: (a real NTFS, written by the kernel's own driver), D: (the payload CD), and files
 * by the names that Windows gives them. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "standin.h"

static char system_device[32];
static bool cd_mounted;

/* /modules holds them decompressed, named "01-scsi_common.ko" in the order in which they want to be loaded.
 */
static void load_modules(void) {
  struct dirent **found;
  const int count = scandir("/modules", &found, NULL, alphasort);
  for (int i = 0; i < count; ++i) {
    char path[300];
    snprintf(path, sizeof path, "/modules/%s", found[i]->d_name);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && found[i]->d_name[0] != '.') syscall(SYS_finit_module, fd, "", 0);
    if (fd >= 0) close(fd);
  }
}

void disk_prepare(void) {
  static const char *const folders[] = {"/proc", "/sys", "/dev", "/c", "/d"};
  for (size_t i = 0; i < sizeof folders / sizeof *folders; ++i) mkdir(folders[i], 0755);
  mount("proc", "/proc", "proc", 0, NULL);
  mount("sys", "/sys", "sysfs", 0, NULL);
  mount("dev", "/dev", "devtmpfs", 0, NULL);
  load_modules();
}

/* The NTFS is known by its boot sector, wherever the machine put the disk. */
static bool is_ntfs(const char *device) {
  char sector[512] = {0};
  const int fd = open(device, O_RDONLY | O_CLOEXEC);
  const bool good =
      fd >= 0 && read(fd, sector, sizeof sector) == sizeof sector && memcmp(sector + 3, "NTFS    ", 8) == 0;
  if (fd >= 0) close(fd);
  return good;
}

bool disk_mount_system(void) {
  for (int attempt = 0; attempt < 100; ++attempt, usleep(100000)) {
    DIR *devices = opendir("/sys/class/block");
    for (struct dirent *each; devices && (each = readdir(devices));) {
      if (each->d_name[0] == '.' || starts(each->d_name, "sr") || strlen(each->d_name) > 20) continue;
      snprintf(system_device, sizeof system_device, "/dev/%.20s", each->d_name);
      if (!is_ntfs(system_device)) continue;
      closedir(devices);
      /* A power cut leaves it dirty; Windows would mount it all the same. */
      return mount(system_device, "/c", "ntfs3", MS_NOATIME, "force,nocase") == 0;
    }
    if (devices) closedir(devices);
  }
  return false;
}

bool disk_mount_cd(void) {
  if (cd_mounted) umount2("/d", MNT_DETACH);
  cd_mounted = mount("/dev/sr0", "/d", "iso9660", MS_RDONLY, NULL) == 0;
  return cd_mounted;
}

void disk_sync(void) { sync(); }

void disk_release(void) {
  sync();
  if (umount("/c") != 0) mount(system_device, "/c", "ntfs3", MS_REMOUNT | MS_RDONLY, NULL);
}

/* One component in the letters that are on the disk; as it is when there is no such file yet. */
static void real_name(const char *folder, char *name, size_t room) {
  DIR *entries = opendir(folder);
  for (struct dirent *each; entries && (each = readdir(entries));)
    if (strcasecmp(each->d_name, name) == 0) snprintf(name, room, "%s", each->d_name);
  if (entries) closedir(entries);
}

void disk_path_in(const char *folder, const char *windows, char *to, size_t room) {
  char whole[512];
  snprintf(whole, sizeof whole, "%s", windows);
  snprintf(to, room, "%s", folder);
  char *rest = whole, *part;
  while ((part = strsep(&rest, "\\/"))) {
    if (!*part || strcmp(part, ".") == 0 || strcmp(part, "..") == 0) continue;
    char name[256];
    snprintf(name, sizeof name, "%s", part);
    real_name(to, name, sizeof name);
    const size_t used = strlen(to);
    snprintf(to + used, room - used, "/%s", name);
  }
}

void disk_path(const char *windows, char *to, size_t room) {
  char whole[512];
  if (starts(windows, "%SystemRoot%") || starts(windows, "\\SystemRoot"))
    snprintf(whole, sizeof whole, "C:\\Windows%s", windows + (windows[0] == '%' ? 12 : 11));
  else
    snprintf(whole, sizeof whole, "%s", starts(windows, "\\??\\") ? windows + 4 : windows);
  const bool cd = starts(whole, "D:");
  if (cd && !cd_mounted) disk_mount_cd();
  disk_path_in(cd ? "/d" : "/c", whole[0] && whole[1] == ':' ? whole + 2 : whole, to, room);
}

char *file_read(const char *path, size_t *size) {
  struct stat facts;
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    if (fd >= 0) close(fd);
    return NULL;
  }
  char *bytes = malloc((size_t)facts.st_size + 1);
  ssize_t got;
  for (*size = 0; bytes && (got = read(fd, bytes + *size, (size_t)facts.st_size - *size)) > 0;)
    *size += (size_t)got;
  if (bytes) bytes[*size] = 0;
  close(fd);
  return bytes;
}

void make_folders(const char *file) {
  char path[512];
  snprintf(path, sizeof path, "%s", file);
  for (char *at = path + 1; (at = strchr(at, '/')); ++at) {
    *at = 0;
    mkdir(path, 0755);
    *at = '/';
  }
}

bool file_write(const char *path, const void *bytes, size_t size) {
  make_folders(path);
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const bool good = fd >= 0 && write(fd, bytes, size) == (ssize_t)size;
  if (fd >= 0) {
    fsync(fd);
    close(fd);
  }
  return good;
}

bool file_copy(const char *from, const char *to) {
  size_t size;
  char *bytes = file_read(from, &size);
  const bool good = bytes && file_write(to, bytes, size);
  free(bytes);
  return good;
}
