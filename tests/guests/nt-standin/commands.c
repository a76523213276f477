/*
 * What labctl asks of a Windows guest, each a PowerShell script whose first line names it ("# labctl
 * deliver") and whose values stand in assignments below ($files = 'a|b'). No PowerShell is interpreted here:
 * the name says what is to be done to the state that the stand-in keeps. A name that is not known is an error
 * that says so; what its author wrote himself is read by shell.c, line by line.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "standin.h"

/* '' is a quote. */
void value_of(const char *script, const char *name, char *to, size_t room) {
  char begin[80];
  snprintf(begin, sizeof begin, "\n$%s = '", name);
  const char *at = strstr(script, begin);
  size_t size = 0;
  to[0] = 0;
  if (!at) return;
  for (at += strlen(begin); *at && size + 1 < room; ++at) {
    if (*at == '\'' && *++at != '\'') break;
    to[size++] = *at;
  }
  to[size] = 0;
}

bool digest_of(const char *windows, char hex[65]) {
  char path[600];
  size_t size;
  disk_path(windows, path, sizeof path);
  char *bytes = file_read(path, &size);
  if (bytes) file_sha256(bytes, size, hex);
  free(bytes);
  return bytes != NULL;
}

void say(struct result *result, const char *words) { print(&result->out, "%s\r\n", words); }

void fail_with(struct result *result, int status, const char *why) {
  print(&result->err, "%s\r\n", why);
  result->status = status;
}

void say_unknown(struct result *result, const char *what) {
  print(&result->err, "nt-standin: the test equipment does not know '%.200s'\r\n", what);
  result->status = 1;
}

static const char *system_word(void) {
  switch (this_boot) {
    case PREINSTALLED:
      return "winpe";
    case SAFE:
      return "safe-mode";
    default:
      return "running";
  }
}

/* ---- the payload ---- */

static void deliver(const char *script, struct result *result) {
  char files[2000], folder[300], from[600], to[900], digest[65];
  value_of(script, "files", files, sizeof files);
  value_of(script, "folder", folder, sizeof folder);
  /* The drive needs a moment to notice its medium. */
  for (int n = 0; !disk_mount_cd(); ++n, usleep(200000))
    if (n == 50) return fail_with(result, 1, "no drive holds the volume LABCTL");
  char *rest = files, *name;
  while ((name = strsep(&rest, "|"))) {
    char windows[700];
    snprintf(windows, sizeof windows, "D:\\%s", name);
    disk_path(windows, from, sizeof from);
    snprintf(windows, sizeof windows, "%s\\%s", folder, name);
    disk_path(windows, to, sizeof to);
    if (!file_copy(from, to) || !digest_of(windows, digest)) return fail_with(result, 1, "Cannot find path");
    print(&result->out, "%s=%s\r\n", name, digest);
  }
  disk_sync();
}

static bool place(const char *script, struct result *result) {
  char file[300], path[300], from[600], to[600];
  value_of(script, "file", file, sizeof file);
  value_of(script, "path", path, sizeof path);
  disk_path(file, from, sizeof from);
  disk_path(path, to, sizeof to);
  if (!file_copy(from, to)) {
    result->status = 126;
    print(&result->out, "Could not find a part of the path '%s'.\r\n", path);
    return false;
  }
  state_set("content.path", path);
  disk_sync();
  return true;
}

static void own(const char *script, struct result *result);

static void apply(const char *script, struct result *result) {
  if (!place(script, result)) return;
  if (strstr(script, "$global:LASTEXITCODE = 0\n")) own(script, result);
  driver_applied();
}

static void just_place(const char *script, struct result *result) { place(script, result); }

static void content_digest(const char *script, struct result *result) {
  char path[300], digest[65];
  value_of(script, "path", path, sizeof path);
  print(&result->out, "content_sha256=%s\r\n", digest_of(path, digest) ? digest : "absent");
}

/* ---- evidence ---- */

static const int bad_events[] = {1001, 41, 6008};
static const int audits[] = {3076};

static void each_dump(void (*each)(const char *path, struct result *result), struct result *result) {
  glob_t found;
  if (glob(SYSTEM_ROOT "/Minidump/*.dmp", 0, NULL, &found) == 0)
    for (size_t i = 0; i < found.gl_pathc; ++i) each(found.gl_pathv[i], result);
  globfree(&found);
  struct stat facts;
  if (stat(SYSTEM_ROOT "/MEMORY.DMP", &facts) == 0) each(SYSTEM_ROOT "/MEMORY.DMP", result);
}

static int dumps;
static void count_dump(const char *path, struct result *result) {
  (void)path, (void)result;
  ++dumps;
}

static void tell_dump(const char *path, struct result *result) {
  struct stat facts;
  char when[40];
  if (stat(path, &facts) != 0) return;
  time_text(when, sizeof when, facts.st_mtime, "%Y-%m-%dT%H:%M:%S.0000000Z");
  char *windows = copy(path, strlen(path));
  for (char *at = windows; *at; ++at)
    if (*at == '/') *at = '\\';
  print(&result->out, "dump=C:%s|%lld|%s\r\n", windows + strlen("/c"), (long long)facts.st_size, when);
  free(windows);
}

static void evidence(const char *script, struct result *result) {
  struct text events = {0};
  (void)script;
  dumps = 0;
  each_dump(count_dump, result);
  print(&result->out, "boot_id=%s\r\nkernel=10.0.%d.0\r\ncrash_records=%d\r\n", boot_id, OS_BUILD,
        log_tell(&events, bad_events, 3) + dumps);
  free(events.at);
}

/* What it recovered from: nothing of this guest's makes one, but a driver's script may put one there. */
static void tell_live_reports(struct result *result) {
  glob_t found;
  if (glob(SYSTEM_ROOT "/LiveKernelReports/*.dmp", 0, NULL, &found) == 0)
    for (size_t i = 0; i < found.gl_pathc; ++i) {
      size_t size;
      uint32_t code = 0;
      char *bytes = file_read(found.gl_pathv[i], &size);
      if (!bytes) continue;
      if (size >= 60) memcpy(&code, bytes + 56, sizeof code);
      free(bytes);
      print(&result->out, "live=C:\\Windows\\LiveKernelReports\\%s|%zu|2026-11-22T08:15:31.0000000Z|%u\r\n",
            strrchr(found.gl_pathv[i], '/') + 1, size, code);
    }
  globfree(&found);
}

static void kernel_log(const char *script, struct result *result) {
  (void)script;
  say(result, "log=System");
  log_tell(&result->out, bad_events, 3);
  each_dump(tell_dump, result);
  tell_live_reports(result);
  log_tell(&result->out, audits, 1);
}

/* At most three, and of each the beginning. */
static void tell_bytes(const char *path, struct result *result) {
  const size_t most = strstr(path, "MEMORY.DMP") ? 65536 : 1048576;
  size_t size;
  if (dumps++ >= 3) return;
  char *bytes = file_read(path, &size);
  if (!bytes) return;
  tell_dump(path, result);
  uint32_t end = 0;
  if (size > 0x200C) {
    memcpy(&end, bytes + 0x2008, sizeof end);
    print(&result->out, "mark=");
    if (end < size) put_base64(&result->out, bytes + end, size - end < 4 ? size - end : 4);
    print(&result->out, "\r\n");
  }
  print(&result->out, "data=");
  put_base64(&result->out, bytes, size < most ? size : most);
  print(&result->out, "\r\n");
  free(bytes);
}

static void tell_dumps(const char *script, struct result *result) {
  (void)script;
  dumps = 0;
  each_dump(tell_bytes, result);
}

static void identify(const char *script, struct result *result) {
  (void)script;
  print(&result->out, "boot_id=%s\r\n", boot_id);
}

static void booted(const char *script, struct result *result) {
  (void)script;
  print(&result->out, "system=%s\r\n", system_word());
}

static void restart(const char *script, struct result *result) {
  (void)script, (void)result;
  ask_for_power(true);
}

static void power_off(const char *script, struct result *result) {
  (void)script, (void)result;
  ask_for_power(false);
}

/* NotMyFault as images may have it. */
static void stage_panic(const char *script, struct result *result) {
  (void)script, (void)result;
  struct behaviour how = behaviour_read("", 0);
  how.stop = (struct stop){
      .code = 0xE2, .name = "MANUALLY_INITIATED_CRASH", .driver = "myfault.sys", .layout = LAYOUT_10};
  bug_check(&how);
}

/* What an author wrote stands between two lines that labctl adds. */
static void own(const char *script, struct result *result) {
  const char *begin = strstr(script, "$global:LASTEXITCODE = 0\n");
  const char *end = begin ? strstr(begin, "\nexit $LASTEXITCODE\n") : NULL;
  if (!begin || !end) return say_unknown(result, script);
  begin += strlen("$global:LASTEXITCODE = 0\n");
  if (end < begin) return;
  char *text = copy(begin, (size_t)(end - begin)), *rest = text, *line;
  char package[300];
  value_of(script, "package", package, sizeof package);
  setenv("LABCTL_DRIVER", package, 1);
  while ((line = strsep(&rest, "\n;"))) shell_line(line + strspn(line, " \t"), result);
  free(text);
}

/* ---- what a page about an image asks for; of the registry there is no more than this ---- */

static void prove_system(const char *script, struct result *result) {
  (void)script;
  print(&result->out,
        "build=%d.0\r\nedition=Stand-in\r\nlanguage=en-US\r\nroot=C:\\Windows\r\nmini_nt=%s\r\nsafe_boot=%s"
        "\r\nsetup=0\r\n",
        OS_BUILD, this_boot == PREINSTALLED ? "yes" : "no", this_boot == SAFE ? "yes" : "no");
}

static void prove_crash_settings(const char *script, struct result *result) {
  (void)script;
  print(&result->out, "dump=2\r\nnmi_dump=1\r\nauto_reboot=1\r\nems=yes\r\nrecovery=%s\r\n",
        strcmp(state_get("boot.recovery", "on"), "on") == 0 ? "yes" : "no");
}

static void prove_events(const char *script, struct result *result) {
  (void)script;
  const int count = log_tell(&result->out, bad_events, 3);
  print(&result->out, "events=%d\r\nevent_xml=readable\r\n", count);
}

static void prove_drivers(const char *script, struct result *result) {
  (void)script;
  say(result, "windows_driver=answers\r\ninbox_state=Running\r\ninbox_file=absent");
}

static void prove_guard(const char *script, struct result *result) {
  (void)script;
  say(result,
      "device_guard=answers\r\nvbs=0\r\nservices_running=0\r\nverify_drivers=\r\ncode_integrity_log=absent");
}

static void prove_filters(const char *script, struct result *result) {
  (void)script;
  say(result, "fltmc=answers\r\ndefender_altitude=absent");
}

/* Memory integrity runs from the first boot with Secure Boot on, for as long as no driver takes it away. */
static void guard(const char *script, struct result *result) {
  (void)script;
  const bool runs = strcmp(state_get("guard", "on"), "on") == 0;
  print(&result->out, "vbs=%d\r\nservices_configured=2\r\nservices_running=%d\r\n", runs ? 2 : 1, runs ? 2 : 0);
}

static const struct {
  const char *name;
  void (*run)(const char *script, struct result *result);
} known[] = {{"identify", identify},
             {"booted", booted},
             {"evidence", evidence},
             {"kernel-log", kernel_log},
             {"dumps", tell_dumps},
             {"reboot", restart},
             {"power-off", power_off},
             {"deliver", deliver},
             {"install-service", install_service},
             {"install-inf", install_inf},
             {"install-msi", install_msi},
             {"remove-msi", remove_msi},
             {"remove-service", remove_driver},
             {"remove-inf", remove_driver},
             {"loaded", loaded},
             {"filter", filter},
             {"unload-filter", unload_filter},
             {"load-filter", load_filter},
             {"guard", guard},
             {"place", just_place},
             {"apply", apply},
             {"content-digest", content_digest},
             {"stage-panic", stage_panic},
             {"prove-system", prove_system},
             {"prove-crash-settings", prove_crash_settings},
             {"prove-events", prove_events},
             {"prove-drivers", prove_drivers},
             {"prove-guard", prove_guard},
             {"prove-filters", prove_filters}};

void command_run(const char *path, char **argument, int count, struct result *result) {
  static const char begin[] = "# labctl ";
  const char *script = count > 0 ? argument[count - 1] : "";
  const char *program = strrchr(path, '\\') ? strrchr(path, '\\') + 1 : path;
  char name[64];
  if (!starts(program, "powershell")) return say_unknown(result, path);
  if (!starts(script, begin)) return shell_line(script, result);
  snprintf(name, sizeof name, "%.*s", (int)strcspn(script + strlen(begin), "\n"), script + strlen(begin));
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
    if (strcmp(name, known[i].name) == 0) return known[i].run(script, result);
  if (!strstr(script, "$global:LASTEXITCODE = 0\n")) return say_unknown(result, name);
  own(script, result);
}
