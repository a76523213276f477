/* What outlives a boot: a file of key=value lines on C:, and the System log beside it. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "standin.h"

#define STATE SYSTEM_ROOT "/System32/config/NT-STANDIN"
#define EVENTS SYSTEM_ROOT "/System32/winevt/Logs/NT-STANDIN"

enum { MOST = 400 };
static struct { char *key, *value; } entries[MOST];
static int count;

void state_load(void) {
  size_t size;
  char *text = file_read(STATE, &size), *rest = text, *line;
  while (text && (line = strsep(&rest, "\n"))) {
    char *value = strchr(line, '=');
    if (!value || count == MOST) continue;
    *value++ = 0;
    entries[count].key = strdup(line);
    entries[count++].value = strdup(value);
  }
  free(text);
}

static int find(const char *key) {
  for (int i = 0; i < count; ++i)
    if (strcasecmp(entries[i].key, key) == 0) return i;
  return -1;
}

static void save(void) {
  struct text text = {0};
  put(&text, "", 0);
  for (int i = 0; i < count; ++i) print(&text, "%s=%s\n", entries[i].key, entries[i].value);
  file_write(STATE, text.at, text.size);
  free(text.at);
}

const char *state_get(const char *key, const char *otherwise) {
  const int at = find(key);
  return at < 0 ? otherwise : entries[at].value;
}

int state_number(const char *key, int otherwise) {
  const char *value = state_get(key, NULL);
  return value ? atoi(value) : otherwise;
}

void state_set(const char *key, const char *value) {
  int at = find(key);
  if (at >= 0) {
    free(entries[at].value);
    if (value) {
      entries[at].value = strdup(value);
    } else {
      free(entries[at].key);
      entries[at] = entries[--count];
    }
  } else if (value && count < MOST) {
    entries[count].key = strdup(key);
    entries[count++].value = strdup(value);
  }
  save();
}

void state_set_number(const char *key, int value) {
  char text[16];
  snprintf(text, sizeof text, "%d", value);
  state_set(key, text);
}

void state_each(const char *prefix, void (*each)(const char *key, const char *value, void *with),
                void *with) {
  for (int i = 0; i < count; ++i)
    if (starts(entries[i].key, prefix)) each(entries[i].key, entries[i].value, with);
}

/* ---- the System log: one line an event, the newest last ---- */

void log_event(int id, const char *provider, const char *data) {
  size_t size = 0;
  struct text text = {0};
  char when[40];
  char *before = file_read(EVENTS, &size);
  if (before) put(&text, before, size);
  time_text(when, sizeof when, time(NULL), "%Y-%m-%dT%H:%M:%S.0000000Z");
  print(
      &text,
      "%d\t<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='%s'/>"
      "<EventID Qualifiers='16384'>%d</EventID><Version>0</Version><Level>1</Level><TimeCreated "
      "SystemTime='%s'/>"
      "<EventRecordID>%zu</EventRecordID>"
      "<Channel>System</Channel><Computer>NT-STANDIN</Computer><Security/></System><EventData>%s</"
      "EventData></Event>\n",
      id, provider, id, when, size + 1, data);
  file_write(EVENTS, text.at, text.size);
  free(text.at);
  free(before);
}

int log_tell(struct text *to, const int *ids, int count) {
  enum { MOST_TOLD = 50 };
  size_t size;
  int told = 0;
  char *text = file_read(EVENTS, &size), *end = text ? text + size : NULL;
  while (end && end > text && told < MOST_TOLD) {
    end[-1] = 0; /* the newline of the last line that is left */
    char *line = memrchr(text, '\n', (size_t)(end - 1 - text));
    line = line ? line + 1 : text;
    for (int i = 0; i < count; ++i) {
      if (atoi(line) != ids[i]) continue;
      print(to, "%s\r\n", strchr(line, '\t') ? strchr(line, '\t') + 1 : line);
      ++told;
    }
    end = line;
  }
  free(text);
  return told;
}

void time_text(char *to, size_t room, long long unix_time, const char *format) {
  const time_t at = (time_t)unix_time;
  struct tm parts;
  gmtime_r(&at, &parts);
  strftime(to, room, format, &parts);
}
