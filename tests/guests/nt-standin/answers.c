/* An answer file, read as strictly as an unattended setup reads one: XML that is whole, the passes and
 * settings that setup knows and no others. What is left are the settings, each a path and a text, in the
 * file's order: "windowsPE/Microsoft-Windows-Setup/UserData/AcceptEula" = "true". */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "standin.h"

#define WINDOWS_PE "windowsPE/Microsoft-Windows-"
#define SHELL "oobeSystem/Microsoft-Windows-Shell-Setup/"
#define OWN_DISK WINDOWS_PE "Setup/DiskConfiguration/Disk/"
#define SYSTEM_IMAGE WINDOWS_PE "Setup/ImageInstall/OSImage/"

static const char *const known[] = {
    WINDOWS_PE "International-Core-WinPE/SetupUILanguage/UILanguage",
    WINDOWS_PE "International-Core-WinPE/InputLocale",
    WINDOWS_PE "International-Core-WinPE/SystemLocale",
    WINDOWS_PE "International-Core-WinPE/UILanguage",
    WINDOWS_PE "International-Core-WinPE/UILanguageFallback",
    WINDOWS_PE "International-Core-WinPE/UserLocale",
    WINDOWS_PE "PnpCustomizationsWinPE/DriverPaths/PathAndCredentials/Path",
    WINDOWS_PE "Setup/DiskConfiguration/WillShowUI",
    OWN_DISK "DiskID",
    OWN_DISK "WillWipeDisk",
    OWN_DISK "CreatePartitions/CreatePartition/Order",
    OWN_DISK "CreatePartitions/CreatePartition/Type",
    OWN_DISK "CreatePartitions/CreatePartition/Size",
    OWN_DISK "CreatePartitions/CreatePartition/Extend",
    OWN_DISK "ModifyPartitions/ModifyPartition/Order",
    OWN_DISK "ModifyPartitions/ModifyPartition/PartitionID",
    OWN_DISK "ModifyPartitions/ModifyPartition/Format",
    OWN_DISK "ModifyPartitions/ModifyPartition/Letter",
    OWN_DISK "ModifyPartitions/ModifyPartition/Active",
    SYSTEM_IMAGE "InstallFrom/MetaData/Key",
    SYSTEM_IMAGE "InstallFrom/MetaData/Value",
    SYSTEM_IMAGE "InstallTo/DiskID",
    SYSTEM_IMAGE "InstallTo/PartitionID",
    SYSTEM_IMAGE "WillShowUI",
    WINDOWS_PE "Setup/UserData/AcceptEula",
    WINDOWS_PE "Setup/UserData/FullName",
    WINDOWS_PE "Setup/UserData/Organization",
    WINDOWS_PE "Setup/UserData/ProductKey/Key",
    WINDOWS_PE "Setup/UserData/ProductKey/WillShowUI",
    WINDOWS_PE "Setup/RunSynchronous/RunSynchronousCommand/Order",
    WINDOWS_PE "Setup/RunSynchronous/RunSynchronousCommand/Path",
    "specialize/Microsoft-Windows-Shell-Setup/ComputerName",
    "specialize/Microsoft-Windows-Shell-Setup/TimeZone",
    "specialize/Microsoft-Windows-SecureStartup-FilterDriver/PreventDeviceEncryption",
    "specialize/Microsoft-Windows-Deployment/RunSynchronous/RunSynchronousCommand/Order",
    "specialize/Microsoft-Windows-Deployment/RunSynchronous/RunSynchronousCommand/Path",
    "oobeSystem/Microsoft-Windows-International-Core/InputLocale",
    "oobeSystem/Microsoft-Windows-International-Core/SystemLocale",
    "oobeSystem/Microsoft-Windows-International-Core/UILanguage",
    "oobeSystem/Microsoft-Windows-International-Core/UILanguageFallback",
    "oobeSystem/Microsoft-Windows-International-Core/UserLocale",
    SHELL "OOBE/HideEULAPage",
    SHELL "OOBE/HideLocalAccountScreen",
    SHELL "OOBE/HideOnlineAccountScreens",
    SHELL "OOBE/HideWirelessSetupInOOBE",
    SHELL "OOBE/ProtectYourPC",
    SHELL "UserAccounts/AdministratorPassword/Value",
    SHELL "UserAccounts/AdministratorPassword/PlainText",
    SHELL "AutoLogon/Enabled",
    SHELL "AutoLogon/LogonCount",
    SHELL "AutoLogon/Username",
    SHELL "AutoLogon/Password/Value",
    SHELL "AutoLogon/Password/PlainText",
    SHELL "FirstLogonCommands/SynchronousCommand/Order",
    SHELL "FirstLogonCommands/SynchronousCommand/CommandLine",
};

enum { DEEPEST = 12, LONGEST = 400 };

struct reader {
  const char *at;
  char path[LONGEST];
  struct answers *to;
};

static bool wrong(struct reader *reader, const char *format, ...) {
  va_list list;
  va_start(list, format);
  if (!*reader->to->wrong) vsnprintf(reader->to->wrong, sizeof reader->to->wrong, format, list);
  va_end(list);
  return false;
}

/* White space, comments and the declaration. */
static void skip(struct reader *reader) {
  for (;;) {
    while (isspace((unsigned char)*reader->at)) ++reader->at;
    const char *end = strncmp(reader->at, "<!--", 4) == 0 ? "-->"
                      : strncmp(reader->at, "<?", 2) == 0 ? "?>"
                                                          : NULL;
    const char *behind = end ? strstr(reader->at, end) : NULL;
    if (!behind) return;
    reader->at = behind + strlen(end);
  }
}

static void name_of(struct reader *reader, char *to, size_t room) {
  size_t size = 0;
  while (isalnum((unsigned char)*reader->at) || (*reader->at && strchr(":-_.", *reader->at))) {
    if (size + 1 < room) to[size++] = *reader->at;
    ++reader->at;
  }
  to[size] = 0;
}

static char *decoded(const char *text, size_t size) {
  static const char *const entity[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};
  char *to = calloc(1, size + 1), *end = to;
  for (size_t i = 0; to && i < size;) {
    size_t used = 0;
    for (int n = 0; n < 5 && !used; ++n)
      if (strncmp(text + i, entity[n], strlen(entity[n])) == 0) {
        *end++ = "&<>\"'"[n];
        used = strlen(entity[n]);
      }
    if (!used && text[i] == '&') { /* it begins nothing that there is */
      free(to);
      return NULL;
    }
    if (!used) *end++ = text[i];
    i += used ? used : 1;
  }
  return to;
}

/* What an element is called on the path: a pass and a component have names of their own. */
static bool attributes(struct reader *reader, const char *name, char *step, size_t room) {
  const char *wanted = strcmp(name, "settings") == 0    ? "pass"
                       : strcmp(name, "component") == 0 ? "name"
                                                        : NULL;
  char key[60], value[200];
  bool amd64 = false, space = false;
  snprintf(step, room, "%s", wanted ? "" : name);
  for (skip(reader); *reader->at && !strchr("/>", *reader->at); skip(reader)) {
    name_of(reader, key, sizeof key);
    if (!*key || *reader->at++ != '=' || *reader->at++ != '"')
      return wrong(reader, "<%s> is no element", name);
    const size_t size = strcspn(reader->at, "\"<");
    if (reader->at[size] != '"') return wrong(reader, "a value of <%s> has no end", name);
    snprintf(value, sizeof value, "%.*s", (int)size, reader->at);
    reader->at += size + 1;
    if (wanted && strcmp(key, wanted) == 0) snprintf(step, room, "%s", value);
    amd64 |= strcmp(key, "processorArchitecture") == 0 && strcmp(value, "amd64") == 0;
    space |= strcmp(key, "xmlns") == 0 && strcmp(value, "urn:schemas-microsoft-com:unattend") == 0;
  }
  if (strcmp(name, "component") == 0 && !amd64) return wrong(reader, "%s is not for amd64", step);
  if (strcmp(name, "unattend") == 0 && !space) return wrong(reader, "unattend is not Microsoft's");
  return *step || wrong(reader, "<%s> has no %s", name, wanted);
}

static bool settled(struct reader *reader, const char *text, size_t size) {
  struct answers *to = reader->to;
  const char *path = reader->path + strlen("/unattend/");
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    if (strcmp(known[i], path) != 0) continue;
    if (to->count == ANSWERS) return wrong(reader, "there are too many settings");
    while (size && isspace((unsigned char)text[size - 1])) --size;
    char *value = decoded(text, size);
    if (!value) return wrong(reader, "'%s' is no text", path);
    to->entry[to->count++] = (struct answer){strdup(path), value};
    return true;
  }
  return wrong(reader, "there is no setting %s", path);
}

static bool element(struct reader *reader, int depth) {
  char name[80], step[120], last[80];
  const size_t above = strlen(reader->path);
  if (depth == DEEPEST || *reader->at != '<') return wrong(reader, "no element in %s", reader->path);
  ++reader->at;
  name_of(reader, name, sizeof name);
  if (!attributes(reader, name, step, sizeof step)) return false;
  if (above + strlen(step) + 2 > sizeof reader->path) return wrong(reader, "too deep a path");
  sprintf(reader->path + above, "/%s", step);
  if (*reader->at == '/') return wrong(reader, "%s is empty", reader->path);
  ++reader->at;
  skip(reader);
  const char *text = reader->at;
  if (*text != '<') {
    reader->at += strcspn(text, "<");
    if (!settled(reader, text, (size_t)(reader->at - text))) return false;
  }
  while (strncmp(reader->at, "</", 2) != 0) {
    if (!element(reader, depth + 1)) return false;
    skip(reader);
  }
  reader->at += 2;
  name_of(reader, last, sizeof last);
  if (strcmp(name, last) != 0 || *reader->at++ != '>') return wrong(reader, "<%s> ends as </%s>", name, last);
  reader->path[above] = 0;
  return true;
}

bool answers_read(const char *path, struct answers *to) {
  size_t size;
  struct reader reader = {.at = file_read(path, &size), .to = to};
  to->count = 0;
  to->wrong[0] = 0;
  if (!reader.at) return wrong(&reader, "there is no %s", path);
  skip(&reader);
  if (strncmp(reader.at, "<unattend ", 10) != 0) return wrong(&reader, "it is no answer file");
  if (!element(&reader, 0)) return false;
  skip(&reader);
  return !*reader.at || wrong(&reader, "something follows its end");
}

const char *setting(const struct answers *in, const char *path, int which) {
  for (int i = 0; i < in->count; ++i)
    if (strcmp(in->entry[i].path, path) == 0 && which-- == 0) return in->entry[i].value;
  return NULL;
}

bool setting_is(const struct answers *in, const char *path, const char *value) {
  const char *there = setting(in, path, 0);
  return there && strcmp(there, value) == 0;
}
