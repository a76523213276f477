// SPDX-License-Identifier: Apache-2.0
/*
 * sensorctl: compiles and checks content, gives it to the sensor driver, replays events, and says
 * what the driver says about itself. Linked statically, so that one binary serves every guest.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sensor_format.h"

#ifndef SENSORCTL_VERSION
#define SENSORCTL_VERSION "unknown"
#endif

/* Releases differ in it: the format before had 20, the one to come has 22 (build.sh makes content of both). */
#ifndef IPC_FIELDS
#define IPC_FIELDS 21
#endif

#define DEVICE "/dev/sensor"
#define STATE "/sys/class/misc/sensor/"
#define CONTENT "/var/lib/sensor/content.bin"
#define CONTENT_MAX (4u << 20)

enum { OK = 0, FAILED = 1, USAGE = 2 };

/*
 * What the kinds are defined to be. The compiler and the validator know that an ipc template has 21
 * fields; what the driver has inputs for, they do not know.
 */
static const struct kind {
	const char *name;
	unsigned number, fields;
} kinds[] = {
	{"process", SENSOR_KIND_PROCESS, 14},
	{"file", SENSOR_KIND_FILE, 10},
	{"network", SENSOR_KIND_NETWORK, 12},
	{"ipc", SENSOR_KIND_IPC, IPC_FIELDS},
};

static const struct kind *kind_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

static const struct kind *kind_by_number(unsigned number)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].number == number)
			return &kinds[i];
	return NULL;
}

__attribute__((format(printf, 1, 2))) static int fail(const char *format, ...)
{
	va_list arguments;

	fputs("sensorctl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return FAILED;
}

static int no_driver(void)
{
	return fail("the sensor driver is not loaded; run: systemctl start sensor");
}

/* ---- files -------------------------------------------------------------------------------- */

struct buffer {
	uint8_t *data;
	size_t size, capacity;
};

static void append(struct buffer *b, const void *data, size_t size)
{
	if (b->size + size > b->capacity) {
		b->capacity = (b->size + size) * 2;
		b->data = realloc(b->data, b->capacity);
		if (!b->data) {
			fail("out of memory");
			exit(FAILED);
		}
	}
	memcpy(b->data + b->size, data, size);
	b->size += size;
}

static int read_file(const char *path, struct buffer *b)
{
	uint8_t chunk[65536];
	size_t size;
	FILE *file = fopen(path, "rb");

	if (!file)
		return fail("%s: %s", path, strerror(errno));
	while ((size = fread(chunk, 1, sizeof(chunk), file)) > 0 && b->size <= CONTENT_MAX)
		append(b, chunk, size);
	if (ferror(file)) {
		int error = errno;

		fclose(file);
		return fail("%s: %s", path, strerror(error));
	}
	fclose(file);
	if (b->size > CONTENT_MAX)
		return fail("%s: larger than %u bytes", path, CONTENT_MAX);
	return OK;
}

/* Whole or not at all: the driver may read the file at any moment. */
static int write_file(const char *path, const struct buffer *b)
{
	char work[4096];
	int fd;
	size_t done = 0;

	if ((size_t)snprintf(work, sizeof(work), "%s.XXXXXX", path) >= sizeof(work))
		return fail("%s: name too long", path);
	fd = mkstemp(work);
	if (fd < 0)
		return fail("%s: %s", path, strerror(errno));
	while (done < b->size) {
		ssize_t size = write(fd, b->data + done, b->size - done);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			goto bad;
		done += (size_t)size;
	}
	if (fchmod(fd, 0644) || fsync(fd) || rename(work, path))
		goto bad;
	close(fd);
	return OK;
bad:
	fail("%s: %s", path, strerror(errno));
	close(fd);
	unlink(work);
	return FAILED;
}

/* ---- check -------------------------------------------------------------------------------- */

/*
 * The validator: the file is well formed, and every template has the fields its kind is defined to
 * have. All true, and all it takes to release content that a driver dies of.
 */
static int check(const char *path, const struct buffer *b, bool quiet)
{
	struct sensor_file_header head;
	size_t at = sizeof(head);
	unsigned literals = 0;

	if (b->size < sizeof(head))
		return fail("%s: shorter than a header", path);
	memcpy(&head, b->data, sizeof(head));
	if (memcmp(head.magic, SENSOR_MAGIC, sizeof(head.magic)))
		return fail("%s: not a content file", path);
	if (le32toh(head.size) != b->size)
		return fail("%s: %zu bytes, the header says %u", path, b->size, le32toh(head.size));
	if (le32toh(head.template_count) > SENSOR_TEMPLATES_MAX)
		return fail("%s: %u templates are too many", path, le32toh(head.template_count));

	for (unsigned i = 0; i < le32toh(head.template_count); i++) {
		struct sensor_file_template t;
		const struct kind *kind;

		if (b->size - at < sizeof(t))
			return fail("%s: template %u is cut off", path, i + 1);
		memcpy(&t, b->data + at, sizeof(t));
		at += sizeof(t);
		if (t.name[SENSOR_NAME_SIZE - 1])
			return fail("%s: template %u has a name without an end", path, i + 1);
		kind = kind_by_number(le16toh(t.kind));
		if (!kind)
			return fail("%s: template %s is of unknown kind %u", path, t.name, le16toh(t.kind));
		if (le16toh(t.field_count) != kind->fields)
			return fail("%s: template %s has %u fields, kind %s is defined with %u", path, t.name,
				    le16toh(t.field_count), kind->name, kind->fields);
		for (unsigned f = 0; f < le16toh(t.field_count); f++) {
			struct sensor_file_field field;
			unsigned type, size;

			if (b->size - at < sizeof(field))
				return fail("%s: template %s is cut off at field %u", path, t.name, f + 1);
			memcpy(&field, b->data + at, sizeof(field));
			at += sizeof(field);
			type = le16toh(field.type);
			size = le16toh(field.size);
			if (type == SENSOR_FIELD_ANY && size == 0)
				continue;
			if (type != SENSOR_FIELD_LITERAL || size == 0 || size > SENSOR_TEXT_MAX ||
			    b->size - at < size || b->data[at + size - 1])
				return fail("%s: template %s has a malformed field %u", path, t.name, f + 1);
			at += size;
			literals++;
		}
	}
	if (at != b->size)
		return fail("%s: %zu bytes behind the last template", path, b->size - at);
	if (!quiet)
		printf("%s: content %u, %u templates, %u literals: valid\n", path, le32toh(head.content),
		       le32toh(head.template_count), literals);
	return OK;
}

static int check_path(const char *path, bool quiet)
{
	struct buffer b = {0};
	int code = read_file(path, &b);

	if (code == OK)
		code = check(path, &b, quiet);
	free(b.data);
	return code;
}

/* ---- compile ------------------------------------------------------------------------------ */

struct draft {
	bool open;
	unsigned id;
	const struct kind *kind;
	char name[SENSOR_NAME_SIZE];
	char *field[SENSOR_FIELDS_MAX];
	bool set[SENSOR_FIELDS_MAX];
};

static void finish(struct draft *d, struct buffer *out, unsigned *count)
{
	struct sensor_file_template t = {0};

	if (!d->open)
		return;
	t.id = htole32(d->id);
	t.kind = htole16((uint16_t)d->kind->number);
	t.field_count = htole16((uint16_t)d->kind->fields);
	memcpy(t.name, d->name, sizeof(t.name));
	append(out, &t, sizeof(t));
	for (unsigned f = 0; f < d->kind->fields; f++) {
		size_t size = d->field[f] ? strlen(d->field[f]) + 1 : 0;
		struct sensor_file_field field = {
			.type = htole16(d->field[f] ? SENSOR_FIELD_LITERAL : SENSOR_FIELD_ANY),
			.size = htole16((uint16_t)size),
		};

		append(out, &field, sizeof(field));
		if (size)
			append(out, d->field[f], size);
		free(d->field[f]);
	}
	memset(d, 0, sizeof(*d));
	++*count;
}

/* One line of content text; NULL, or what is wrong with it. */
static const char *compile_line(char *line, struct draft *d, struct buffer *out, unsigned *content, unsigned *count)
{
	char name[SENSOR_NAME_SIZE], kind[16], rest;
	unsigned number;
	int at = 0;

	line += strspn(line, " \t");
	if (*line == '\0' || *line == '#')
		return NULL;
	if (sscanf(line, "content %u %c", &number, &rest) == 1) {
		if (*content)
			return "the content's number is given twice";
		*content = number;
		return number ? NULL : "the content's number must not be 0";
	}
	if (!strncmp(line, "template", 8)) {
		finish(d, out, count);
		if (sscanf(line, "template %u %15s %31s %c", &number, kind, name, &rest) != 3)
			return "expected: template ID KIND NAME";
		d->kind = kind_by_name(kind);
		if (!d->kind)
			return "unknown kind; known are process, file, network and ipc";
		d->open = true;
		d->id = number;
		strcpy(d->name, name);
		return NULL;
	}
	if (sscanf(line, "%u = %n", &number, &at) == 1 && at) {
		char *text = line + at, *end;

		if (!d->open)
			return "a field without a template before it";
		if (number == 0 || number > d->kind->fields)
			return "this kind has no such field";
		if (d->set[number - 1])
			return "the field is given twice";
		d->set[number - 1] = true;
		if (*text == '*') {
			text++;
		} else {
			if (*text != '"' || !(end = strchr(text + 1, '"')))
				return "expected * or a \"literal\"";
			*end = '\0';
			if (strlen(text + 1) >= SENSOR_TEXT_MAX)
				return "the literal is too long";
			d->field[number - 1] = strdup(text + 1);
			text = end + 1;
		}
		text += strspn(text, " \t");
		return *text == '\0' || *text == '#' ? NULL : "unexpected text behind the value";
	}
	return "expected: content N, template ID KIND NAME, or N = VALUE";
}

static int compile(const char *from, const char *to)
{
	struct sensor_file_header head = {0};
	struct buffer text = {0}, out = {0};
	struct draft draft = {0};
	unsigned content = 0, count = 0, number = 0;
	int code = read_file(from, &text);

	if (code != OK)
		return code;
	append(&text, "", 1);
	if (strlen((char *)text.data) + 1 != text.size)
		return fail("%s: not a text", from);
	append(&out, &head, sizeof(head));
	for (char *line = (char *)text.data; line;) {
		char *next = strchr(line, '\n');
		const char *wrong;

		if (next)
			*next++ = '\0';
		number++;
		wrong = compile_line(line, &draft, &out, &content, &count);
		if (wrong)
			return fail("%s:%u: %s", from, number, wrong);
		line = next;
	}
	finish(&draft, &out, &count);
	if (!content)
		return fail("%s: no line 'content N'", from);

	memcpy(head.magic, SENSOR_MAGIC, sizeof(head.magic));
	head.content = htole32(content);
	head.template_count = htole32(count);
	head.size = htole32((uint32_t)out.size);
	memcpy(out.data, &head, sizeof(head));
	code = check(from, &out, true);
	if (code == OK)
		code = write_file(to, &out);
	free(text.data);
	free(out.data);
	return code;
}

/* ---- taking apart ------------------------------------------------------------------------- */

/* Of a content file that check() has called valid: one template, with its fields. */
struct record {
	struct sensor_file_template t;
	size_t begin, end;
};

static struct record record_at(const struct buffer *b, size_t at)
{
	struct record r = {.begin = at};

	memcpy(&r.t, b->data + at, sizeof(r.t));
	at += sizeof(r.t);
	for (unsigned f = 0; f < le16toh(r.t.field_count); f++) {
		struct sensor_file_field field;

		memcpy(&field, b->data + at, sizeof(field));
		at += sizeof(field) + le16toh(field.size);
	}
	r.end = at;
	return r;
}

static int print_records(const char *path)
{
	struct buffer b = {0};
	int code = read_file(path, &b);

	if (code == OK)
		code = check(path, &b, true);
	for (size_t at = sizeof(struct sensor_file_header); code == OK && at < b.size;) {
		struct record r = record_at(&b, at);
		const struct kind *kind = kind_by_number(le16toh(r.t.kind));

		printf("%u %s %s\n", le32toh(r.t.id), kind->name, r.t.name);
		at = r.end;
	}
	free(b.data);
	return code;
}

/* Whether a line of the list begins with this number. */
static bool is_kept(const struct buffer *list, unsigned id)
{
	for (const char *line = (const char *)list->data; line; line = strchr(line, '\n')) {
		char *end;
		unsigned long number;

		line += *line == '\n';
		number = strtoul(line, &end, 10);
		if (end != line && number == id)
			return true;
	}
	return false;
}

static int subset(const char *from, const char *list_path, const char *to)
{
	struct sensor_file_header head;
	struct buffer b = {0}, list = {0}, out = {0};
	unsigned count = 0;
	int code = read_file(from, &b);

	if (code == OK)
		code = check(from, &b, true);
	if (code == OK)
		code = read_file(list_path, &list);
	if (code == OK) {
		append(&list, "", 1);
		memcpy(&head, b.data, sizeof(head));
		append(&out, &head, sizeof(head));
		for (size_t at = sizeof(head); at < b.size;) {
			struct record r = record_at(&b, at);

			if (is_kept(&list, le32toh(r.t.id))) {
				append(&out, b.data + r.begin, r.end - r.begin);
				count++;
			}
			at = r.end;
		}
		head.template_count = htole32(count);
		head.size = htole32((uint32_t)out.size);
		memcpy(out.data, &head, sizeof(head));
		code = check(to, &out, true);
	}
	if (code == OK)
		code = write_file(to, &out);
	free(b.data);
	free(list.data);
	free(out.data);
	return code;
}

/* ---- the driver --------------------------------------------------------------------------- */

/* One line of the driver's state, without its newline; false when there is no driver. */
static bool state(const char *name, char *line, size_t size)
{
	char path[256];
	FILE *file;
	bool got;

	snprintf(path, sizeof(path), STATE "%s", name);
	file = fopen(path, "r");
	if (!file)
		return false;
	got = fgets(line, (int)size, file) != NULL;
	fclose(file);
	if (got)
		line[strcspn(line, "\n")] = '\0';
	return got;
}

static int version(void)
{
	char line[64];

	if (!state("version", line, sizeof(line)))
		return no_driver();
	printf("%s\n", line);
	return OK;
}

static int digest(void)
{
	char line[128];

	if (!state("content_digest", line, sizeof(line)))
		return no_driver();
	if (!strcmp(line, "none"))
		return fail("the driver has no content");
	printf("%s\n", line);
	return OK;
}

static int counters(void)
{
	static const char *const names[] = {"version", "content_version", "templates", "events", "matches"};
	char line[256];
	FILE *hits;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!state(names[i], line, sizeof(line)))
			return no_driver();
		printf("%s: %s\n", names[i], line);
	}
	/* Drivers before 7.16 do not count per template. */
	hits = fopen(STATE "hits", "r");
	while (hits && fgets(line, sizeof(line), hits))
		printf("hits: %s", line);
	if (hits)
		fclose(hits);
	return OK;
}

static int apply(const char *path)
{
	int code = check_path(path ? path : CONTENT, true), fd;

	if (code != OK)
		return code;
	fd = open(DEVICE, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? no_driver() : fail("%s: %s", DEVICE, strerror(errno));
	if (path && strcmp(path, CONTENT)) {
		struct buffer b = {0};

		code = read_file(path, &b);
		if (code == OK)
			code = write_file(CONTENT, &b);
		free(b.data);
		if (code != OK) {
			close(fd);
			return code;
		}
	}
	if (ioctl(fd, SENSOR_IOC_RELOAD) < 0)
		code = fail("the driver refused %s: %s", CONTENT, strerror(errno));
	close(fd);
	return code;
}

/* ---- replay ------------------------------------------------------------------------------- */

struct recorded {
	unsigned kind;
	size_t size;
	const char *inputs;
};
#define EVENT(kind, inputs) {kind, sizeof(inputs), inputs}

/* A working day of a server, in short. The inputs are in the order that the content files name. */
static const struct recorded day[] = {
	EVENT(SENSOR_KIND_PROCESS, "start\0/usr/sbin/sshd\0" "612\0" "1\0root"),
	EVENT(SENSOR_KIND_PROCESS, "start\0/usr/bin/bash\0" "640\0" "612\0admin\0-bash"),
	EVENT(SENSOR_KIND_FILE, "write\0/etc/cron.d/backup\0" "640\0/usr/bin/bash\0root"),
	EVENT(SENSOR_KIND_FILE, "write\0/etc/LD.SO.PRELOAD\0" "641\0/usr/bin/bash\0root"),
	EVENT(SENSOR_KIND_FILE, "write\0/etc/ld.so.preload\0" "641\0/usr/bin/bash\0root"),
	EVENT(SENSOR_KIND_NETWORK, "connect\0tcp\0" "198.51.100.7\0" "4444\0" "650\0/tmp/.x/agent"),
	EVENT(SENSOR_KIND_NETWORK, "connect\0tcp\0" "192.0.2.80\0" "443\0" "651\0/usr/bin/curl"),
	EVENT(SENSOR_KIND_PROCESS, "start\0/tmp/.x/agent\0" "650\0" "1\0www-data"),
	EVENT(SENSOR_KIND_IPC, "create\0/run/dbus/system_bus_socket\0unix\0" "301\0dbus-daemon\0messagebus"),
	EVENT(SENSOR_KIND_IPC, "connect\0/run/dbus/system_bus_socket\0unix\0" "302\0systemd-logind\0root"),
	EVENT(SENSOR_KIND_IPC, "create\0/tmp/.x/msse-4471-server\0pipe\0" "650\0agent\0www-data"),
	EVENT(SENSOR_KIND_IPC, "connect\0/tmp/.x/msse-4471-server\0pipe\0" "655\0agent\0www-data"),
	EVENT(SENSOR_KIND_PROCESS, "exit\0/tmp/.x/agent\0" "650\0" "1\0www-data"),
};

static int replay(void)
{
	enum { ROUNDS = 100 };
	const unsigned long pushed = ROUNDS * sizeof(day) / sizeof(*day);
	char before[64], after[64];
	int fd = open(DEVICE, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || errno == ENXIO ? no_driver() : fail("%s: %s", DEVICE, strerror(errno));
	if (!state("events", before, sizeof(before))) {
		close(fd);
		return no_driver();
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < sizeof(day) / sizeof(*day); i++) {
			uint8_t record[SENSOR_EVENT_MAX];
			uint32_t kind = htole32(day[i].kind);
			size_t size = sizeof(kind) + day[i].size;
			ssize_t written;

			memcpy(record, &kind, sizeof(kind));
			memcpy(record + sizeof(kind), day[i].inputs, day[i].size);
			written = write(fd, record, size);
			if (written < 0 || (size_t)written != size) {
				fail("event %zu: %s", i + 1, written < 0 ? strerror(errno) : "taken in part");
				close(fd);
				return FAILED;
			}
		}
	}
	close(fd);
	if (!state("events", after, sizeof(after)))
		return no_driver();
	/* The driver's word: it has seen at least what was pushed. */
	if (strtoul(after, NULL, 10) - strtoul(before, NULL, 10) < pushed)
		return fail("%lu events were pushed, the driver counts from %s to %s", pushed, before, after);
	printf("replayed: %lu\n", pushed);
	return counters();
}

/* ---- usage -------------------------------------------------------------------------------- */

static const char help[] =
	"usage: sensorctl COMMAND\n"
	"\n"
	"Content\n"
	"  compile TEXT BIN   make a content file from its text\n"
	"  check BIN          say whether a content file is valid\n"
	"  records BIN        its templates: number, kind and name, one a line\n"
	"  subset BIN LIST TO  make TO of those whose numbers begin the lines of LIST\n"
	"  apply [BIN]        make the driver use BIN (default: read " CONTENT " again);\n"
	"                     BIN becomes " CONTENT "\n"
	"\n"
	"Driver\n"
	"  version            the loaded driver's version\n"
	"  digest             SHA-256 of the content that the driver uses, as sha256sum prints it\n"
	"  counters           version, content, events seen and matches, one 'name: value' a line\n"
	"  replay             push a fixed stream of events through the driver, then print the counters\n"
	"\n"
	"  --help, --version  this text; the version of sensorctl itself\n"
	"\n"
	"Exit status: 0 done, 1 it failed (the reason is on standard error), 2 wrong usage.\n";

static int wrong_usage(const char *what)
{
	if (what)
		fail("unknown command or wrong arguments: %s", what);
	fputs(help, stderr);
	return USAGE;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : NULL;
	int code = -1;

	if (!command)
		return wrong_usage(NULL);
	if (!strcmp(command, "--help") || !strcmp(command, "-h") || !strcmp(command, "help")) {
		fputs(help, stdout);
		code = OK;
	} else if (!strcmp(command, "--version")) {
		printf("sensorctl %s\n", SENSORCTL_VERSION);
		code = OK;
	} else if (!strcmp(command, "compile") && argc == 4) {
		code = compile(argv[2], argv[3]);
	} else if (!strcmp(command, "check") && argc == 3) {
		code = check_path(argv[2], false);
	} else if (!strcmp(command, "records") && argc == 3) {
		code = print_records(argv[2]);
	} else if (!strcmp(command, "subset") && argc == 5) {
		code = subset(argv[2], argv[3], argv[4]);
	} else if (!strcmp(command, "apply") && argc <= 3) {
		code = apply(argc == 3 ? argv[2] : NULL);
	} else if (argc == 2) {
		if (!strcmp(command, "version"))
			code = version();
		else if (!strcmp(command, "digest"))
			code = digest();
		else if (!strcmp(command, "counters"))
			code = counters();
		else if (!strcmp(command, "replay"))
			code = replay();
	}
	if (code < 0)
		return wrong_usage(command);
	if (fflush(stdout) || ferror(stdout))
		return fail("standard output: %s", strerror(errno));
	return code;
}
