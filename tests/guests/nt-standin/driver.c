/* The candidate as a service of the system: what starts it, and what it then does to the system. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "standin.h"

enum { MOST = 16 };
static struct {
  char name[64];
  bool running;
  struct behaviour behaviour;
  double due; /* when its trouble begins, in seconds(); 0: never */
} services[MOST];
static int count;

static const char *key_of(const char *service, const char *what) {
  static char key[160];
  snprintf(key, sizeof key, "service.%s.%s", what, service);
  return key;
}

static int index_of(const char *service) {
  for (int i = 0; i < count; ++i)
    if (strcasecmp(services[i].name, service) == 0) return i;
  if (count == MOST) return MOST - 1;
  snprintf(services[count].name, sizeof services[count].name, "%s", service);
  return count++;
}

bool driver_known(const char *service) { return state_get(key_of(service, "path"), NULL) != NULL; }

bool driver_path(const char *service, char *to, size_t room) {
  const char *path = state_get(key_of(service, "path"), NULL);
  if (path) snprintf(to, room, "%s", path);
  return path != NULL;
}

bool driver_running(const char *service) { return services[index_of(service)].running; }

static char *driver_file(const char *service, size_t *size) {
  char name[300], path[600];
  *size = 0;
  if (!driver_path(service, name, sizeof name)) return NULL;
  disk_path(name, path, sizeof path);
  return file_read(path, size);
}

struct behaviour driver_behaviour(const char *service) {
  size_t size;
  char *file = driver_file(service, &size);
  const struct behaviour found = behaviour_read(file ? file : "", size);
  free(file);
  return found;
}

static _Noreturn void power_off(void) {
  disk_release();
  extern int reboot(int);
  reboot(0x4321fedc);
  stand_still();
}

static void live_dump(const struct behaviour *how) {
  struct stop stop = how->stop;
  stop.code = 0x161;
  write_dump(SYSTEM_ROOT "/LiveKernelReports/NT-STANDIN.dmp", &stop, DUMP_SMALL);
}

static void audit(const char *service) {
  char data[200];
  snprintf(data, sizeof data,
           "<Data Name='FileNameLength'>63</Data><Data Name='File Name'>\\Device\\HarddiskVolume3\\Windows"
           "\\System32\\drivers\\%s.sys</Data>",
           service);
  log_event(3076, "Microsoft-Windows-CodeIntegrity", data);
}

static void strike(int at) {
  const struct behaviour *how = &services[at].behaviour;
  services[at].due = 0;
  switch (how->trouble) {
    case CRASH:
      bug_check(how);
    case HANG:
      hang();
    case SPIN:
      spin();
    case BLACK:
      screen_black();
      agent_close();
      stand_still();
    case RESET:
      reset_now();
    case POWER_OFF:
      state_set("boot.running", NULL);
      power_off();
    case AGENT_DIES:
      agent_close();
      break;
    case STOPS:
      services[at].running = false;
      break;
    case AUDITED:
      audit(services[at].name);
      break;
    case LIVE_DUMP:
      live_dump(how);
      break;
    default:
      break;
  }
}

bool driver_verified(const char *service) {
  return strcasecmp(state_get("verifier.service", ""), service) == 0;
}

static bool its_time(const char *service, const struct behaviour *how) {
  if (how->when_verified && !driver_verified(service)) return false;
  const int boots = state_number(key_of(service, "boots"), 0);
  return how->once ? boots == how->boot : boots >= how->boot;
}

static void begin_trouble(int at) {
  services[at].due = seconds() + services[at].behaviour.after;
  driver_tick();
}

int driver_start(const char *service) {
  const int at = index_of(service);
  if (!driver_known(service)) return 1060;
  if (services[at].running) return 1056;
  services[at].behaviour = driver_behaviour(service);
  const bool now = its_time(service, &services[at].behaviour);
  if (services[at].behaviour.trouble == REFUSES && now) return 31;
  services[at].running = true;
  size_t size;
  char *file = driver_file(service, &size);
  const bool sample = file && sample_is(file, size);
  free(file);
  if (sample) sample_start();
  if (now && !services[at].behaviour.on_apply) begin_trouble(at);
  return 0;
}

void driver_stop(const char *service) { services[index_of(service)].running = false; }

void driver_create(const char *service, const char *path, const char *start) {
  state_set(key_of(service, "path"), path);
  state_set(key_of(service, "start"), start);
  state_set(key_of(service, "boots"), "0");
}

void driver_delete(const char *service) {
  driver_stop(service);
  if (driver_behaviour(service).trouble == OUTLIVES) return;
  state_set(key_of(service, "path"), NULL);
  state_set(key_of(service, "start"), NULL);
  state_set(key_of(service, "boots"), NULL);
}

void driver_tick(void) {
  for (int i = 0; i < count; ++i)
    if (services[i].due > 0 && seconds() >= services[i].due) strike(i);
}

void driver_applied(void) {
  for (int i = 0; i < count; ++i)
    if (services[i].running && services[i].behaviour.on_apply &&
        its_time(services[i].name, &services[i].behaviour))
      begin_trouble(i);
}

/* ---- boots and shutdowns ---- */

struct installed {
  char name[MOST][64];
  int count;
};

static void collect(const char *key, const char *value, void *with) {
  struct installed *all = with;
  if (strcmp(value, "demand") == 0 || all->count == MOST) return;
  snprintf(all->name[all->count++], 64, "%s", key + strlen("service.start."));
}

static struct installed installed(void) {
  struct installed all = {.count = 0};
  state_each("service.start.", collect, &all);
  return all;
}

enum kind_of_boot driver_boot_kind(void) {
  const struct installed all = installed();
  enum kind_of_boot kind = NORMAL;
  for (int i = 0; i < all.count; ++i) {
    state_set_number(key_of(all.name[i], "boots"), state_number(key_of(all.name[i], "boots"), 0) + 1);
    const struct behaviour how = driver_behaviour(all.name[i]);
    if (!its_time(all.name[i], &how)) continue;
    if (how.trouble == WINRE) kind = RECOVERY;
    if (how.trouble == WINPE) kind = PREINSTALLED;
    if (how.trouble == SAFE_MODE) kind = SAFE;
  }
  return kind;
}

/* What was delivered is another, or is gone. `file`: as Windows writes it. */
static void spoil(const char *file, bool remove) {
  char path[600];
  if (!file) return;
  disk_path(file, path, sizeof path);
  if (remove)
    unlink(path);
  else
    file_write(path, "spoilt", 6);
}

static void lose(const char *service, enum trouble what) {
  char driver[300];
  if ((what == WRONG_DRIVER || what == NO_DRIVER) && driver_path(service, driver, sizeof driver))
    spoil(driver, what == NO_DRIVER);
  if (what == WRONG_CONTENT || what == NO_CONTENT) spoil(state_get("content.path", NULL), what == NO_CONTENT);
  if (what == NO_VERIFIER) state_set("verifier.service", NULL);
  if (what == UNGUARDED) state_set("guard", "off");
}

void driver_boot(void) {
  const struct installed all = installed();
  for (int i = 0; i < all.count; ++i) {
    const struct behaviour how = driver_behaviour(all.name[i]);
    driver_start(all.name[i]);
    if (its_time(all.name[i], &how)) lose(all.name[i], how.trouble);
  }
}

enum trouble driver_at_shutdown(void) {
  for (int i = 0; i < count; ++i) {
    const struct behaviour how = services[i].behaviour;
    if (services[i].running && its_time(services[i].name, &how) &&
        (how.trouble == SHUTDOWN_HANGS || how.trouble == NO_REBOOT))
      return how.trouble;
  }
  return HEALTHY;
}
