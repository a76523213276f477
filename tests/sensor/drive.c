/*
 * Drives the sample's Windows driver as a service would: creates it, starts it, writes events to its device, stops it and
 * deletes it; each step is a line on standard output with the error that Windows (or Wine) gave, 0 for none.
 *
 *   drive.exe C:\path\sensor.sys
 */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#define NAME "sensor"

static unsigned long failed(BOOL done) { return done ? 0 : GetLastError(); }

static void say(const char *step, unsigned long error) {
  printf("%s=%lu\n", step, error);
  fflush(stdout);
}

static void say_state(SC_HANDLE service, const char *when) {
  SERVICE_STATUS status = {0};
  QueryServiceStatus(service, &status);
  printf("state-%s=%lu\n", when, status.dwCurrentState);
  fflush(stdout);
}

/* One event: its kind (32 bits), then its inputs, each ended by a zero. */
static void write_event(HANDLE device, const char *step, unsigned kind, const char *inputs, unsigned size) {
  char record[256];
  DWORD written = 0;
  memcpy(record, &kind, sizeof kind);
  memcpy(record + sizeof kind, inputs, size);
  say(step, failed(WriteFile(device, record, sizeof kind + size, &written, NULL)));
}

static void use_device(void) {
  static const char inputs[] = "C:\\Windows\\explorer.exe\0explorer.exe";
  HANDLE device = CreateFileA("\\\\.\\" NAME, GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
  say("open", device == INVALID_HANDLE_VALUE ? GetLastError() : 0);
  if (device == INVALID_HANDLE_VALUE) return;
  write_event(device, "write", 1, inputs, sizeof inputs);
  write_event(device, "write-unknown-kind", 77, inputs, sizeof inputs);
  write_event(device, "write-without-end", 1, inputs, sizeof inputs - 1);
  CloseHandle(device);
}

static SC_HANDLE create(SC_HANDLE manager, const char *path) {
  return CreateServiceA(manager, NAME, NAME, SERVICE_ALL_ACCESS, SERVICE_KERNEL_DRIVER, SERVICE_DEMAND_START,
                        SERVICE_ERROR_NORMAL, path, NULL, NULL, NULL, NULL, NULL);
}

/* A Wine that was ended before it had written a deletion down still has the service of the life before. */
static void forget(SC_HANDLE manager) {
  SC_HANDLE service = OpenServiceA(manager, NAME, SERVICE_ALL_ACCESS);
  if (!service) return;
  DeleteService(service);
  CloseServiceHandle(service);
  for (int tenths = 0; tenths < 300; ++tenths) {
    service = OpenServiceA(manager, NAME, SERVICE_QUERY_STATUS);
    if (!service) return;
    CloseServiceHandle(service);
    Sleep(100);
  }
}

int main(int count, char **words) {
  SERVICE_STATUS status;
  SC_HANDLE manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_ALL_ACCESS), service;
  if (count != 2 || !manager) return 2;
  forget(manager);
  service = create(manager, words[1]);
  say("create", service ? 0 : GetLastError());
  if (!service) return 1;
  say("start", failed(StartServiceA(service, 0, NULL)));
  say_state(service, "started");
  use_device();
  say("stop", failed(ControlService(service, SERVICE_CONTROL_STOP, &status)));
  say_state(service, "stopped");
  say("delete", failed(DeleteService(service)));
  CloseServiceHandle(service);
  CloseServiceHandle(manager);
  return 0;
}
