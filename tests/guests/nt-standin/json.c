/* Enough JSON for an agent's client: one line, trusted to be well-formed. */
#include <stdlib.h>
#include <string.h>

#include "standin.h"

static const char *skip_space(const char *at) {
  while (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n') ++at;
  return at;
}

static const char *skip_text(const char *at) { /* at the first quote; behind the last one */
  for (++at; *at && *at != '"'; ++at)
    if (*at == '\\' && at[1]) ++at;
  return *at ? at + 1 : at;
}

static const char *skip_value(const char *at) {
  at = skip_space(at);
  if (*at == '"') return skip_text(at);
  if (*at != '{' && *at != '[') return at + strcspn(at, ",}] \t\r\n");
  int depth = 0;
  while (*at) {
    if (*at == '"') {
      at = skip_text(at);
      continue;
    }
    if (*at == '{' || *at == '[') ++depth;
    if (*at == '}' || *at == ']') --depth;
    ++at;
    if (depth == 0) break;
  }
  return at;
}

const char *json_find(const char *json, const char *path, size_t *size) {
  const size_t key = strcspn(path, ".");
  const char *at = skip_space(json);
  if (*at != '{') return NULL;
  at = skip_space(at + 1);
  while (*at == '"') {
    const char *name = at + 1;
    at = skip_text(at);
    const bool same = (size_t)(at - name - 1) == key && memcmp(name, path, key) == 0;
    at = skip_space(at);
    if (*at != ':') return NULL;
    at = skip_space(at + 1);
    const char *end = skip_value(at);
    if (same && path[key]) return json_find(at, path + key + 1, size);
    if (same) {
      *size = (size_t)(end - at);
      return at;
    }
    at = skip_space(end);
    if (*at != ',') return NULL;
    at = skip_space(at + 1);
  }
  return NULL;
}

static void put_letter(struct text *to, unsigned letter) { /* as UTF-8 */
  char bytes[3];
  size_t size = 0;
  if (letter < 0x80) {
    bytes[size++] = (char)letter;
  } else if (letter < 0x800) {
    bytes[size++] = (char)(0xC0 | letter >> 6);
    bytes[size++] = (char)(0x80 | (letter & 63));
  } else {
    bytes[size++] = (char)(0xE0 | letter >> 12);
    bytes[size++] = (char)(0x80 | (letter >> 6 & 63));
    bytes[size++] = (char)(0x80 | (letter & 63));
  }
  put(to, bytes, size);
}

static char *unquoted(const char *at, const char *end) {
  struct text text = {0};
  put(&text, "", 0);
  for (++at; at < end - 1; ++at) {
    static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
    if (*at != '\\') {
      put(&text, at, 1);
      continue;
    }
    ++at;
    const char *letter = strchr(from, *at);
    if (*at == 'u') {
      put_letter(&text, (unsigned)strtoul(copy(at + 1, 4), NULL, 16));
      at += 4;
    } else {
      put(&text, letter ? to + (letter - from) : at, 1);
    }
  }
  return text.at;
}

char *json_text(const char *json, const char *path) {
  size_t size;
  const char *at = json_find(json, path, &size);
  return at && *at == '"' ? unquoted(at, at + size) : NULL;
}

long long json_number(const char *json, const char *path, long long otherwise) {
  size_t size;
  const char *at = json_find(json, path, &size);
  return at && (*at == '-' || (*at >= '0' && *at <= '9')) ? strtoll(at, NULL, 10) : otherwise;
}

bool json_flag(const char *json, const char *path) {
  size_t size;
  const char *at = json_find(json, path, &size);
  return at && *at == 't';
}

int json_texts(const char *json, const char *path, char **texts, int most) {
  size_t size;
  const char *at = json_find(json, path, &size);
  int count = 0;
  if (!at || *at != '[') return 0;
  at = skip_space(at + 1);
  while (*at == '"' && count < most) {
    const char *end = skip_text(at);
    texts[count++] = unquoted(at, end);
    at = skip_space(end);
    if (*at == ',') at = skip_space(at + 1);
  }
  return count;
}

void json_quote(struct text *to, const char *bytes) {
  put(to, "\"", 1);
  for (; *bytes; ++bytes) {
    const unsigned char c = (unsigned char)*bytes;
    if (c == '"' || c == '\\')
      print(to, "\\%c", c);
    else if (c < ' ')
      print(to, "\\u%04x", c);
    else
      put(to, bytes, 1);
  }
  put(to, "\"", 1);
}
