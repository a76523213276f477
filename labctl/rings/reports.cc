#include "labctl/rings/reports.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/strict_json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"

namespace labctl::rings {
namespace {

constexpr std::size_t longest_line = 256u << 10, most_mistakes = 20, most_crashes = 1000;
constexpr std::size_t longest_id = 128, longest_title = 500;
constexpr std::int64_t longest_period = 92 * 86'400;

std::int64_t moment(JsonObject& json, const char* key) {
  const auto value = parse_moment(json.text(key));
  if (!value) json.wrong(fmt::format("{}: expected a time such as 2026-11-22T02:35:09Z", key));
  return value.value_or(0);
}

std::string digest(JsonObject& json, const char* key) {
  std::string value = json.text_or(key, "");
  if (!value.empty() && !is_sha256(value)) json.wrong(fmt::format("{}: expected a SHA-256", key));
  return value;
}

// Opaque, but it must not carry anything into a log or a page.
std::string identity(JsonObject& json, const char* key) {
  std::string value = json.text(key);
  const bool plain =
      !value.empty() && value.size() <= longest_id && std::all_of(value.begin(), value.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("-_.:@").find(c) != std::string_view::npos;
      });
  if (!plain) json.wrong(fmt::format("{}: expected at most 128 of A-Z a-z 0-9 - _ . : @", key));
  return value;
}

Crash crash(JsonObject& json) {
  json.only({"title", "module", "at"});
  Crash read;
  read.title = json.text("title");
  if (trim(read.title).empty() || read.title.size() > longest_title)
    json.wrong("title: expected 1 to 500 bytes");
  read.module = json.text_or("module", "");
  if (read.module.size() > longest_id) json.wrong("module: more than 128 bytes");
  if (json.has("at")) read.at = moment(json, "at");
  return read;
}

Report report(JsonObject& json) {
  json.only({"labctl", "ring", "machine", "driver", "content", "kernel", "from", "to", "boots", "crashes"});
  Report read;
  json.number("labctl", 1, 1);
  read.ring = identity(json, "ring");
  read.machine = identity(json, "machine");
  read.driver = digest(json, "driver");
  read.content = digest(json, "content");
  if (json.text_or("kernel", "").size() > longest_title) json.wrong("kernel: more than 500 bytes");
  read.from = moment(json, "from");
  read.to = moment(json, "to");
  if (read.from > read.to) json.wrong("from: is later than to");
  if (read.to - read.from > longest_period) json.wrong("from: the period is longer than 92 days");
  read.boots = json.number("boots", 0, 1'000'000);
  json.each("crashes", [&](JsonObject& item) {
    if (read.crashes.size() < most_crashes)
      read.crashes.push_back(crash(item));
    else
      item.wrong("more than 1000 crashes");
  });
  return read;
}

}  // namespace

Reports read_reports(std::string_view text, const std::string& name) {
  Reports reports;
  int line = 0;
  const auto mistake = [&](const std::string& what) {
    reports.mistakes.push_back({Fault::input, printable(what, 300), name + ":" + std::to_string(line), {}});
  };
  while (!text.empty() && reports.mistakes.size() < most_mistakes) {
    ++line;
    const auto end = text.find('\n');
    const std::string_view row = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (end == row.npos) {
      mistake("the last line has no end: it is still being written");
      break;
    }
    if (trim(row).empty()) continue;
    if (row.size() > longest_line) {
      mistake("the line is longer than 256 KiB");
      continue;
    }
    auto json = parse_json(row, {});
    if (!json) {
      mistake(json.error().what);
      continue;
    }
    std::string fault;
    JsonObject object(*json, "report", fault);
    Report read = report(object);
    if (fault.empty())
      reports.all.push_back(std::move(read));
    else
      mistake(fault);
  }
  return reports;
}

}  // namespace labctl::rings
