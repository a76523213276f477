// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * The sample sensor for Windows: a WDM driver of the old kind, started as a service. It reads its content when it starts,
 * asks it about what already runs, and then matches every event that is written to \\.\sensor. How content is read and
 * matched is the Linux driver's own source, ../driver/sensor_match.h, with its one defect; new content is applied by stopping
 * and starting the service.
 *
 * It has been compiled by mingw-w64 and loaded by Wine, and never by a Windows: none was at hand.
 */
#include <ntddk.h>
#include <stdbool.h>

#ifndef SENSOR_MINOR
#define SENSOR_MINOR 16
#endif

typedef UCHAR u8;
typedef USHORT u16;
typedef ULONG u32;
typedef LONG64 sensor_counter;
#define noinline __attribute__((noinline))
#define le16_to_cpu(value) (value)
#define le32_to_cpu(value) (value)
#define EINVAL 22
/* The C runtime's would want a library; letters of paths and hosts are ASCII. */
#define tolower(c) ((c) >= 'A' && (c) <= 'Z' ? (c) + 32 : (c))
#include "../driver/sensor_match.h"

#define CONTENT_PATH L"\\SystemRoot\\System32\\drivers\\sensor\\content.bin"
#define CONTENT_MAX (4u << 20)
#define TAG 0x736e6573 /* "sens" as a pool's tag */

struct sensor_content {
	u8 *file; /* names and literals point into it */
	u32 number, template_count;
	struct sensor_template *template;
};

static struct sensor_content current_content;
static volatile LONG64 event_count, match_count;
static UNICODE_STRING device_name = RTL_CONSTANT_STRING(L"\\Device\\sensor");
static UNICODE_STRING link_name = RTL_CONSTANT_STRING(L"\\DosDevices\\sensor");

/* ---- content ---- */

static void content_free(struct sensor_content *c)
{
	if (c->template)
		ExFreePoolWithTag(c->template, TAG);
	if (c->file)
		ExFreePoolWithTag(c->file, TAG);
	RtlZeroMemory(c, sizeof(*c));
}

static void *allocate(SIZE_T size)
{
	void *bytes = ExAllocatePoolWithTag(NonPagedPoolNx, size, TAG);

	if (bytes)
		RtlZeroMemory(bytes, size);
	return bytes;
}

static NTSTATUS read_file(u8 **bytes, SIZE_T *size)
{
	UNICODE_STRING path = RTL_CONSTANT_STRING(CONTENT_PATH);
	FILE_STANDARD_INFORMATION facts;
	OBJECT_ATTRIBUTES attributes;
	IO_STATUS_BLOCK io;
	LARGE_INTEGER begin = { .QuadPart = 0 };
	HANDLE file;
	NTSTATUS status;

	InitializeObjectAttributes(&attributes, &path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
	status = ZwCreateFile(&file, GENERIC_READ | SYNCHRONIZE, &attributes, &io, NULL, FILE_ATTRIBUTE_NORMAL,
			      FILE_SHARE_READ, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE, NULL, 0);
	if (!NT_SUCCESS(status))
		return status;
	status = ZwQueryInformationFile(file, &io, &facts, sizeof(facts), FileStandardInformation);
	if (NT_SUCCESS(status) && (facts.EndOfFile.QuadPart <= 0 || facts.EndOfFile.QuadPart > CONTENT_MAX))
		status = STATUS_FILE_INVALID;
	if (NT_SUCCESS(status)) {
		*size = (SIZE_T)facts.EndOfFile.QuadPart;
		*bytes = allocate(*size);
		status = *bytes ? ZwReadFile(file, NULL, NULL, NULL, &io, *bytes, (ULONG)*size, &begin, NULL) :
				  STATUS_INSUFFICIENT_RESOURCES;
		if (NT_SUCCESS(status) && io.Information != *size)
			status = STATUS_FILE_INVALID;
	}
	ZwClose(file);
	return status;
}

static NTSTATUS content_load(struct sensor_content *c)
{
	const struct sensor_file_header *head;
	const u8 *at, *end;
	SIZE_T size = 0;
	NTSTATUS status = read_file(&c->file, &size);

	if (!NT_SUCCESS(status))
		goto bad;
	at = c->file;
	end = at + size;
	head = sensor_take(&at, end, sizeof(*head));
	status = STATUS_FILE_INVALID;
	if (!sensor_header_is_right(head, size))
		goto bad;
	c->number = head->content;
	c->template_count = head->template_count;
	c->template = allocate((c->template_count ? c->template_count : 1) * sizeof(*c->template));
	if (!c->template)
		status = STATUS_INSUFFICIENT_RESOURCES;
	if (!c->template || sensor_parse_templates(c->template, c->template_count, at, end))
		goto bad;
	return STATUS_SUCCESS;
bad:
	content_free(c);
	return status;
}

/* ---- events ---- */

static noinline void sensor_evaluate(struct sensor_content *c, const struct sensor_event *e)
{
	u32 i;

	InterlockedIncrement64(&event_count);
	for (i = 0; i < c->template_count; i++) {
		struct sensor_template *t = &c->template[i];

		if (t->kind != e->kind || !sensor_match(t, e->input))
			continue;
		InterlockedIncrement64(&match_count);
		InterlockedIncrement64(&t->hits);
	}
}

static NTSTATUS evaluate_text(u32 kind, const char *text, SIZE_T size)
{
	struct sensor_event *e;

	if (kind == 0 || kind > SENSOR_KIND_LAST || size == 0 || size > SENSOR_EVENT_MAX || text[size - 1])
		return STATUS_INVALID_PARAMETER;
	e = allocate(sizeof(*e) + size);
	if (!e)
		return STATUS_INSUFFICIENT_RESOURCES;
	e->kind = kind;
	e->size = (u32)size;
	RtlCopyMemory(e->text, text, size);
	sensor_take_inputs(e);
	sensor_evaluate(&current_content, e);
	ExFreePoolWithTag(e, TAG);
	return STATUS_SUCCESS;
}

/* ---- the device ---- */

static NTSTATUS finish(IRP *irp, NTSTATUS status, ULONG_PTR information)
{
	irp->IoStatus.Status = status;
	irp->IoStatus.Information = information;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

static NTSTATUS NTAPI on_open_or_close(DEVICE_OBJECT *device, IRP *irp)
{
	UNREFERENCED_PARAMETER(device);
	return finish(irp, STATUS_SUCCESS, 0);
}

/* One write is one event: its kind (32 bits), then its inputs. */
static NTSTATUS NTAPI on_write(DEVICE_OBJECT *device, IRP *irp)
{
	const ULONG size = IoGetCurrentIrpStackLocation(irp)->Parameters.Write.Length;
	const u8 *record = irp->AssociatedIrp.SystemBuffer;
	NTSTATUS status;
	u32 kind;

	UNREFERENCED_PARAMETER(device);
	if (!record || size <= sizeof(kind) || size > SENSOR_EVENT_MAX)
		return finish(irp, STATUS_INVALID_PARAMETER, 0);
	RtlCopyMemory(&kind, record, sizeof(kind));
	status = evaluate_text(kind, (const char *)record + sizeof(kind), size - sizeof(kind));
	return finish(irp, status, NT_SUCCESS(status) ? size : 0);
}

static VOID NTAPI on_unload(DRIVER_OBJECT *driver)
{
	IoDeleteSymbolicLink(&link_name);
	if (driver->DeviceObject)
		IoDeleteDevice(driver->DeviceObject);
	content_free(&current_content);
}

NTSTATUS NTAPI DriverEntry(DRIVER_OBJECT *driver, UNICODE_STRING *registry)
{
	DEVICE_OBJECT *device;
	NTSTATUS status;

	UNREFERENCED_PARAMETER(registry);
	/* Without usable content the sensor still starts. */
	status = content_load(&current_content);
	DbgPrint("sensor: version 7.%d, content %lu, status 0x%lx\n", SENSOR_MINOR, current_content.number, status);
	evaluate_text(SENSOR_KIND_PROCESS, sensor_first_process, sizeof(sensor_first_process));
	evaluate_text(SENSOR_KIND_IPC, sensor_endpoint, sizeof(sensor_endpoint));

	status = IoCreateDevice(driver, 0, &device_name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &device);
	if (!NT_SUCCESS(status)) {
		content_free(&current_content);
		return status;
	}
	device->Flags |= DO_BUFFERED_IO;
	driver->MajorFunction[IRP_MJ_CREATE] = on_open_or_close;
	driver->MajorFunction[IRP_MJ_CLOSE] = on_open_or_close;
	driver->MajorFunction[IRP_MJ_WRITE] = on_write;
	driver->DriverUnload = on_unload;
	status = IoCreateSymbolicLink(&link_name, &device_name);
	if (!NT_SUCCESS(status)) {
		IoDeleteDevice(device);
		content_free(&current_content);
		return status;
	}
	device->Flags &= ~DO_DEVICE_INITIALIZING;
	return STATUS_SUCCESS;
}
