/* One boot of the stand-in, from the first process to the reset. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "standin.h"

enum kind_of_boot this_boot = NORMAL;
char boot_id[40];
static enum { STAYS, RESTARTS, POWERS_OFF } wish = STAYS;

/* A loader counts its attempts; the system says that one was good. After two that were not comes the repair.
 */
enum { PATIENCE_OF_LOADER = 2, SIGN_IN_AFTER = 3 };

static void tell_boot_time(void) {
  struct timespec now, up;
  clock_gettime(CLOCK_REALTIME, &now);
  clock_gettime(CLOCK_BOOTTIME, &up);
  const long long since = ((long long)now.tv_sec - up.tv_sec) * 10000000 + (now.tv_nsec - up.tv_nsec) / 100;
  time_text(boot_id, sizeof boot_id, since / 10000000, "%Y-%m-%dT%H:%M:%S");
  snprintf(boot_id + 19, sizeof boot_id - 19, ".%07lldZ", since % 10000000);
}

static void decide_kind(void) {
  const int attempts = state_number("boot.attempts", 0);
  state_set_number("boot.attempts", attempts + 1);
  if (attempts >= PATIENCE_OF_LOADER && strcmp(state_get("boot.recovery", "on"), "on") == 0) {
    this_boot = RECOVERY;
    return;
  }
  this_boot = driver_boot_kind();
}

void ask_for_power(bool restart) { wish = restart ? RESTARTS : POWERS_OFF; }

static _Noreturn void obey(void) {
  agent_close();
  state_set("boot.running", NULL);
  disk_release();
  if (wish == RESTARTS) reset_now();
  reboot(RB_POWER_OFF);
  stand_still();
}

static void maybe_power(void) {
  if (wish == STAYS) return;
  agent_serve(50); /* whoever asked wants to know that the command has begun */
  switch (driver_at_shutdown()) {
    case SHUTDOWN_HANGS:
      agent_close();
      hang();
    case NO_REBOOT:
      wish = STAYS;
      return;
    default:
      obey();
  }
}

/* In the recovery environment nobody answers and nothing happens any more. */
static _Noreturn void recover(void) {
  screen_repair();
  disk_release();
  for (;;) pause();
}

static void start_system(void) {
  if (state_number("boot.running", 0)) after_bug_check();
  state_set("boot.running", "1");
  if (strcmp(state_get("ems", "on"), "on") == 0) serial_boot();
  if (this_boot == NORMAL) driver_boot();
  screen_desktop();
  if (strcmp(state_get("agent", "there"), "there") == 0) agent_open();
}

/* Not the first process of a machine: answers one command, which is read from standard input, in a folder
 * that holds c/. */
static int answer_one(void) {
  char *arguments[1] = {calloc(1, 1 << 20)};
  struct result result = {0};
  const size_t size = arguments[0] ? fread(arguments[0], 1, (1 << 20) - 1, stdin) : 0;
  if (size == 0 || chroot(".") != 0) return 125;
  tell_boot_time();
  state_load();
  driver_boot();
  command_run("powershell.exe", arguments, 1, &result);
  fwrite(result.out.at, 1, result.out.size, stdout);
  fwrite(result.err.at, 1, result.err.size, stderr);
  return result.status;
}

/* Nor here: whether an answer file can be read. */
static int read_answers(const char *path) {
  static struct answers answers;
  if (answers_read(path, &answers)) return 0;
  printf("%s\n", answers.wrong);
  return 1;
}

int main(int count, char **word) {
  if (getpid() != 1) return count == 2 ? read_answers(word[1]) : answer_one();
  signal(SIGPIPE, SIG_IGN);
  disk_prepare();
  serial_open();
  screen_open();
  screen_black();
  tell_boot_time();
  if (setup_is_asked()) setup_run();
  if (!disk_mount_system()) {
    fprintf(stderr, "nt-standin: no NTFS\n");
    stand_still();
  }
  state_load();
  if (first_logon_is_due()) first_logon();
  decide_kind();
  if (this_boot == RECOVERY) recover();
  start_system();
  const double signed_in = seconds() + SIGN_IN_AFTER;
  for (bool counted = false;;) {
    agent_serve(100);
    serial_answer();
    driver_tick();
    watch_nmi();
    maybe_power();
    if (counted || seconds() < signed_in) continue;
    state_set("boot.attempts", NULL);
    counted = true;
  }
}
