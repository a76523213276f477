/*
 * The sample sensor of scenarios/sensor/windows: the stand-in cannot run a Windows driver, so it runs the
 * source that the driver shares with the one for Linux, with the driver's content file. When content kills it
 * here, it does so by the very same comparison that reads behind its table.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "standin.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t sensor_counter;
#define noinline __attribute__((noinline))
#define le16_to_cpu(value) (value)
#define le32_to_cpu(value) (value)
#define SENSOR_MINOR 16
#pragma GCC diagnostic ignored "-Wpointer-sign"
#include "sensor_match.h"

#define CONTENT SYSTEM_ROOT "/System32/drivers/sensor/content.bin"

bool sample_is(const char *file, size_t size) {
  static const char name[] = "l\0a\0b\0c\0t\0l\0'\0s\0 \0s\0a\0m\0p\0l\0e\0 \0s\0e\0n\0s\0o\0r";
  return size > 2 && memcmp(file, "MZ", 2) == 0 && memmem(file, size, name, sizeof name - 1);
}

static void die(int number, siginfo_t *facts, void *context) {
  (void)number, (void)context;
  struct behaviour how = behaviour_read("", 0);
  how.stop = (struct stop){
      .code = 0x7E,
      .parameter = {0xFFFFFFFFC0000005, 0xFFFFF80123451043, 0xFFFFF80123459768, 0xFFFFF80123458FD0},
      .name = "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED",
      .driver = "sensor.sys",
      .layout = LAYOUT_10};
  (void)facts;
  bug_check(&how);
}

static void evaluate(struct sensor_template *t, u32 count, u32 kind, const char *text, size_t size) {
  struct sensor_event *e = calloc(1, sizeof *e + size);
  if (!e) abort();
  e->kind = kind;
  e->size = (u32)size;
  memcpy(e->text, text, size);
  sensor_take_inputs(e);
  for (u32 i = 0; i < count; ++i)
    if (t[i].kind == kind) sensor_match(&t[i], e->input);
  free(e);
}

void sample_start(void) {
  size_t size;
  char *file = file_read(CONTENT, &size);
  if (!file) return;
  const u8 *at = (const u8 *)file, *end = at + size;
  const struct sensor_file_header *head = sensor_take(&at, end, sizeof *head);
  if (!sensor_header_is_right(head, size)) return;
  struct sensor_template *t = calloc(head->template_count + 1, sizeof *t);
  if (!t || sensor_parse_templates(t, head->template_count, at, end)) return;
  struct sigaction before, action = {.sa_sigaction = die, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, &before);
  evaluate(t, head->template_count, SENSOR_KIND_PROCESS, sensor_first_process, sizeof sensor_first_process);
  evaluate(t, head->template_count, SENSOR_KIND_IPC, sensor_endpoint, sizeof sensor_endpoint);
  sigaction(SIGSEGV, &before, NULL);
}
