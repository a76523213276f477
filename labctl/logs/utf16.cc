#include "labctl/logs/utf16.h"

namespace labctl::logs {
namespace {

void append(std::string& out, unsigned point) {
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80U | ((point >> shift) & 0x3FU)); };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0U | (point >> 6U));
    tail(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0U | (point >> 12U));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0U | (point >> 18U));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace

std::optional<Utf16> Utf16::of(std::string_view head) {
  if (head.starts_with("\xff\xfe")) return Utf16(false);
  if (head.starts_with("\xfe\xff")) return Utf16(true);
  return std::nullopt;
}

void Utf16::unit(unsigned value, std::string& out) {
  if (!marked_) {
    marked_ = true;
    return;
  }
  const bool low = value >= 0xDC00 && value < 0xE000;
  if (high_ != 0 && !low) out += '?';
  if (low && high_ != 0)
    append(out, 0x10000 + ((high_ - 0xD800) << 10U) + (value - 0xDC00));
  else if (low)
    out += '?';
  high_ = value >= 0xD800 && value < 0xDC00 ? value : 0;
  if (!low && high_ == 0) append(out, value);
}

std::string Utf16::decode(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (const char byte : bytes) {
    half_ += byte;
    if (half_.size() < 2) continue;
    const unsigned first = static_cast<unsigned char>(half_[0]),
                   second = static_cast<unsigned char>(half_[1]);
    half_.clear();
    unit(big_ ? first << 8U | second : second << 8U | first, out);
  }
  return out;
}

}  // namespace labctl::logs
