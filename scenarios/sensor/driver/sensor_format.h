/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What the driver and sensorctl agree on: the content file, an event as it is written to
 * /dev/sensor, and the one command. All numbers are little-endian.
 *
 * A content file is one header, then `template_count` templates, each followed by its fields:
 *
 *   header | template, field, field, ... | template, field, ... | end of file
 *
 * A literal field carries `size` bytes of text, the last of which is NUL; a wildcard carries none.
 *
 * An event is its kind (32 bits), then its inputs: NUL-terminated texts, one after the other.
 */
#ifndef SENSOR_FORMAT_H
#define SENSOR_FORMAT_H

#ifdef __linux__
#include <linux/ioctl.h>
#include <linux/types.h>
#else /* the Windows driver: it has no more than the little-endian numbers of the file */
typedef unsigned char __u8;
typedef unsigned short __le16;
typedef unsigned int __le32;
#endif

#define SENSOR_MAGIC "SENSCNT1"
#define SENSOR_NAME_SIZE 32
#define SENSOR_FIELDS_MAX 32 /* of the file format; what a driver has inputs for is its own affair */
#define SENSOR_TEMPLATES_MAX 4096
#define SENSOR_TEXT_MAX 256
#define SENSOR_EVENT_MAX 4096

struct sensor_file_header {
	__u8 magic[8];
	__le32 content; /* the release's number: 290 */
	__le32 template_count;
	__le32 size; /* of the whole file: a cut file is noticed */
	__le32 reserved;
} __attribute__((packed));

struct sensor_file_template {
	__le32 id;
	__le16 kind;
	__le16 field_count;
	__u8 name[SENSOR_NAME_SIZE]; /* NUL-padded, always ends in NUL */
} __attribute__((packed));

struct sensor_file_field {
	__le16 type;
	__le16 size;
} __attribute__((packed));

enum sensor_field_type {
	SENSOR_FIELD_ANY = 0,
	SENSOR_FIELD_LITERAL = 1,
};

enum sensor_kind {
	SENSOR_KIND_PROCESS = 1,
	SENSOR_KIND_FILE = 2,
	SENSOR_KIND_NETWORK = 3,
	SENSOR_KIND_IPC = 4,
	SENSOR_KIND_LAST = SENSOR_KIND_IPC,
};

/* Read the content file again and use it. (Linux; the Windows driver is stopped and started.) */
#define SENSOR_IOC_RELOAD _IO('s', 0x91)

#endif
