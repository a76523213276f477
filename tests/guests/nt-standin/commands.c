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

#define PENDING "pending"
static const char package_folder[] = "/c/ProgramData/labctl/package";

/* The value of `$name = '...'`, in which '' is a quote; empty when it is not assigned. */
static void value_of(const char *script, const char *name, char *to, size_t room) {
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

static bool digest_of(const char *windows, char hex[65]) {
  char path[600];
  size_t size;
  disk_path(windows, path, sizeof path);
  char *bytes = file_read(path, &size);
  if (bytes) file_sha256(bytes, size, hex);
  free(bytes);
  return bytes != NULL;
}

static void say(struct result *result, const char *words) { print(&result->out, "%s\r\n", words); }

static void fail_with(struct result *result, int status, const char *why) {
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
  if (!digest_of(path, digest)) return fail_with(result, 1, "Get-FileHash : Cannot find path");
  print(&result->out, "content_sha256=%s\r\n", digest);
}

/* ---- drivers ---- */

static void set_verifier(const char *script, const char *service) {
  char verifier[40], driver[100];
  value_of(script, "verifier", verifier, sizeof verifier);
  if (!*verifier || strcmp(verifier, "off") == 0) return;
  snprintf(driver, sizeof driver, "%s.sys", service);
  state_set("verifier.driver", driver);
}

static void mark_pending(bool pending, struct result *result) {
  if (!pending) return;
  state_set(PENDING, boot_id);
  say(result, "pending=reboot");
}

static void start_service(const char *service, struct result *result) {
  const int status = driver_start(service);
  if (status == 0)
    print(&result->out, "SERVICE_NAME: %s\r\n        STATE              : 4  RUNNING\r\n", service);
  else
    print(&result->out, "[SC] StartService FAILED %d:\r\n", status);
}

/* A driver's file takes its place in the system; false when that was not possible. */
static bool take_file(const char *package, const char *service, const char *start) {
  char file[200], from[600], to[600];
  snprintf(file, sizeof file, "C:\\Windows\\System32\\drivers\\%s.sys", service);
  if (driver_known(service))
    driver_stop(service);
  else
    driver_create(service, file, start);
  disk_path(package, from, sizeof from);
  disk_path(file, to, sizeof to);
  const bool good = file_copy(from, to);
  disk_sync();
  return good;
}

/* The package of the stand-in's installer is the driver's file itself. */
static void install_msi(const char *script, struct result *result) {
  char package[300], service[64], path[600];
  size_t size = 0;
  value_of(script, "package", package, sizeof package);
  value_of(script, "service", service, sizeof service);
  disk_path(package, path, sizeof path);
  char *bytes = file_read(path, &size);
  const int code = behaviour_read(bytes ? bytes : "", size).pnputil;
  free(bytes);
  print(&result->out, "msiexec=%d\r\n", code);
  const bool pending = code == 3010 || code == 1641;
  if ((code != 0 && !pending) || !take_file(package, service, "auto"))
    return fail_with(result, 1, "msiexec failed");
  set_verifier(script, service);
  mark_pending(pending, result);
  if (!pending) start_service(service, result);
}

static void remove_msi(const char *script, struct result *result) {
  char service[64];
  value_of(script, "service", service, sizeof service);
  driver_delete(service);
  say(result, "msiexec=0");
}

static void install_service(const char *script, struct result *result) {
  char package[300], service[64], start[20];
  value_of(script, "package", package, sizeof package);
  value_of(script, "service", service, sizeof service);
  value_of(script, "start", start, sizeof start);
  if (!take_file(package, service, start)) return fail_with(result, 1, "Copy-Item : Cannot find path");
  set_verifier(script, service);
  start_service(service, result);
  if (!driver_running(service)) fail_with(result, 1, "the service did not start");
}

struct found {
  char path[600];
  const char *service;
};

static void take_driver(const char *path, void *with) {
  struct found *found = with;
  snprintf(found->path, sizeof found->path, "%s", path);
}

static void install_inf(const char *script, struct result *result) {
  char package[300], service[64], certificate[200], path[600];
  struct found inf = {{0}, NULL}, driver = {{0}, NULL};
  value_of(script, "package", package, sizeof package);
  value_of(script, "service", service, sizeof service);
  value_of(script, "certificate", certificate, sizeof certificate);
  disk_path(package, path, sizeof path);
  if (!package_unpack(path, package_folder))
    return fail_with(result, 1, "Expand-Archive : cannot be unpacked");
  if (*certificate) {
    snprintf(path, sizeof path, "%s/%s", package_folder, certificate);
    struct stat facts;
    if (stat(path, &facts) != 0)
      return fail_with(result, 1, "CertUtil: -addstore command FAILED: 0x80070002");
    say(result, "CertUtil: -addstore command completed successfully.");
  }
  package_each(package_folder, ".inf", take_driver, &inf);
  package_each(package_folder, ".sys", take_driver, &driver);
  if (!*inf.path) return mark_pending(false, result);
  size_t size = 0;
  char *bytes = file_read(driver.path, &size);
  const struct behaviour how = behaviour_read(bytes ? bytes : "", size);
  free(bytes);
  print(&result->out, "Microsoft PnP Utility\r\n\r\npnputil=%d\r\n", how.pnputil);
  const bool pending = how.pnputil == 3010 || how.pnputil == 1641;
  if (how.pnputil != 0 && how.pnputil != 259 && !pending)
    return fail_with(result, 1, "Failed to add driver package");
  snprintf(path, sizeof path, "C:%s", driver.path + strlen("/c"));
  if (!*driver.path || !take_file(path, service, "system"))
    return fail_with(result, 1, "the package holds no driver");
  set_verifier(script, service);
  mark_pending(pending, result);
  if (!pending) start_service(service, result);
}

static void remove_driver(const char *script, struct result *result) {
  char service[64];
  value_of(script, "service", service, sizeof service);
  if (!driver_known(service)) return say(result, "[SC] OpenService FAILED 1060:");
  driver_delete(service);
  say(result, "[SC] DeleteService SUCCESS");
}

static void same_digest(const char *path, void *with) {
  struct found *wanted = with;
  char hex[65];
  size_t size;
  char *bytes = file_read(path, &size);
  if (bytes) file_sha256(bytes, size, hex);
  if (bytes && strcmp(hex, wanted->path) == 0) wanted->service = "found";
  free(bytes);
}

static void loaded(const char *script, struct result *result) {
  char service[64], kind[20], file[300], digest[65] = "";
  value_of(script, "service", service, sizeof service);
  value_of(script, "kind", kind, sizeof kind);
  if (!driver_path(service, file, sizeof file)) return say(result, "state=absent");
  const bool pending = strcmp(state_get(PENDING, ""), boot_id) == 0;
  if (!digest_of(file, digest)) return fail_with(result, 1, "Get-FileHash : Cannot find path");
  print(&result->out,
        "state=%s\r\nfile=%s\r\nfile_sha256=%s\r\nbuild_id=%s\r\nversion=%s\r\nfresh=unknown\r\n",
        pending                   ? "pending"
        : driver_running(service) ? "live"
                                  : "stopped",
        file, digest, digest, driver_behaviour(service).version);
  if (strcmp(kind, "inf") == 0) {
    struct found wanted = {{0}, NULL};
    snprintf(wanted.path, sizeof wanted.path, "%s", digest);
    package_each(package_folder, ".sys", same_digest, &wanted);
    say(result, wanted.service ? "package=right" : "package=another file than the package has");
  }
  const char *leaf = strrchr(file, '\\') + 1;
  say(result, strcasecmp(state_get("verifier.driver", ""), leaf) == 0 ? "verifier=on" : "verifier=off");
}

/* ---- evidence ---- */

static const int bad_events[] = {1001, 41, 6008};

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

static void kernel_log(const char *script, struct result *result) {
  (void)script;
  say(result, "log=System");
  log_tell(&result->out, bad_events, 3);
  each_dump(tell_dump, result);
}

/* At most three, and of each the beginning. */
static void tell_bytes(const char *path, struct result *result) {
  const size_t most = strstr(path, "MEMORY.DMP") ? 65536 : 1048576;
  size_t size;
  if (dumps++ >= 3) return;
  char *bytes = file_read(path, &size);
  if (!bytes) return;
  tell_dump(path, result);
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
             {"place", just_place},
             {"apply", apply},
             {"content-digest", content_digest},
             {"stage-panic", stage_panic}};

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
