/*
 * The second half of an unattended installation: the new system's first boot. It goes by the answer file that
 * setup left, and runs the command of the first logon: the script on the medium, line by line. No PowerShell
 * is interpreted: the lines that are known stand in a table, with what they do to this system, and what is
 * said is read from the script itself. A line that nobody knows is an error that says so, so the script and
 * this cannot drift apart in silence.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "standin.h"

#define SHELL "oobeSystem/Microsoft-Windows-Shell-Setup/"

enum next { GO_ON, FAILED, ENDED };
static struct {
  int port; /* COM2 */
  const struct volume *seed, *virtio;
  char signing[16], failure[300], mark[20];
  bool fit;
} logon = {.port = -1};

bool first_logon_is_due(void) { return strcmp(state_get("installed", ""), "unattended") == 0; }

static void speak(const char *format, ...) {
  va_list list;
  va_start(list, format);
  if (logon.port >= 0) {
    dprintf(logon.port, "%s", logon.mark);
    vdprintf(logon.port, format, list);
    dprintf(logon.port, "\n");
  }
  va_end(list);
  for (int i = 0; i < 3; ++i) agent_serve(100);
}

static enum next failed(const char *why) {
  snprintf(logon.failure, sizeof logon.failure, "%s", why);
  return FAILED;
}

/* What stands between the quotes that follow `begin`, which ends in one; empty when it is not there. */
static char *quoted(const char *line, const char *begin) {
  const char *at = strstr(line, begin);
  at = at ? at + strlen(begin) : "";
  return copy(at, strcspn(at, "'"));
}

/* ---- what the lines of setup.ps1 do ---- */

static enum next nothing(const char *line) {
  (void)line;
  return GO_ON;
}

static enum next check_signing(const char *line) {
  char word[20];
  snprintf(word, sizeof word, "'%s'", logon.signing);
  return strstr(line, word) ? GO_ON : failed("Cannot validate argument on parameter 'Signing'");
}

static enum next open_port(const char *line) {
  (void)line;
  logon.port = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
  return GO_ON;
}

static enum next take_mark(const char *line) {
  snprintf(logon.mark, sizeof logon.mark, "%s", quoted(line, "WriteLine('"));
  return GO_ON;
}

static enum next find_virtio(const char *line) {
  logon.virtio = volume_called(quoted(line, "Get-Volume-Of '"));
  return GO_ON;
}

static enum next throw_without_virtio(const char *line) {
  return logon.virtio ? GO_ON : failed(quoted(line, "throw '"));
}

static enum next say_words(const char *line) {
  speak("%s", quoted(line, "Say '"));
  return GO_ON;
}

/* As msiexec, which nobody asks how it ended. */
static enum next install_package(const char *line) {
  char path[600];
  char *name = quoted(line, "$virtio + '");
  screen_setup("Getting ready", name);
  if (volume_file(logon.virtio, name, path, sizeof path) && find_word(name, "qemu-ga")) {
    state_set("agent", NULL);
    agent_open();
  }
  return GO_ON;
}

static enum next copy_from_seed(const char *line) {
  char from[600], to[600];
  char *name = quoted(line, "$seed + '");
  const bool optional = starts(line, "if (Test-Path");
  snprintf(to, sizeof to, "/c/ProgramData/labctl/tools/%s", name + 1);
  if (volume_file(logon.seed, name, from, sizeof from) && file_copy(from, to)) return GO_ON;
  return optional ? GO_ON : failed("Cannot find path");
}

/* Their names; nothing is updated. */
static enum next tell_updates(const char *line) {
  char pattern[600];
  glob_t found;
  disk_path_in(logon.seed->folder, quoted(line, "$seed + '"), pattern, sizeof pattern);
  if (glob(pattern, 0, NULL, &found) == 0)
    for (size_t i = 0; i < found.gl_pathc; ++i)
      speak("installing the update %s", strrchr(found.gl_pathv[i], '/') + 1);
  globfree(&found);
  return GO_ON;
}

static enum next make_it_fit(const char *line) {
  char path[600];
  disk_path("C:\\ProgramData\\labctl\\tools\\make-fit.ps1", path, sizeof path);
  logon.fit = fit_run(path, strstr(line, " -Check "), logon.signing, speak);
  return GO_ON;
}

static enum next throw_unfit(const char *line) { return logon.fit ? GO_ON : failed(quoted(line, "throw '")); }

static enum next tell_packages(const char *line) {
  static const char *const drivers[] = {"viostor", "vioserial", "pvpanic"};
  for (size_t i = 0; i < 3; ++i) speak("%s%s.inf", quoted(line, "Say ('"), drivers[i]);
  return GO_ON;
}

static enum next say_ready(const char *line) {
  speak("%s10.0.%d.0 nt-standin, test equipment", quoted(line, "Say ('"), OS_BUILD);
  return GO_ON;
}

static enum next say_failed(const char *line) {
  if (*logon.failure) speak("%s%s", quoted(line, "Say ('"), logon.failure);
  return GO_ON;
}

static enum next end(const char *line) {
  (void)line;
  return ENDED;
}

/* The first that the line begins with. Behind `} catch {` everything is run that is not of a failure alone.
 */
static const struct {
  const char *begin;
  enum next (*act)(const char *line);
} lines[] = {
    {"#", nothing},
    {"param(", check_signing},
    {"$port = New-Object IO.Ports.SerialPort 'COM2', 115200", open_port},
    {"$port.Close()", nothing},
    {"function Say(", take_mark},
    {"function Get-Volume-Of(", nothing},
    {"try {", nothing},
    {"} catch {", nothing},
    {"}", nothing},
    {"$ErrorActionPreference = ", nothing},
    {"$virtio = Get-Volume-Of '", find_virtio},
    {"if (-not $virtio) { throw '", throw_without_virtio},
    {"Say '", say_words},
    {"Start-Process msiexec.exe -Wait -ArgumentList '/i', ($virtio + '", install_package},
    {"$seed = Split-Path $MyInvocation.MyCommand.Path", nothing},
    {"New-Item -ItemType Directory -Force C:\\ProgramData\\labctl\\tools", nothing},
    {"Copy-Item -Force ($seed + '", copy_from_seed},
    {"if (Test-Path ($seed + '", copy_from_seed},
    {"foreach ($update in @(Get-ChildItem ($seed + '", tell_updates},
    {"Say ('installing the update ' + $update.Name)", nothing},
    {"dism.exe /online /add-package ", nothing},
    {"if (0, 3010 -notcontains $LASTEXITCODE) { throw ('the update '", nothing},
    {"& C:\\ProgramData\\labctl\\tools\\make-fit.ps1 -Signing $Signing", make_it_fit},
    {"if ($LASTEXITCODE -ne 0) { throw '", throw_unfit},
    {"$system = Get-CimInstance Win32_OperatingSystem", nothing},
    {"foreach ($driver in @(pnputil.exe /enum-drivers", tell_packages},
    {"Say ('ready ' + [Environment]::OSVersion.Version.ToString()", say_ready},
    {"Say ('failed ' + $_.Exception.Message)", say_failed},
    {"shutdown.exe /s /t ", end},
};

static enum next run_line(const char *line) {
  for (size_t i = 0; i < sizeof lines / sizeof *lines; ++i)
    if (starts(line, lines[i].begin)) return lines[i].act(line);
  setup_fails("The test equipment does not know this line of setup.ps1: %s", line);
}

static void run_script(const char *path) {
  size_t size;
  bool caught = true;
  char *rest = file_read(path, &size), *line;
  while ((line = strsep(&rest, "\n"))) {
    line += strspn(line, " ");
    line[strcspn(line, "\r")] = 0;
    if (!*line) continue;
    caught |= starts(line, "} catch {");
    if (!caught) continue; /* what is left of the try */
    switch (run_line(line)) {
      case FAILED:
        caught = false;
        break;
      case ENDED:
        return;
      case GO_ON:
        break;
    }
  }
}

/* The command line names the medium by its label, the script on it, and what is signed how. */
static void read_command(const struct answers *answers, char *script, size_t room) {
  const char *line = setting(answers, SHELL "FirstLogonCommands/SynchronousCommand/CommandLine", 0);
  if (!line || !starts(line, "powershell.exe -NoProfile -ExecutionPolicy Bypass -Command \""))
    setup_fails("The first logon has no command that is known: %s", line ? line : "");
  char *label = quoted(line, "VolumeName = ''"), *name = quoted(line, "& ($d + '");
  const char *signing = strstr(line, " -Signing ");
  if (signing) sscanf(signing, " -Signing %15[a-z]\"", logon.signing);
  logon.seed = volume_called(label);
  if (!volume_file(logon.seed, name, script, room)) setup_fails("No volume %s with %s", label, name);
}

_Noreturn void first_logon(void) {
  static struct answers answers;
  char script[600];
  screen_setup("Getting ready", "Signing in");
  if (!answers_read(PANTHER, &answers)) setup_fails("The answer file cannot be read: %s", answers.wrong);
  if (!setting_is(&answers, SHELL "AutoLogon/Enabled", "true") ||
      !setting_is(&answers, SHELL "AutoLogon/Username", "Administrator") ||
      !setting_is(&answers, SHELL "UserAccounts/AdministratorPassword/PlainText", "true") ||
      !setting_is(&answers, SHELL "AutoLogon/Password/Value",
                  setting(&answers, SHELL "UserAccounts/AdministratorPassword/Value", 0)))
    setup_fails("Press Ctrl+Alt+Delete to unlock: nobody logs on by himself");
  volumes_mount();
  read_command(&answers, script, sizeof script);
  run_script(script);
  state_set("installed", "done");
  state_set("boot.attempts", NULL);
  agent_close();
  disk_release();
  reboot(RB_POWER_OFF);
  stand_still();
}
