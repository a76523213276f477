/* The guest agent of QEMU as its Windows build speaks, on the virtio port of that name. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "standin.h"

static int port = -1;
static struct text line;
enum { MOST = 64, LONGEST = 4 << 20 };
static struct running {
  long long pid;
  struct result result;
} running[MOST];
static long long next_pid = 1000;
static struct opened { FILE *file; } files[MOST];

void agent_open(void) {
  DIR *ports = opendir("/sys/class/virtio-ports");
  for (struct dirent *each; ports && (each = readdir(ports));) {
    char path[300], *name;
    size_t size;
    snprintf(path, sizeof path, "/sys/class/virtio-ports/%s/name", each->d_name);
    name = file_read(path, &size);
    if (name && starts(name, "org.qemu.guest_agent.0")) {
      snprintf(path, sizeof path, "/dev/%s", each->d_name);
      port = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    }
    free(name);
  }
  if (ports) closedir(ports);
}

void agent_close(void) {
  if (port >= 0) close(port);
  port = -1;
}

static void answer(const char *request, const char *key, const char *value, bool delimited) {
  struct text text = {0};
  size_t size;
  const char *id = json_find(request, "id", &size);
  if (delimited) put(&text, "\xff", 1);
  print(&text, "{\"%s\": %s", key, value);
  if (id) print(&text, ", \"id\": %.*s", (int)size, id);
  print(&text, "}\n");
  for (size_t done = 0; done < text.size && port >= 0;) {
    const ssize_t sent = write(port, text.at + done, text.size - done);
    if (sent > 0) done += (size_t)sent;
    if (sent < 0 && errno != EAGAIN && errno != EINTR) break;
    if (sent <= 0) usleep(10000);
  }
  free(text.at);
}

static void refuse(const char *request, const char *class, const char *why) {
  struct text text = {0};
  print(&text, "{\"class\": \"%s\", \"desc\": ", class);
  json_quote(&text, why);
  print(&text, "}");
  answer(request, "error", text.at, false);
  free(text.at);
}

static void execute(const char *request) {
  char *path = json_text(request, "arguments.path"), *argument[MOST];
  const int count = json_texts(request, "arguments.arg", argument, MOST);
  char told[64];
  int at = 0;
  while (at < MOST - 1 && running[at].pid) ++at;
  running[at] = (struct running){.pid = ++next_pid};
  snprintf(told, sizeof told, "{\"pid\": %lld}", running[at].pid);
  answer(request, "return", told, false);
  /* Begun, and told so: whatever the command does to the system happens now. */
  command_run(path ? path : "", argument, count, &running[at].result);
  for (int i = 0; i < count; ++i) free(argument[i]);
  free(path);
}

static void execute_status(const char *request) {
  const long long pid = json_number(request, "arguments.pid", -1);
  struct text text = {0};
  int at = 0;
  while (at < MOST && (running[at].pid == 0 || running[at].pid != pid)) ++at;
  if (at == MOST) return refuse(request, "GenericError", "Invalid parameter 'pid'");
  struct result *result = &running[at].result;
  if (seconds() < result->ready) return answer(request, "return", "{\"exited\": false}", false);
  print(&text, "{\"exited\": true, \"exitcode\": %d", result->status);
  const struct text *streams[] = {&result->out, &result->err};
  for (int i = 0; i < 2; ++i) {
    if (!streams[i]->size) continue;
    print(&text, ", \"%s-data\": \"", i ? "err" : "out");
    put_base64(&text, streams[i]->at, streams[i]->size);
    print(&text, "\"");
  }
  print(&text, "}");
  answer(request, "return", text.at, false);
  free(text.at);
  free(result->out.at);
  free(result->err.at);
  running[at].pid = 0; /* it is told once */
}

/* ---- files ---- */

static void file_open(const char *request) {
  char path[600], told[32];
  char *name = json_text(request, "arguments.path"), *mode = json_text(request, "arguments.mode");
  int at = 1;
  disk_path(name ? name : "", path, sizeof path);
  while (at < MOST - 1 && files[at].file) ++at;
  if (mode && mode[0] != 'r') make_folders(path);
  files[at].file = fopen(path, mode ? mode : "r");
  if (!files[at].file) {
    refuse(request, "GenericError", "failed to open file: The system cannot find the file specified. (2)");
  } else {
    snprintf(told, sizeof told, "%d", at);
    answer(request, "return", told, false);
  }
  free(name);
  free(mode);
}

static void file_use(const char *request, const char *what) {
  const long long handle = json_number(request, "arguments.handle", -1);
  if (handle < 1 || handle >= MOST || !files[handle].file)
    return refuse(request, "GenericError", "handle has not been found");
  FILE *file = files[handle].file;
  struct text text = {0};
  if (strcmp(what, "close") == 0) {
    fclose(file);
    files[handle].file = NULL;
    return answer(request, "return", "{}", false);
  }
  if (strcmp(what, "seek") == 0) {
    fseek(file, (long)json_number(request, "arguments.offset", 0), SEEK_SET);
    print(&text, "{\"position\": %ld, \"eof\": false}", ftell(file));
  } else if (strcmp(what, "read") == 0) {
    long long wanted = json_number(request, "arguments.count", 4096);
    if (wanted < 0 || wanted > LONGEST) wanted = LONGEST;
    char *bytes = malloc((size_t)wanted + 1);
    const size_t got = bytes ? fread(bytes, 1, (size_t)wanted, file) : 0;
    print(&text, "{\"count\": %zu, \"buf-b64\": \"", got);
    put_base64(&text, bytes, got);
    print(&text, "\", \"eof\": %s}", feof(file) ? "true" : "false");
    free(bytes);
  } else {
    char *coded = json_text(request, "arguments.buf-b64");
    const size_t size = coded ? from_base64(coded, strlen(coded), coded) : 0;
    print(&text, "{\"count\": %zu, \"eof\": false}", fwrite(coded, 1, size, file));
    fflush(file);
    free(coded);
  }
  answer(request, "return", text.at, false);
  free(text.at);
}

/* ---- requests ---- */

static void os_info(const char *request) {
  struct text text = {0};
  print(&text,
        "{\"id\": \"mswindows\", \"name\": \"Microsoft Windows\", \"pretty-name\": \"nt-standin (test "
        "equipment)\", "
        "\"version\": \"Microsoft Windows Server 2022\", \"version-id\": \"2022\", \"variant\": \"server\", "
        "\"variant-id\": \"server\", \"machine\": \"x86_64\", \"kernel-release\": \"%d\", "
        "\"kernel-version\": \"10.0\"}",
        OS_BUILD);
  answer(request, "return", text.at, false);
  free(text.at);
}

static void sync_id(const char *request, bool delimited) {
  char told[32];
  snprintf(told, sizeof told, "%lld", json_number(request, "arguments.id", 0));
  answer(request, "return", told, delimited);
}

static void now(const char *request) {
  struct timespec at;
  char told[32];
  clock_gettime(CLOCK_REALTIME, &at);
  snprintf(told, sizeof told, "%lld", (long long)at.tv_sec * 1000000000 + at.tv_nsec);
  answer(request, "return", told, false);
}

static void shut_down(const char *request) { /* it has no answer */
  char *mode = json_text(request, "arguments.mode");
  ask_for_power(mode && strcmp(mode, "reboot") == 0);
  free(mode);
}

static void handle(const char *request) {
  char *what = json_text(request, "execute");
  if (!what) return;
  if (strcmp(what, "guest-sync") == 0)
    sync_id(request, false);
  else if (strcmp(what, "guest-sync-delimited") == 0)
    sync_id(request, true);
  else if (strcmp(what, "guest-ping") == 0 || strcmp(what, "guest-set-time") == 0)
    answer(request, "return", "{}", false);
  else if (strcmp(what, "guest-info") == 0)
    answer(request, "return", "{\"version\": \"7.2.0\", \"supported_commands\": []}", false);
  else if (strcmp(what, "guest-get-osinfo") == 0)
    os_info(request);
  else if (strcmp(what, "guest-get-host-name") == 0)
    answer(request, "return", "{\"host-name\": \"NT-STANDIN\"}", false);
  else if (strcmp(what, "guest-get-time") == 0)
    now(request);
  else if (strcmp(what, "guest-exec") == 0)
    execute(request);
  else if (strcmp(what, "guest-exec-status") == 0)
    execute_status(request);
  else if (strcmp(what, "guest-file-open") == 0)
    file_open(request);
  else if (starts(what, "guest-file-"))
    file_use(request, what + strlen("guest-file-"));
  else if (strcmp(what, "guest-shutdown") == 0)
    shut_down(request);
  else
    refuse(request, "CommandNotFound", "The command is unknown to nt-standin");
  free(what);
}

void agent_serve(int patience_ms) {
  char bytes[4096];
  struct pollfd more = {.fd = port, .events = POLLIN};
  const int ready = port >= 0 ? poll(&more, 1, patience_ms) : 0;
  const ssize_t got = ready > 0 && (more.revents & POLLIN) ? read(port, bytes, sizeof bytes) : 0;
  if (got <= 0 && (port < 0 || ready > 0))
    usleep((useconds_t)patience_ms * 1000); /* nobody holds the other end */
  for (ssize_t i = 0; i < got; ++i) {
    if ((unsigned char)bytes[i] == 0xff || line.size > LONGEST) {
      line.size = 0;
    } else if (bytes[i] != '\n') {
      put(&line, bytes + i, 1);
    } else if (line.size) {
      handle(line.at);
      line.size = 0;
    }
  }
}
