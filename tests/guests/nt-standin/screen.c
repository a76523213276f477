/* The screen: the machine's own framebuffer, as the firmware left it to the kernel. Letters are the kernel's
 * console font (read back from it, so none is carried here). */
#include <fcntl.h>
#include <linux/fb.h>
#include <linux/kd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "standin.h"

static unsigned char *pixels;
static struct fb_var_screeninfo mode;
static struct fb_fix_screeninfo memory;
static unsigned char *font;
static unsigned glyph_width, glyph_height,
    glyph_pitch; /* rows of a glyph are glyph_pitch lines apart in the font */
static uint32_t paper, ink;

static void read_font(int terminal) {
  struct console_font_op ask = {.op = KD_FONT_OP_GET, .width = 32, .height = 32, .charcount = 512};
  font = calloc(512, 4 * 32);
  ask.data = font;
  if (!font || ioctl(terminal, KDFONTOP, &ask) != 0) return;
  glyph_width = ask.width;
  glyph_height = ask.height;
  glyph_pitch = 32;
}

void screen_open(void) {
  const int terminal = open("/dev/tty1", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal >= 0) {
    read_font(terminal);
    ioctl(terminal, KDSETMODE, KD_GRAPHICS); /* the kernel draws no more */
  }
  const int fd = open("/dev/fb0", O_RDWR | O_CLOEXEC);
  if (fd < 0 || ioctl(fd, FBIOGET_VSCREENINFO, &mode) != 0 || ioctl(fd, FBIOGET_FSCREENINFO, &memory) != 0)
    return;
  if (mode.bits_per_pixel != 32) return;
  void *mapped = mmap(NULL, memory.smem_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) pixels = mapped;
}

static void paint(unsigned x, unsigned y, uint32_t colour) {
  if (x >= mode.xres || y >= mode.yres) return;
  memcpy(pixels + (size_t)y * memory.line_length + (size_t)x * 4, &colour, 4);
}

static void fill(uint32_t colour, uint32_t letters) {
  paper = colour;
  ink = letters;
  for (unsigned y = 0; pixels && y < mode.yres; ++y)
    for (unsigned x = 0; x < mode.xres; ++x) paint(x, y, colour);
}

static unsigned letter_width(unsigned scale) { return glyph_width * scale; }

static void draw(unsigned left, unsigned top, const char *words, unsigned scale) {
  if (!pixels || !glyph_width) return;
  const unsigned row_bytes = (glyph_width + 7) / 8;
  for (; *words; ++words, left += letter_width(scale)) {
    const unsigned char *glyph = font + (size_t)(unsigned char)*words * row_bytes * glyph_pitch;
    for (unsigned y = 0; y < glyph_height * scale; ++y)
      for (unsigned x = 0; x < glyph_width * scale; ++x) {
        const unsigned gx = x / scale;
        const bool on = glyph[(y / scale) * row_bytes + gx / 8] >> (7 - gx % 8) & 1;
        paint(left + x, top + y, on ? ink : paper);
      }
  }
}

/* Words in as many lines as it takes; returns where the next would begin. */
static unsigned paragraph(unsigned left, unsigned top, const char *words, bool centred) {
  const unsigned room = (mode.xres - 2 * left) / (glyph_width ? glyph_width : 16);
  char line[160];
  while (*words) {
    size_t length = strcspn(words, "\n");
    if (length > room) {
      for (length = room; length > 0 && words[length] != ' ';) --length;
      if (length == 0) length = room;
    }
    snprintf(line, sizeof line, "%.*s", (int)length, words);
    const unsigned indent = centred ? (mode.xres - 2 * left - letter_width(1) * (unsigned)length) / 2 : 0;
    draw(left + indent, top, line, 1);
    top += glyph_height + 4;
    words += length;
    if (*words == ' ' || *words == '\n') ++words;
  }
  return top;
}

void screen_black(void) { fill(0, 0xFFFFFF); }

void screen_desktop(void) {
  fill(0x2D5F5F, 0xFFFFFF);
  draw(64, mode.yres / 3, "nt-standin", 3);
  paragraph(64, mode.yres / 3 + 120, "Test equipment for labctl. This is no Windows.", false);
}

void screen_repair(void) {
  fill(0x1071AA, 0xFFFFFF);
  draw(64, 80, "Choose an option", 2);
  unsigned y = paragraph(96, 220, "Continue\nExit and continue to Windows", false);
  y = paragraph(96, y + 30, "Troubleshoot\nReset your PC or see advanced options", false);
  paragraph(96, y + 30, "Turn off your PC", false);
}

void screen_setup(const char *title, const char *words) {
  fill(0x3A2A5C, 0xFFFFFF);
  draw(64, mode.yres / 4, title, 2);
  const unsigned y = paragraph(64, mode.yres / 4 + 120, words, false);
  paragraph(64, y + 60, "nt-standin: test equipment for labctl. This is no Windows.", false);
}

static void paint_7(const struct stop *stop, int percent) {
  char text[600];
  fill(0x000080, 0xFFFFFF);
  unsigned y = paragraph(
      16, 16,
      "A problem has been detected and Windows has been shut down to prevent damage to your computer.",
      false);
  if (*stop->driver) {
    snprintf(text, sizeof text, "The problem seems to be caused by the following file: %s", stop->driver);
    y = paragraph(16, y + 12, text, false);
  }
  y = paragraph(16, y + 12, stop->name, false);
  y = paragraph(16, y + 12,
                "If this is the first time you've seen this Stop error screen, restart your computer.",
                false);
  snprintf(text, sizeof text, "*** STOP: 0x%08X (0x%016llX,0x%016llX,0x%016llX,0x%016llX)", stop->code,
           (unsigned long long)stop->parameter[0], (unsigned long long)stop->parameter[1],
           (unsigned long long)stop->parameter[2], (unsigned long long)stop->parameter[3]);
  y = paragraph(16, y + 12, "Technical information:", false);
  y = paragraph(16, y + 12, text, false);
  if (percent < 0) return;
  snprintf(text, sizeof text, "Beginning dump of physical memory\nDumping physical memory to disk: %d",
           percent);
  paragraph(16, y + 12, text, false);
}

static void paint_8_to_11(const struct stop *stop, int percent) {
  char text[400];
  const bool green = stop->layout == LAYOUT_GREEN;
  fill(green ? 0x0E7A0D : 0x1071AA, 0xFFFFFF);
  draw(64, 40, ":(", 4);
  snprintf(text, sizeof text,
           "Your %s ran into a problem and needs to restart. We're just collecting some error info, and then "
           "we'll restart "
           "for you.",
           green                       ? "Windows Insider Build"
           : stop->layout == LAYOUT_11 ? "device"
                                       : "PC");
  unsigned y = paragraph(64, 220, text, false);
  snprintf(text, sizeof text, "%d%% complete", percent < 0 ? 0 : percent);
  y = paragraph(64, y + 20, text, false);
  if (stop->layout == LAYOUT_8) {
    snprintf(text, sizeof text, "If you'd like to know more, you can search online later for this error: %s",
             stop->name);
    paragraph(64, y + 20, text, false);
    return;
  }
  y = paragraph(
      64, y + 20,
      "For more information about this issue and possible fixes, visit https://www.windows.com/stopcode",
      false);
  y = paragraph(64, y + 20, "If you call a support person, give them this info:", false);
  snprintf(text, sizeof text, "Stop code: %s%s%s", stop->name, *stop->driver ? "\nWhat failed: " : "",
           stop->driver);
  paragraph(64, y + 8, text, false);
}

static void paint_24h2(const struct stop *stop, int percent) {
  char text[400];
  fill(0x000000, 0xFFFFFF);
  unsigned y = paragraph(64, mode.yres * 2 / 5, "Your device ran into a problem and needs to restart.", true);
  snprintf(text, sizeof text, "%d%% complete", percent < 0 ? 0 : percent);
  paragraph(64, y + 24, text, true);
  snprintf(text, sizeof text, "Stop code: %s (0x%X)%s%s", stop->name, stop->code,
           *stop->driver ? "\nWhat failed: " : "", stop->driver);
  paragraph(32, mode.yres - 140, text, true);
}

void screen_stop(const struct stop *stop, int percent) {
  switch (stop->layout) {
    case LAYOUT_7:
      return paint_7(stop, percent);
    case LAYOUT_24H2:
      return paint_24h2(stop, percent);
    default:
      return paint_8_to_11(stop, percent);
  }
}
