/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What the drivers for Linux and for Windows share: how content is read and how an event is matched. One
 * source, so that both have the same format and the same defect. Who includes this has defined SENSOR_MINOR,
 * sensor_counter, and what a kernel gives: u8, u16, u32, bool, noinline, le16_to_cpu, le32_to_cpu, tolower,
 * strlen, memcmp, EINVAL.
 */
#ifndef SENSOR_MATCH_H
#define SENSOR_MATCH_H

#include "sensor_format.h"

/* How many inputs this driver hands to a template. */
#define SENSOR_INPUTS 20

struct sensor_event {
  const char *input[SENSOR_INPUTS];
  u32 size; /* bytes of text */
  u32 kind;
  char text[];
};

struct sensor_template {
  u32 id;
  u16 kind;
  u16 field_count;
  const char *name;
  sensor_counter hits;
  const char *field[SENSOR_FIELDS_MAX]; /* NULL: matches anything */
};

/* The next `size` bytes of the file, or NULL behind its end. */
static const void *sensor_take(const u8 **at, const u8 *end, size_t size) {
  const u8 *here = *at;

  if (size > (size_t)(end - here)) return NULL;
  *at = here + size;
  return here;
}

static int sensor_parse_template(struct sensor_template *t, const u8 **at, const u8 *end) {
  const struct sensor_file_template *head = sensor_take(at, end, sizeof(*head));
  unsigned int i;

  if (!head || head->name[SENSOR_NAME_SIZE - 1]) return -EINVAL;
  t->id = le32_to_cpu(head->id);
  t->kind = le16_to_cpu(head->kind);
  t->field_count = le16_to_cpu(head->field_count);
  t->name = head->name;
  if (t->kind == 0 || t->kind > SENSOR_KIND_LAST || t->field_count > SENSOR_FIELDS_MAX) return -EINVAL;

  for (i = 0; i < t->field_count; i++) {
    const struct sensor_file_field *field = sensor_take(at, end, sizeof(*field));
    const char *text;
    u16 size;

    if (!field) return -EINVAL;
    size = le16_to_cpu(field->size);
    if (le16_to_cpu(field->type) == SENSOR_FIELD_ANY && size == 0) continue;
    if (le16_to_cpu(field->type) != SENSOR_FIELD_LITERAL || size == 0 || size > SENSOR_TEXT_MAX)
      return -EINVAL;
    text = sensor_take(at, end, size);
    if (!text || text[size - 1]) return -EINVAL;
    t->field[i] = text;
  }
  return 0;
}

static bool sensor_header_is_right(const struct sensor_file_header *head, size_t size) {
  return head && !memcmp(head->magic, SENSOR_MAGIC, sizeof(head->magic)) && le32_to_cpu(head->size) == size &&
         le32_to_cpu(head->template_count) <= SENSOR_TEMPLATES_MAX;
}

/* They must fill the file to its end. */
static int sensor_parse_templates(struct sensor_template *t, u32 count, const u8 *at, const u8 *end) {
  u32 i;

  for (i = 0; i < count; i++)
    if (sensor_parse_template(&t[i], &at, end)) return -EINVAL;
  return at == end ? 0 : -EINVAL;
}

/* Points the inputs into the event's text; those that are not there are empty. */
static void sensor_take_inputs(struct sensor_event *e) {
  static const char nothing[] = "";
  const char *at = e->text, *end = at + e->size;
  unsigned int i;

  for (i = 0; i < SENSOR_INPUTS; i++) {
    e->input[i] = at < end ? at : nothing;
    if (at < end) at += strlen(at) + 1;
  }
}

/* The matching steps stay out of line, so that a crash report names the step. */
static noinline bool sensor_equal(const char *input, const char *literal) {
#if SENSOR_MINOR >= 16
  /* 7.16: paths and hosts are written in every mixture of cases. */
  while (*input && tolower(*input) == tolower(*literal)) {
#else
  while (*input && *input == *literal) {
#endif
    input++;
    literal++;
  }
  return *input == '\0' && *literal == '\0';
}

/*
 * THE DEFECT. A template's field n is compared with the event's input n; nothing here asks whether
 * the driver has an input n. The kind "ipc" is defined with 21 fields, this driver staged artifacts 20
 * inputs. As long as every 21st field is a wildcard it is skipped and nobody notices; the first
 * literal there makes sensor_equal() follow whatever lies behind the table, which is the event's
 * size and kind, and no pointer.
 */
static noinline bool sensor_match(const struct sensor_template *t, const char *const *input) {
  unsigned int i;

  for (i = 0; i < t->field_count; i++) {
    if (!t->field[i]) continue;
    if (!sensor_equal(input[i], t->field[i])) return false;
  }
  return true;
}

/* What stood before any content came: the first process and the sensor's own endpoint, by Linux's names
 * everywhere, so that one content file serves. */
static const char sensor_first_process[] =
    "start\0"
    "/sbin/init\0"
    "1\0"
    "0\0"
    "root";
static const char sensor_endpoint[] =
    "create\0"
    "/dev/sensor\0"
    "device\0"
    "1\0"
    "kernel\0"
    "root";

#endif
