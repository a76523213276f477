#include "labctl/crash/binary.h"

#include <array>

namespace labctl::crash {
namespace {

struct Magic {
  std::string_view bytes;
  std::string_view kind;
  std::string_view hint = {};
};

using namespace std::string_view_literals;

constexpr std::array magics{
    Magic{"\x7f"
          "ELF"sv,
          "an ELF file"},
    Magic{"KDUMP   "sv, "a dump of kdump"},
    Magic{"\x1f\x8b\x08"sv, "a gzip archive"},
    Magic{"\xfd"
          "7zXZ\0"sv,
          "an xz archive"},
    Magic{"\x28\xb5\x2f\xfd"sv, "a zstd archive"},
    Magic{"BZh"sv, "a bzip2 archive"},
    Magic{"PK\x03\x04"sv, "a zip archive"},
    Magic{"7z\xbc\xaf\x27\x1c"sv, "a 7z archive"},
    Magic{"QFI\xfb"sv, "a qcow2 image"},
    Magic{"\x89PNG\r\n\x1a\n"sv, "a PNG picture"},
    Magic{"\xff\xd8\xff"sv, "a JPEG picture"},
    Magic{"LPKSHHRH"sv, "a binary journal of systemd"},
    Magic{"ElfFile\0"sv, "a binary event log of Windows",
          "evtxexport -f xml FILE | labctl scan -   (apt-get install libevtx-utils)"},
    Magic{"MDMP"sv, "a dump of a program of Windows, not of its kernel",
          "the kernel's dumps are C:\\Windows\\MEMORY.DMP and those in C:\\Windows\\Minidump"},
    Magic{"MZ\x90\0"sv, "a program of Windows"},
    Magic{"makedumpfile\0"sv, "a dump of makedumpfile"},
    Magic{"\x04\x22\x4d\x18"sv, "an lz4 archive"},
    Magic{"SQLite format 3\0"sv, "a database"},
    Magic{"\x89LZO\0\r\n\x1a\n"sv, "an lzop archive"},
    Magic{"GIF8"sv, "a GIF picture"},
    Magic{"%PDF-"sv, "a PDF document"},
};

}  // namespace

std::string_view binary_kind(std::string_view head) {
  for (const Magic& magic : magics) {
    if (head.starts_with(magic.bytes)) return magic.kind;
  }
  return {};
}

std::string_view binary_hint(std::string_view kind) {
  for (const Magic& magic : magics) {
    if (magic.kind == kind && !magic.hint.empty()) return magic.hint;
  }
  return "extract the text and scan that";
}

}  // namespace labctl::crash
