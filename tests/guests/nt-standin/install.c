/* How a candidate comes into the system and out of it again, and what can be seen of it: Windows' installers,
 * without their signatures. Which exit code they end with is the driver's file to say. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "standin.h"

#define PENDING "pending"
static const char package_folder[] = "/c/ProgramData/labctl/package";

enum { NO_MORE_ITEMS = 259, REBOOT_REQUIRED = 3010, REBOOT_INITIATED = 1641 };

static void set_verifier(const char *script, const char *service) {
  char verifier[40];
  value_of(script, "verifier", verifier, sizeof verifier);
  if (!*verifier || strcmp(verifier, "off") == 0) return;
  state_set("verifier.service", service);
  state_set("verifier.boot", boot_id);
  /* Flags are asked for by a number; what the words stand for is the system's own. */
  state_set_number("verifier.level", (int)strtoul(starts(verifier, "0x") ? verifier : "0x209BB", NULL, 16));
}

/* Where its file says so, a driver is a minifilter: altitude=. */
void filter(const char *script, struct result *result) {
  char service[64];
  value_of(script, "service", service, sizeof service);
  const struct behaviour how = driver_behaviour(service);
  const bool there = driver_running(service) && *how.altitude;
  print(&result->out, "filter=%s\r\ninstances=", there ? "loaded" : "absent");
  if (there && how.trouble != DETACHED) print(&result->out, "C:@%s|\\Device\\Mup@%s", how.altitude, how.altitude);
  print(&result->out, "\r\nbeside=%s\r\n", how.trouble == EVICTS && there ? "" : "WdFilter@328010");
}

void unload_filter(const char *script, struct result *result) {
  char service[64];
  value_of(script, "service", service, sizeof service);
  if (!driver_running(service)) return fail_with(result, 1, "fltmc: 0x801f0014");
  if (driver_behaviour(service).trouble == IMMOVABLE) return fail_with(result, 1, "fltmc: 0x801f0010");
  driver_stop(service);
}

void load_filter(const char *script, struct result *result) {
  char service[64];
  value_of(script, "service", service, sizeof service);
  const int status = driver_start(service);
  if (status != 0) fail_with(result, 1, "fltmc: the filter was not loaded");
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

static void place_of(const char *service, char file[200]) {
  snprintf(file, 200, "C:\\Windows\\System32\\drivers\\%s.sys", service);
}

/* A driver's file takes its place in the system; false when that was not possible. */
static bool take_file(const char *package, const char *service, const char *start) {
  char file[200], from[600], to[600];
  place_of(service, file);
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

/* What is in the system already, and is better in the eyes of the system than what the package brings. */
static void keep_another(const char *service) {
  static const char other[] = "NT-STANDIN DRIVER\nversion=9.0.0.0\n";
  char file[200], path[600];
  place_of(service, file);
  disk_path(file, path, sizeof path);
  file_write(path, other, sizeof other - 1);
}

/* pnputil or msiexec with a driver's file, as that file wants them to end. */
static void run_installer(const char *tool, const char *file, const char *start, const char *script,
                          struct result *result) {
  char service[64], path[600];
  size_t size = 0;
  value_of(script, "service", service, sizeof service);
  disk_path(file, path, sizeof path);
  char *bytes = file_read(path, &size);
  const struct behaviour how = behaviour_read(bytes ? bytes : "", size);
  free(bytes);
  print(&result->out, "%s=%d\r\n", tool, how.installer);
  const bool pending = how.installer == REBOOT_REQUIRED || how.installer == REBOOT_INITIATED;
  const bool no_device = how.installer == NO_MORE_ITEMS && strcmp(tool, "pnputil") == 0;
  if (how.installer != 0 && !pending && !no_device) return fail_with(result, 1, "the installer failed");
  if (!take_file(file, service, start)) return fail_with(result, 1, "the package holds no driver");
  if (how.better) keep_another(service);
  set_verifier(script, service);
  mark_pending(pending, result);
  if (!pending) start_service(service, result);
}

/* The package of the stand-in's installer is the driver's file itself. */
void install_msi(const char *script, struct result *result) {
  char package[300];
  value_of(script, "package", package, sizeof package);
  run_installer("msiexec", package, "auto", script, result);
}

void install_service(const char *script, struct result *result) {
  char package[300], service[64], start[20];
  value_of(script, "package", package, sizeof package);
  value_of(script, "service", service, sizeof service);
  value_of(script, "start", start, sizeof start);
  if (!take_file(package, service, start)) return fail_with(result, 1, "Copy-Item : Cannot find path");
  set_verifier(script, service);
  start_service(service, result);
  if (!driver_running(service)) fail_with(result, 1, "the service did not start");
}

static void keep_path(const char *path, void *with) { snprintf(with, 600, "%s", path); }

static bool take_certificate(const char *script, struct result *result) {
  char certificate[200], path[600];
  struct stat facts;
  value_of(script, "certificate", certificate, sizeof certificate);
  if (!*certificate) return true;
  snprintf(path, sizeof path, "%s/%s", package_folder, certificate);
  if (stat(path, &facts) != 0) {
    fail_with(result, 1, "CertUtil: -addstore command FAILED: 0x80070002");
    return false;
  }
  say(result, "CertUtil: -addstore command completed successfully.");
  return true;
}

void install_inf(const char *script, struct result *result) {
  char package[300], path[600], inf[600] = "", driver[600] = "";
  value_of(script, "package", package, sizeof package);
  disk_path(package, path, sizeof path);
  if (!package_unpack(path, package_folder))
    return fail_with(result, 1, "Expand-Archive : cannot be unpacked");
  if (!take_certificate(script, result)) return;
  package_each(package_folder, ".inf", keep_path, inf);
  package_each(package_folder, ".sys", keep_path, driver);
  if (!*inf) return mark_pending(false, result);
  say(result, "Microsoft PnP Utility\r\n");
  snprintf(path, sizeof path, "C:%s", *driver ? driver + strlen("/c") : "");
  run_installer("pnputil", path, "system", script, result);
}

void remove_driver(const char *script, struct result *result) {
  char service[64];
  value_of(script, "service", service, sizeof service);
  if (!driver_known(service)) return say(result, "[SC] OpenService FAILED 1060:");
  driver_delete(service);
  say(result, "[SC] DeleteService SUCCESS");
}

void remove_msi(const char *script, struct result *result) {
  remove_driver(script, result);
  say(result, "msiexec=0");
}

struct wanted {
  const char *digest;
  bool found;
};

static void same_digest(const char *path, void *with) {
  struct wanted *wanted = with;
  char hex[65];
  size_t size;
  char *bytes = file_read(path, &size);
  if (bytes) file_sha256(bytes, size, hex);
  wanted->found = wanted->found || (bytes && strcmp(hex, wanted->digest) == 0);
  free(bytes);
}

void loaded(const char *script, struct result *result) {
  char service[64], kind[20], file[300], digest[65] = "";
  value_of(script, "service", service, sizeof service);
  value_of(script, "kind", kind, sizeof kind);
  if (!driver_path(service, file, sizeof file)) return say(result, "state=absent");
  const bool pending = strcmp(state_get(PENDING, ""), boot_id) == 0;
  if (!digest_of(file, digest)) strcpy(digest, "absent");
  print(&result->out,
        "state=%s\r\nfile=%s\r\nfile_sha256=%s\r\nbuild_id=%s\r\nversion=%s\r\nfresh=unknown\r\n",
        pending                   ? "pending"
        : driver_running(service) ? "live"
                                  : "stopped",
        file, digest, digest, driver_behaviour(service).version);
  if (strcmp(kind, "inf") == 0) {
    struct wanted wanted = {digest, false};
    package_each(package_folder, ".sys", same_digest, &wanted);
    say(result, wanted.found ? "package=right" : "package=another file than the package has");
  }
  if (!pending && !driver_running(service)) say(result, "why=7000 %%31");
  if (!driver_verified(service)) return say(result, "verifier=off");
  const bool waits = strcmp(state_get("verifier.boot", ""), boot_id) == 0;
  const bool idle = driver_behaviour(service).trouble == IDLE_VERIFIER;
  print(&result->out, "verifier=on\r\nverifier_level=%d\r\nverifier_active=%s\r\n",
        state_number("verifier.level", 0), waits ? "waits" : idle ? "no" : "yes");
}
