/* One command of an author's scenario, as PowerShell would run it: a handful of programs that such commands
 * are made of. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "standin.h"

enum { MOST = 24 };

/* Words, quoted or not; changes `line`. */
static int split(char *line, char **word) {
  int count = 0;
  for (char *at = line; *at && count < MOST;) {
    at += strspn(at, " \t\r");
    if (!*at) break;
    const char quote = *at == '"' || *at == '\'' ? *at++ : 0;
    word[count++] = at;
    at += quote ? strcspn(at, (char[]){quote, 0}) : strcspn(at, " \t\r");
    if (*at) *at++ = 0;
  }
  for (int i = 0; i < count; ++i)
    if (strcasecmp(word[i], "$env:LABCTL_DRIVER") == 0) word[i] = getenv("LABCTL_DRIVER") ?: "";
  return count;
}

/* sc create NAME type= kernel start= auto binPath= C:\... */
static void service_create(char **word, int count) {
  const char *path = "", *start = "demand";
  for (int i = 3; i + 1 < count; ++i) {
    if (strcasecmp(word[i], "binpath=") == 0) path = word[i + 1];
    if (strcasecmp(word[i], "start=") == 0) start = word[i + 1];
  }
  if (count > 2) driver_create(word[2], path, start);
}

static void copy_file(char **word, int count, struct result *result) {
  char from[600], to[600];
  if (count < 3) return say_unknown(result, "Copy-Item");
  disk_path(word[count - 2], from, sizeof from);
  disk_path(word[count - 1], to, sizeof to);
  if (file_copy(from, to)) return;
  print(&result->err, "Copy-Item : Cannot find path '%s'\r\n", word[count - 2]);
  result->status = 1;
}

static void service_control(char **word, int count, struct result *result) {
  const char *verb = count > 1 ? word[1] : "", *service = count > 2 ? word[2] : "";
  if (strcasecmp(verb, "create") == 0) {
    service_create(word, count);
    return;
  }
  if (strcasecmp(verb, "start") == 0) {
    result->status = driver_start(service);
  } else if (!driver_known(service)) {
    print(&result->out, "[SC] OpenService FAILED 1060:\r\n");
    result->status = 1060;
    return;
  } else if (strcasecmp(verb, "stop") == 0) {
    driver_stop(service);
  } else if (strcasecmp(verb, "delete") == 0) {
    driver_delete(service);
    return;
  } else if (strcasecmp(verb, "query") != 0) {
    return say_unknown(result, verb);
  }
  print(&result->out,
        "\r\nSERVICE_NAME: %s\r\n        TYPE               : 1  KERNEL_DRIVER\r\n        STATE              "
        ": %s\r\n",
        service, driver_running(service) ? "4  RUNNING" : "1  STOPPED");
}

/* certutil -hashfile FILE SHA256 */
static void certificate_utility(char **word, int count, struct result *result) {
  char path[600], hex[65];
  size_t size;
  if (count < 4 || strcasecmp(word[1], "-hashfile") != 0) return say_unknown(result, "certutil");
  disk_path(word[2], path, sizeof path);
  char *bytes = file_read(path, &size);
  if (!bytes) {
    print(&result->out, "CertUtil: -hashfile command FAILED: 0x80070002\r\n");
    result->status = 2;
    return;
  }
  file_sha256(bytes, size, hex);
  print(&result->out, "SHA256 hash of %s:\r\n%s\r\nCertUtil: -hashfile command completed successfully.\r\n",
        word[2], hex);
  free(bytes);
}

/* reg query KEY: the stand-in has the keys that tell which system this is. */
static void registry(char **word, int count, struct result *result) {
  const char *key = count > 2 ? word[2] : "";
  const bool there = (find_word(key, "\\Control\\MiniNT") && this_boot == PREINSTALLED) ||
                     (find_word(key, "\\SafeBoot\\Option") && this_boot == SAFE);
  print(there ? &result->out : &result->err, "%s\r\n",
        there ? key : "ERROR: The system was unable to find the specified registry key or value.");
  result->status = there ? 0 : 1;
}

void shell_line(const char *line, struct result *result) {
  char *text = copy(line, strlen(line)), *word[MOST];
  const int count = split(text, word);
  const char *program = count > 0 ? word[0] : "";
  char name[40];
  snprintf(name, sizeof name, "%.*s", (int)strcspn(program, "."), program);
  if (count == 0 || program[0] == '#') {
    free(text);
    return;
  }
  if (strcasecmp(name, "sc") == 0)
    service_control(word, count, result);
  else if (strcasecmp(name, "certutil") == 0)
    certificate_utility(word, count, result);
  else if (strcasecmp(name, "reg") == 0)
    registry(word, count, result);
  else if (strcasecmp(name, "copy-item") == 0)
    copy_file(word, count, result);
  else if (strcasecmp(name, "exit") == 0)
    result->status = count > 1 ? atoi(word[1]) : 0;
  else if (strcasecmp(name, "echo") == 0 || strcasecmp(name, "write-output") == 0)
    for (int i = 1; i < count; ++i) print(&result->out, "%s\r\n", word[i]);
  else if (find_word(line, "Get-CimInstance Win32_CDROMDrive"))
    result->status = access("/dev/sr0", F_OK) == 0 ? 0 : 1;
  else if (strcasecmp(name, "start-sleep") == 0)
    result->ready = seconds() + atof(word[count - 1]) / (find_word(line, "-Milliseconds") ? 1000 : 1);
  else
    say_unknown(result, program);
  free(text);
}
