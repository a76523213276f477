/*
 * The first half of an unattended installation: the kernel of the installation medium, which `medium` makes,
 * runs this instead of a system. It finds the answer file, obeys it, writes the medium's system to the disk
 * and restarts. The second half, first_logon.c, is the new system's.
 *
 * The medium's \sources holds, where a Windows has its install.wim:
 *   install.map, install.img  a system's disk: lines "offset size" and those bytes one behind another
 *   editions                  the names of its images, one a line
 *   behaviour                 what goes wrong, lines of key=value:
 *                               stall=PERCENT      everything stands still there
 *                               power-off=PERCENT  the machine is gone there
 *                               missing=WHAT       what make-fit.ps1 cannot mend
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "standin.h"

#define SETUP "windowsPE/Microsoft-Windows-Setup/"
#define DISK SETUP "DiskConfiguration/Disk/"

static struct answers answers;
static const struct volume *medium;

bool setup_is_asked(void) {
  size_t size;
  char line[1024] = {0};
  FILE *file = fopen("/proc/cmdline", "re");
  if (!file) return false;
  size = fread(line, 1, sizeof line - 1, file);
  fclose(file);
  return size > 0 && strstr(line, "nt-setup");
}

/* Setup shows what it cannot do, and waits for somebody who reads it. */
_Noreturn void setup_fails(const char *format, ...) {
  char words[300];
  va_list list;
  va_start(list, format);
  vsnprintf(words, sizeof words, format, list);
  va_end(list);
  screen_setup("Setup cannot go on", words);
  stand_still();
}

static void need(const char *path, const char *value) {
  if (!setting_is(&answers, path, value)) setup_fails("The answer file does not say %s: %s", path, value);
}

/* A line of a file in \sources that is `line` whole, or begins so when it ends in '='; then what follows. */
static const char *source_line(const char *file, const char *line) {
  char windows[60], path[600];
  size_t size;
  snprintf(windows, sizeof windows, "\\sources\\%s", file);
  if (!volume_file(medium, windows, path, sizeof path)) return NULL;
  char *rest = file_read(path, &size), *each;
  const size_t length = strlen(line);
  while (rest && (each = strsep(&rest, "\n"))) {
    if (strcmp(each, line) == 0) return each;
    if (line[length - 1] == '=' && strncmp(each, line, length) == 0) return each + length;
  }
  return NULL;
}

static void check_image(void) {
  need(SETUP "UserData/AcceptEula", "true");
  need(SETUP "ImageInstall/OSImage/InstallFrom/MetaData/Key", "/IMAGE/NAME");
  const char *edition = setting(&answers, SETUP "ImageInstall/OSImage/InstallFrom/MetaData/Value", 0);
  if (!edition || !*edition || !source_line("editions", edition))
    setup_fails("The medium has no image that is called '%s'", edition ? edition : "");
  const char *key = setting(&answers, SETUP "UserData/ProductKey/Key", 0);
  for (int i = 0; key && i < 29; ++i)
    if (strlen(key) != 29 ||
        (i % 6 == 5 ? key[i] != '-' : !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", key[i])))
      setup_fails("The product key is none");
}

/* Without these drivers it would see no disk, and its agent no port. A path that is not there is passed over:
 * drives have other letters elsewhere. */
static void check_driver(const char *name) {
  char path[600], inf[40];
  snprintf(inf, sizeof inf, "\\%s.inf", name);
  const char *at;
  for (int i = 0;
       (at = setting(&answers,
                     "windowsPE/Microsoft-Windows-PnpCustomizationsWinPE/DriverPaths/PathAndCredentials/Path",
                     i));
       ++i) {
    char whole[300];
    snprintf(whole, sizeof whole, "%s%s", at, inf);
    if (at[0] && at[1] == ':' && volume_file(volume_lettered(at[0]), whole + 2, path, sizeof path)) return;
  }
  setup_fails("No path of the answer file leads to the driver %s", name);
}

/* The partitions are not made so: the system that is written brings its own. What is asked for must make
 * sense. */
static void check_partitions(bool uefi) {
  need(DISK "DiskID", "0");
  need(DISK "WillWipeDisk", "true");
  need(SETUP "ImageInstall/OSImage/InstallTo/DiskID", "0");
  const char *to = setting(&answers, SETUP "ImageInstall/OSImage/InstallTo/PartitionID", 0), *type = NULL,
             *id;
  const int number = to ? atoi(to) : 0;
  if (number > 0) type = setting(&answers, DISK "CreatePartitions/CreatePartition/Type", number - 1);
  if (!type || strcmp(type, "Primary") != 0)
    setup_fails("Windows cannot be installed on partition %d", number);
  for (int i = 0; (id = setting(&answers, DISK "ModifyPartitions/ModifyPartition/PartitionID", i)); ++i)
    if (atoi(id) < 1 || !setting(&answers, DISK "CreatePartitions/CreatePartition/Type", atoi(id) - 1))
      setup_fails("There is no partition %s to be modified", id);
  if (uefi != setting_is(&answers, DISK "CreatePartitions/CreatePartition/Type", "EFI"))
    setup_fails("The partitions are for %s firmware than this machine's", "another");
  if (!uefi) need(DISK "ModifyPartitions/ModifyPartition/Active", "true");
}

static int target(void) {
  struct dirent **found;
  const int count = scandir("/sys/class/block", &found, NULL, alphasort);
  char path[320];
  for (int i = 0; i < count; ++i) {
    const char *name = found[i]->d_name;
    if (!starts(name, "vd") && !starts(name, "sd") && !starts(name, "nvme")) continue;
    snprintf(path, sizeof path, "/sys/class/block/%s/partition", name);
    if (access(path, F_OK) == 0) continue;
    snprintf(path, sizeof path, "/dev/%s", name);
    return open(path, O_RDWR | O_CLOEXEC);
  }
  return -1;
}

static void progress(int percent) {
  static int stall = -2, off = -2;
  char words[40];
  if (stall == -2) {
    const char *at = source_line("behaviour", "stall="), *gone = source_line("behaviour", "power-off=");
    stall = at ? atoi(at) : -1;
    off = gone ? atoi(gone) : -1;
  }
  snprintf(words, sizeof words, "Copying the system's files (%d%%)", percent);
  screen_setup("Setup", words);
  if (stall >= 0 && percent >= stall) stand_still();
  if (off < 0 || percent < off) return;
  sync();
  reboot(RB_POWER_OFF);
}

static void copy_bytes(int from, int to, off_t at, size_t size) {
  enum { PIECE = 1 << 20 };
  static char bytes[PIECE];
  while (size > 0) {
    const ssize_t got = read(from, bytes, size < PIECE ? size : PIECE);
    if (got <= 0 || pwrite(to, bytes, (size_t)got, at) != got) setup_fails("The disk cannot be written");
    at += got;
    size -= (size_t)got;
  }
}

static void write_system(void) {
  char path[600], *at;
  size_t size;
  const int disk = target();
  if (disk < 0) setup_fails("There is no disk to install on");
  char *map =
      volume_file(medium, "\\sources\\install.map", path, sizeof path) ? file_read(path, &size) : NULL;
  volume_file(medium, "\\sources\\install.img", path, sizeof path);
  const int from = open(path, O_RDONLY | O_CLOEXEC);
  if (!map || from < 0) setup_fails("The medium holds no system");
  long long offset, bytes, done = 0, all = 0;
  int told = -1, used;
  for (at = map; sscanf(at, "%lld %lld%n", &offset, &bytes, &used) == 2; at += used) all += bytes;
  for (at = map; sscanf(at, "%lld %lld%n", &offset, &bytes, &used) == 2; at += used) {
    copy_bytes(from, disk, offset, (size_t)bytes);
    done += bytes;
    if ((int)(done * 100 / all) / 5 != told / 5) progress(told = (int)(done * 100 / all));
  }
  fsync(disk);
  ioctl(disk, BLKRRPART);
  close(disk);
}

/* As a fresh Windows is: without its emergency console, without an agent, deaf to an NMI, and with its
 * recovery. */
static void leave_for_first_logon(const char *answer_file) {
  if (!disk_mount_system()) setup_fails("The new system cannot be read");
  if (!file_copy(answer_file, PANTHER)) setup_fails("The new system cannot be written");
  state_set("installed", "unattended");
  state_set("ems", "off");
  state_set("nmi", "off");
  state_set("agent", "absent");
  const char *missing = source_line("behaviour", "missing=");
  if (missing) state_set("fit.never", missing);
  disk_release();
}

_Noreturn void setup_run(void) {
  char answer_file[600], path[600];
  screen_setup("Setup", "Starting");
  volumes_mount();
  medium = volume_with("\\sources\\install.img", path, sizeof path);
  if (!volume_with("\\autounattend.xml", answer_file, sizeof answer_file))
    setup_fails("Choose a language: no medium holds an autounattend.xml");
  if (!answers_read(answer_file, &answers)) setup_fails("The answer file cannot be read: %s", answers.wrong);
  check_image();
  check_driver("viostor");
  check_driver("vioserial");
  check_partitions(access("/sys/firmware/efi", F_OK) == 0);
  write_system();
  leave_for_first_logon(answer_file);
  screen_setup("Setup", "Restarting");
  reset_now();
}
