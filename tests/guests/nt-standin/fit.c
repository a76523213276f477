/* make-fit.ps1 as this system knows it: of each thing in its table what it is for, whether anything mends it,
 * and the few that mean something here. Everything that can be mended is not so until it was. */
#include <stdlib.h>
#include <string.h>

#include "standin.h"

static const struct {
  const char *word; /* in what mends it */
  const char *key, *value;
} effects[] = {
    {"bcdedit.exe /ems '{current}' on", "ems", NULL},
    {"'NMICrashDump' 1", "nmi", NULL},
    {"recoveryenabled No", "boot.recovery", "off"},
};

/* '...': what stands before `behind` in quotes. */
static char *word_before(const char *script, const char *behind) {
  const char *end = strstr(script, behind), *begin = end ? end - 1 : NULL;
  while (begin && begin > script && begin[-1] != '\'') --begin;
  return begin ? copy(begin, (size_t)(end - begin)) : copy("", 0);
}

static bool is_so(const char *what, const char *item, const char *signing) {
  char key[120], always[60];
  snprintf(key, sizeof key, "fit.%s", what);
  snprintf(always, sizeof always, "$Signing -eq '%s' -or", signing);
  if (strcmp(what, state_get("fit.never", "")) == 0) return false;
  if (strstr(item, "Get-Service QEMU-GA")) return strcmp(state_get("agent", ""), "absent") != 0;
  return strstr(item, always) || strstr(item, "}, $null)") || state_number(key, 0);
}

static void mend(const char *what, const char *item) {
  char key[120];
  snprintf(key, sizeof key, "fit.%s", what);
  state_set(key, "1");
  for (size_t i = 0; i < sizeof effects / sizeof *effects; ++i)
    if (strstr(item, effects[i].word)) state_set(effects[i].key, effects[i].value);
}

bool fit_run(const char *path, bool check, const char *signing, void (*say)(const char *format, ...)) {
  static const char begin[] = "\n  @('";
  size_t size;
  int missing = 0;
  char *script = file_read(path, &size);
  if (!script) return false;
  char *changed = word_before(script, "' + $what\r\n    continue"),
       *lacks = word_before(script, "' + $what\r\n  $missing++");
  char *fine = word_before(script, "'\r\nexit 0");
  for (char *at = strstr(script, begin), *next; at; at = next) {
    next = strstr(at + 1, begin);
    const size_t length = next ? (size_t)(next - at) : strlen(at);
    char *item = copy(at + strlen(begin), length - strlen(begin));
    char *table_end = strstr(item, "\r\n)\r\n");
    if (table_end) *table_end = 0;
    char *what = copy(item, strcspn(item, "'"));
    if (!is_so(what, item, signing)) {
      const bool mends =
          !check && !strstr(item, "}, $null)") && strcmp(what, state_get("fit.never", "")) != 0;
      if (mends) mend(what, item);
      if (!mends) ++missing;
      say("%s%s", mends ? changed : lacks, what);
    }
    free(what);
    free(item);
  }
  if (!missing) say("%s", fine);
  free(script);
  return missing == 0;
}
