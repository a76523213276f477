/*
 * What a driver's file asks for. The first line is the mark, wherever it stands in the first 64 KiB; then
 * key=value lines:
 *
 *   trouble=    one of those below; a system has them from the boot on that `boot` says
 *   boot=N      not before the N-th boot with the driver installed; 0, when it is installed
 *   once=on     not at later boots
 *   after=S     seconds after the driver's start
 *   on=apply    when new content is applied, instead of when the driver starts
 *   on=verifier only while Driver Verifier watches
 *   code= parameter1= ... parameter4= name= driver=       of the stop
 *   layout=     7 8 10 11 24h2 green
 *   dump=       none small kernel torn
 *   ems= panic= paint= restart=   off: this channel is silent; restart=off leaves the machine at its screen
 *   version=    of the driver
 *   altitude=   of a minifilter's instances; without it the driver is none
 *   installer=  what pnputil or msiexec exits with: 0, 259, 3010, 1641, or a failure
 *   better=on   the system has a better one already and keeps it
 *
 * A file without the mark is a healthy driver.
 */
#include <stdlib.h>
#include <string.h>

#include "standin.h"

static const char mark[] = "NT-STANDIN DRIVER\n";

static const struct {
  const char *word;
  enum trouble trouble;
} troubles[] = {{"healthy", HEALTHY},
                {"crash", CRASH},
                {"hang", HANG},
                {"spin", SPIN},
                {"black", BLACK},
                {"agent-dies", AGENT_DIES},
                {"reset", RESET},
                {"power-off", POWER_OFF},
                {"refuses", REFUSES},
                {"stops", STOPS},
                {"winre", WINRE},
                {"winpe", WINPE},
                {"safe-mode", SAFE_MODE},
                {"live-dump", LIVE_DUMP},
                {"audited", AUDITED},
                {"shutdown-hangs", SHUTDOWN_HANGS},
                {"no-reboot", NO_REBOOT},
                {"wrong-content", WRONG_CONTENT},
                {"no-content", NO_CONTENT},
                {"wrong-driver", WRONG_DRIVER},
                {"no-driver", NO_DRIVER},
                {"no-verifier", NO_VERIFIER},
                {"outlives", OUTLIVES},
                {"idle-verifier", IDLE_VERIFIER},
                {"detached", DETACHED},
                {"evicts", EVICTS},
                {"stays", IMMOVABLE},
                {"unguarded", UNGUARDED}};

static int choice(const char *word, const char *const *words, int count) {
  for (int i = 0; i < count; ++i)
    if (strcmp(word, words[i]) == 0) return i;
  fprintf(stderr, "nt-standin: '%s' is no word of a driver's file\n", word);
  return 0;
}

static void understand(struct behaviour *b, const char *key, const char *value) {
  static const char *const layouts[] = {"7", "8", "10", "11", "24h2", "green"};
  static const char *const dumps[] = {"none", "small", "kernel", "torn"};
  const bool on = strcmp(value, "off") != 0;
  if (strcmp(key, "trouble") == 0) {
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; ++i)
      if (strcmp(value, troubles[i].word) == 0) b->trouble = troubles[i].trouble;
  }
  if (strcmp(key, "boot") == 0) b->boot = atoi(value);
  if (strcmp(key, "once") == 0) b->once = on;
  if (strcmp(key, "after") == 0) b->after = atof(value);
  if (strcmp(key, "on") == 0) b->on_apply = strcmp(value, "apply") == 0;
  if (strcmp(key, "on") == 0) b->when_verified = strcmp(value, "verifier") == 0;
  if (strcmp(key, "code") == 0) b->stop.code = (uint32_t)strtoul(value, NULL, 0);
  if (starts(key, "parameter") && key[9] >= '1' && key[9] <= '4')
    b->stop.parameter[key[9] - '1'] = strtoull(value, NULL, 0);
  if (strcmp(key, "name") == 0) snprintf(b->stop.name, sizeof b->stop.name, "%s", value);
  if (strcmp(key, "driver") == 0) snprintf(b->stop.driver, sizeof b->stop.driver, "%s", value);
  if (strcmp(key, "layout") == 0) b->stop.layout = (enum layout)choice(value, layouts, 6);
  if (strcmp(key, "dump") == 0) b->dump = (enum dump)choice(value, dumps, 4);
  if (strcmp(key, "ems") == 0) b->ems = on;
  if (strcmp(key, "panic") == 0) b->panic = on;
  if (strcmp(key, "paint") == 0) b->paint = on;
  if (strcmp(key, "restart") == 0) b->restart = on;
  if (strcmp(key, "installer") == 0) b->installer = atoi(value);
  if (strcmp(key, "better") == 0) b->better = on;
  if (strcmp(key, "altitude") == 0) snprintf(b->altitude, sizeof b->altitude, "%s", value);
  if (strcmp(key, "version") == 0) snprintf(b->version, sizeof b->version, "%s", value);
}

struct behaviour behaviour_read(const char *file, size_t size) {
  struct behaviour b = {.trouble = HEALTHY,
                        .dump = DUMP_KERNEL,
                        .ems = true,
                        .panic = true,
                        .paint = true,
                        .restart = true,
                        .version = "1.0.0.0",
                        .stop = {.code = 0x7E,
                                 .parameter = {0xFFFFFFFFC0000005, 0xFFFFF8012345E14E, 0xFFFF840500000074, 0},
                                 .name = "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED",
                                 .driver = "sensor.sys",
                                 .layout = LAYOUT_10}};
  const char *found = memmem(file, size < 65536 ? size : 65536, mark, sizeof mark - 1);
  if (!found) return b;
  const char *begin = found + sizeof mark - 1;
  char *text = copy(begin, size - (size_t)(begin - file)), *rest = text, *line;
  while ((line = strsep(&rest, "\n"))) {
    char *value = strchr(line, '=');
    if (!value) break;
    *value++ = 0;
    value[strcspn(value, "\r")] = 0;
    understand(&b, line, value);
  }
  free(text);
  return b;
}
