/* How it ends: a stop on every channel, in the order of a Windows (serial block, screen, serial text, dump,
 * panic device, reset), a reset without a word, or nothing at all any more. */
#include <fcntl.h>
#include <linux/kd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#include "standin.h"

enum { PANIC_PORT = 0x505, PANICKED = 1, CRASH_LOADED = 2, RESET_PORT = 0xCF9 };

_Noreturn void stand_still(void) {
  for (;;) pause();
}

/* A driver that hangs keeps threads from running, and no NMI from its processor. */
_Noreturn void hang(void) {
  for (;;) {
    usleep(200000);
    watch_nmi();
  }
}

_Noreturn void spin(void) {
  for (unsigned turn = 1;; ++turn) {
    __builtin_ia32_pause();
    if (turn % 1000000 == 0) watch_nmi();
  }
}

_Noreturn void reset_now(void) {
  if (iopl(3) == 0) {
    outb(0x02, RESET_PORT);
    outb(0x06, RESET_PORT);
    usleep(200000);
  }
  reboot(RB_AUTOBOOT);
  stand_still();
}

static void panic_device(unsigned char event) {
  if (iopl(3) != 0 || !(inb(PANIC_PORT) & event) || inb(PANIC_PORT) == 0xFF) return;
  outb(event, PANIC_PORT);
}

/* Under Secure Boot the kernel below keeps its ports to itself. Its own driver of the panic device speaks when it panics
 * itself: that comes last, behind the dump, and neither paints nor waits (-1). */
static _Noreturn void panic_below(bool restart) {
  const int screen = open("/dev/tty0", O_RDWR | O_CLOEXEC);
  if (screen >= 0) ioctl(screen, KDSETMODE, KD_GRAPHICS);
  file_write("/proc/sys/kernel/panic", restart ? "-1" : "0", restart ? 2 : 1);
  file_write("/proc/sysrq-trigger", "c", 1);
  stand_still();
}

static void say_block(const struct stop *stop) {
  serial_say(
      "\a\r\n<?xml>\r\n<BP>\r\n<INSTANCE CLASSNAME=\"BLUESCREEN\">\r\n<PROPERTY NAME=\"STOPCODE\" "
      "TYPE=\"string\"><VALUE>\"0x%X\"\r\n</VALUE>\r\n</PROPERTY><machine-info>\r\n"
      "<name>NT-STANDIN</name>\r\n<os-build-number>%d</os-build-number>\r\n</machine-info>\r\n"
      "</INSTANCE>\r\n</BP>\r\n!SAC>\r\n",
      stop->code, OS_BUILD);
}

static void say_text(const struct stop *stop) {
  serial_say("Your device ran into a problem and needs to restart.\r\n");
  serial_say("Stop code: %s (0x%X)\r\n", stop->name, stop->code);
  if (*stop->driver) serial_say("What failed: %s\r\n", stop->driver);
  for (int i = 0; i < 4; ++i) serial_say("0x%016llX\r\n", (unsigned long long)stop->parameter[i]);
}

/* What the next boot has to know of it. */
static void remember(const struct behaviour *how) {
  char text[64];
  snprintf(text, sizeof text, "0x%x", how->stop.code);
  state_set("crash.code", text);
  for (int i = 0; i < 4; ++i) {
    char key[32];
    snprintf(key, sizeof key, "crash.parameter%d", i + 1);
    snprintf(text, sizeof text, "0x%llx", (unsigned long long)how->stop.parameter[i]);
    state_set(key, text);
  }
  state_set("crash.name", how->stop.name);
  state_set("crash.driver", how->stop.driver);
  state_set_number("crash.small-dump-follows", how->dump == DUMP_KERNEL);
}

static void dump_now(const struct behaviour *how) {
  char path[128], day[16];
  if (how->dump == DUMP_NONE) return;
  time_text(day, sizeof day, time(NULL), "%m%d%y");
  snprintf(path, sizeof path, SYSTEM_ROOT "/Minidump/%s-%u-01.dmp", day, (unsigned)(seconds() * 1000));
  if (how->dump != DUMP_SMALL) snprintf(path, sizeof path, SYSTEM_ROOT "/MEMORY.DMP");
  write_dump(path, &how->stop, how->dump);
  disk_sync();
}

_Noreturn void bug_check(const struct behaviour *how) {
  const struct stop *stop = &how->stop;
  if (how->ems) say_block(stop);
  if (how->paint) screen_stop(stop, -1);
  if (how->ems) say_text(stop);
  remember(how);
  if (how->panic && how->dump != DUMP_NONE) panic_device(CRASH_LOADED);
  for (int percent = 0; percent <= 100 && how->dump != DUMP_NONE; percent += 20) {
    if (percent == 20) dump_now(how);
    if (how->paint) screen_stop(stop, percent);
    if (how->ems) serial_say("%d%% complete\x1b[K\r", percent);
    usleep(how->dump == DUMP_SMALL ? 500000 : 1000000);
  }
  /* As the driver of real guests: PANICKED is said by those alone that wrote no dump. */
  if (how->panic && how->dump == DUMP_NONE) panic_device(PANICKED);
  usleep(500000);
  const bool restart = how->restart && state_number("reg.crashcontrol.AutoReboot", 1);
  disk_release();
  if (how->panic && iopl(3) != 0) panic_below(restart);
  if (restart) reset_now();
  stand_still();
}

/* The hypervisor's NMI: the kernel below counts it, the system above dies of it. */
void watch_nmi(void) {
  char line[256];
  long now = 0;
  FILE *interrupts = fopen("/proc/interrupts", "re");
  while (interrupts && fgets(line, sizeof line, interrupts))
    if (sscanf(line, " NMI: %ld", &now) == 1) break;
  if (interrupts) fclose(interrupts);
  if (now > 0 && strcmp(state_get("nmi", "on"), "on") == 0) {
    struct behaviour how = behaviour_read("", 0);
    how.stop = (struct stop){
        .code = 0x80, .parameter = {0x4F4454}, .name = "NMI_HARDWARE_FAILURE", .layout = LAYOUT_10};
    bug_check(&how);
  }
}

static void log_stop(int id, const char *provider, const char *format, const struct stop *stop) {
  const unsigned long long one = stop->parameter[0], two = stop->parameter[1], three = stop->parameter[2],
                           four = stop->parameter[3];
  char data[600];
  snprintf(data, sizeof data, format, stop->code, one, two, three, four);
  log_event(id, provider, data);
}

/* The event log tells what ended badly: a stop by its code, a lost power supply by a code of 0. */
void after_bug_check(void) {
  struct behaviour how = {.dump = DUMP_SMALL};
  const char *code = state_get("crash.code", NULL);
  how.stop.code = code ? (uint32_t)strtoul(code, NULL, 0) : 0;
  for (int i = 0; i < 4 && code; ++i) {
    char key[32];
    snprintf(key, sizeof key, "crash.parameter%d", i + 1);
    how.stop.parameter[i] = strtoull(state_get(key, "0"), NULL, 0);
  }
  log_stop(41, "Microsoft-Windows-Kernel-Power",
           "<Data Name='BugcheckCode'>%u</Data><Data Name='BugcheckParameter1'>0x%llx</Data><Data "
           "Name='BugcheckParameter2'>0x%llx</Data><Data Name='BugcheckParameter3'>0x%llx</Data><Data "
           "Name='BugcheckParameter4'>0x%llx</Data>",
           &how.stop);
  log_event(6008, "EventLog", "<Data>12:00:00 AM</Data><Data>1/1/2024</Data>");
  if (!code) return;
  log_stop(1001, "Microsoft-Windows-WER-SystemErrorReporting",
           "<Data Name='param1'>0x%08x (0x%016llx, 0x%016llx, 0x%016llx, 0x%016llx)</Data>"
           "<Data Name='param2'>C:\\Windows\\MEMORY.DMP</Data><Data "
           "Name='param3'>00000000-0000-0000-0000-000000000000</Data>",
           &how.stop);
  snprintf(how.stop.driver, sizeof how.stop.driver, "%s", state_get("crash.driver", ""));
  if (state_number("crash.small-dump-follows", 0)) dump_now(&how);
  state_set("crash.code", NULL);
}
