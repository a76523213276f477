/* COM1: what the emergency console (EMS, SAC) prints and answers. The kernel itself never speaks there. */
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <termios.h>
#include <unistd.h>

#include "standin.h"

static int port = -1;

void serial_open(void) {
  struct termios raw;
  port = open("/dev/ttyS0", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (port < 0 || tcgetattr(port, &raw) != 0) return;
  cfmakeraw(&raw);
  cfsetspeed(&raw, B115200);
  raw.c_cflag |= CLOCAL;
  tcsetattr(port, TCSANOW, &raw);
}

void serial_say(const char *format, ...) {
  va_list list;
  va_start(list, format);
  if (port >= 0) vdprintf(port, format, list);
  va_end(list);
  if (port >= 0) tcdrain(port);
}

void serial_boot(void) {
  serial_say(
      "<?xml>\r\n<machine-info>\r\n<name>NT-STANDIN</name>\r\n<guid>00000000-0000-0000-0000-000000000000</"
      "guid>\r\n"
      "<processor-architecture>AMD64</processor-architecture>\r\n<os-version>10.0</os-version>\r\n"
      "<os-build-number>%d</os-build-number>\r\n<os-product>nt-standin, test equipment</os-product>\r\n"
      "<os-service-pack>None</os-service-pack>\r\n</machine-info>\r\n\r\n"
      "Computer is booting, SAC started and initialized.\r\n\r\n"
      "Use the \"ch -?\" command for information about using channels.\r\nUse the \"?\" command for general "
      "help.\r\n"
      "\r\n\r\nSAC>\r\nEVENT:   The CMD command is now available.\r\nSAC>",
      OS_BUILD);
}

void serial_answer(void) {
  char typed[256];
  struct pollfd more = {.fd = port, .events = POLLIN};
  if (port < 0 || poll(&more, 1, 0) <= 0) return;
  const ssize_t got = read(port, typed, sizeof typed);
  for (ssize_t i = 0; i < got; ++i) {
    if (typed[i] == '\r' || typed[i] == '\n')
      serial_say("\r\nSAC>");
    else
      serial_say("%c", typed[i]);
  }
}
