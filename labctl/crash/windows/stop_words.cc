#include "labctl/crash/windows/stop_words.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "labctl/crash/engine/pattern.h"
#include "labctl/crash/windows/stop_codes.h"

namespace labctl::crash {
namespace {

constexpr std::size_t longest_line = 8192;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }
// "0x7e", "126" in the base that is usual there, "fffff807`393af5fa" as debuggers write it.
std::optional<std::uint64_t> number_of(std::string_view text, int base) {
  std::string digits(text);
  digits.erase(std::remove(digits.begin(), digits.end(), '`'), digits.end());
  std::string_view rest = digits;
  if (rest.starts_with("0x") || rest.starts_with("0X")) {
    rest.remove_prefix(2);
    base = 16;
  }
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
  if (problem != std::errc() || end != rest.data() + rest.size() || rest.empty()) return std::nullopt;
  return value;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

enum class Is : std::uint8_t {
  code,         // a number after words that nothing else says
  named_code,   // a number after a word that must be its name
  listed_code,  // the same in a row of a table, which may be one of all stops that there are
  later_code,   // a number that a line in front of it explains
  file,
  module,  // without the ending of its file
  bucket,  // WinDbg's, "AV_foo!read"
};

struct Field {
  Is is;
  const char* pattern;  // RE2, anywhere in the line, one group; of a named code two, the name first
  int base = 16;
};

#define FILE_GROUP "([\\w.$~-]{1,60}\\.(?i:sys|exe|dll))"
#define SEPARATOR "(?:\"?\\s*[:=,;]\\s*\"?|\\s*>\\s*|\\t\"?)"
#define NUMBER "(?:0x)?[0-9a-fA-F`]{1,17}"
#define NAME "([A-Z][A-Z0-9_]{3,60})"

constexpr std::array fields{
    // A stop with its four parameters, as event 1001 prints it in every language.
    Field{Is::code,
          "\\b(0x[0-9a-fA-F]{8,16}) ?\\(0x[0-9a-fA-F]{1,16}, ?0x[0-9a-fA-F]{1,16}, ?0x[0-9a-fA-F]{1,16}, "
          "?0x[0-9a-fA-F]{1,16}\\)"},
    // Event 41.
    Field{Is::code, "BugcheckCode(?:\"?\\s*[:=,]\\s*\"?|['\"]>|\\s+)(0x[0-9a-fA-F]{1,8}|\\d{1,10})\\b", 10},
    // The kernel's debugger, and what it prints when it is attached to a dump.
    Field{Is::code, "^\\*\\*\\* Fatal System Error: (0x[0-9a-fA-F]{8,16})"},
    Field{Is::named_code, "^" NAME " \\(([0-9a-f]{1,8})\\)\\s*$"},
    Field{Is::code, "^BUGCHECK_CODE:\\s+(?:0x)?([0-9a-fA-F]{1,8})\\b"},
    Field{Is::code, "^BugCheck ([0-9A-Fa-f]{1,8}), \\{"},
    Field{Is::code, "^\\s*Bugcheck code ([0-9A-Fa-f]{8})\\s*$"},
    Field{Is::file, "^IMAGE_NAME:\\s+" FILE_GROUP}, Field{Is::file, "^Probably caused by ?: ?" FILE_GROUP},
    Field{Is::file, "^\\*\\*\\*\\s+" FILE_GROUP " - Address "},
    Field{Is::file, "^(?:FAILURE_|DEFAULT_)?BUCKET_ID:.*_IMAGE_" FILE_GROUP},
    Field{Is::module, "^MODULE_NAME:\\s+(\\w{1,60})\\s*$"},
    Field{Is::module, "^FAULTING_MODULE:\\s+[0-9a-fA-F`]{8,17}\\s+(\\w{1,60})\\s*$"},
    Field{Is::module, "^SYMBOL_NAME:\\s+(\\w{1,60})[!+]"},
    Field{Is::bucket, "^(?:FAILURE_)?BUCKET_ID:\\s+([\\w()]{1,120})!"},
    // BlueScreenView as text, lists and XML, WhoCrashed.
    Field{Is::code, "(?i:bug[ _]?check[ _]code)" SEPARATOR "(0x[0-9a-fA-F]{1,16})"},
    Field{Is::listed_code, "\\b" NAME "\"?[,;\\t]\\s*\"?(0x[0-9a-fA-F]{8})\\b"},
    Field{Is::file, "(?i:caused[ _]by[ _](?:driver|address))" SEPARATOR FILE_GROUP},
    Field{Is::file, "caused by the following module: " FILE_GROUP},
    Field{Is::file, "Driver or module in which error occurred: " FILE_GROUP},
    // Windows' own error reports.
    Field{Is::code, "^\\s*BCCode:\\s+([0-9a-fA-F]{1,8})\\s*$"},
    Field{Is::later_code, "^\\s*P1:\\s+([0-9a-fA-F]{1,8})\\s*$"},
    // The strings of an event 41 without their names.
    Field{Is::later_code, "^String: 1\\s*:\\s*(\\d{1,10})\\s*$", 10},
    Field{Is::later_code, "\"Properties\":\\s*\\[\\{\"Value\":\\s*(\\d{1,10})\\}", 10}};

struct Compiled {
  Is is;
  RE2 pattern;
  int base;
  explicit Compiled(const Field& field)
      : is(field.is), pattern(field.pattern, RE2::Latin1), base(field.base) {}
};

const std::array<Compiled, fields.size()>& compiled() {
  static const auto all = []<std::size_t... i>(std::index_sequence<i...>) {
    return std::array<Compiled, fields.size()>{Compiled(fields[i])...};
  }
  (std::make_index_sequence<fields.size()>());
  return all;
}

// Most lines hold none of these.
bool may_speak(std::string_view text) {
  static const RE2 any(
      "(?i:bug[ _]?check|caused[ _]by)|0x[0-9a-fA-F]{8,16} ?\\(0x|^\\s*\\(0x[0-9a-fA-F]{8}|^\\*\\*\\* |"
      "^IMAGE_NAME|^MODULE_NAME|^SYMBOL_NAME|^FAULTING_MODULE|^(?:FAILURE_|DEFAULT_)?BUCKET_ID|^Probably "
      "caused|in which error occurred|^[A-Z][A-Z0-9_]{3,60} \\([0-9a-f]{1,8}\\)|[A-Z]\"?[,;\\t]\\s*\"?"
      "0x[0-9a-fA-F]{8}\\b|BlueScreen|^\\s*BC(?:Code|P[1-4]):|^\\s*P1:|^String: "
      "1|\"Properties\"|Kernel-Power|"
      "EventLog|ProviderName|Source|6008\\b|2147489656|\\b41\\b|^\\s*Arg[1-4]:|(?i:parameter) ?[1-4]|"
      "^[0-9a-f]{8}`?[0-9a-f]{0,8}[ ]+[0-9a-f]{8}`?[0-9a-f]{0,8}[ ]+\\w",
      RE2::Latin1);
  return text.size() > 3 && text.size() <= longest_line && RE2::PartialMatch(piece(text), any);
}

// The kernel itself is nobody's driver, and a debugger's guess at it helps nobody.
bool is_driver_module(std::string_view module) {
  constexpr std::array<std::string_view, 7> none{"nt",  "ntkrnlmp",       "ntoskrnl",         "ntkrpamp",
                                                 "hal", "Unknown_Module", "memory_corruption"};
  return !module.empty() && std::find(none.begin(), none.end(), module) == none.end();
}

// "AV_VRF_foo" -> "foo", "0x7E_c0000005_my_drv" -> "my_drv": words in front in capitals or numbers are
// classes.
std::string_view module_of_bucket(std::string_view bucket) {
  static const RE2 kind("(?:[A-Z0-9]{2,}|0x[0-9A-Fa-f]+|[0-9a-fA-F]{8}|[cC]0000005|\\d|\\(.*\\))",
                        RE2::Latin1);
  for (std::size_t end = bucket.find('_'); end != std::string_view::npos; end = bucket.find('_')) {
    if (!RE2::FullMatch(piece(bucket.substr(0, end)), kind)) break;
    bucket.remove_prefix(end + 1);
  }
  return bucket;
}

void name(StopWords& words, std::string driver, Named how) {
  if (how <= words.named) return;
  words.driver = lower(driver);
  words.named = how;
}

void field(const Compiled& each, std::string_view text, StopWords& words) {
  re2::StringPiece first, second;
  const bool named = each.is == Is::named_code || each.is == Is::listed_code;
  if (!(named ? RE2::PartialMatch(piece(text), each.pattern, &first, &second)
              : RE2::PartialMatch(piece(text), each.pattern, &first)))
    return;
  const std::string_view found = view(named ? second : first);
  if (each.is == Is::file) return name(words, std::string(found), Named::as_file);
  if (each.is == Is::module || each.is == Is::bucket) {
    const bool bucket = each.is == Is::bucket;
    const std::string_view module = bucket ? module_of_bucket(found) : found;
    if (is_driver_module(module))
      name(words, std::string(module) + ".sys", bucket ? Named::in_bucket : Named::as_module);
    return;
  }
  const auto value = number_of(found, each.base);
  if (!value || words.code) return;
  if (named && view(first) != stop_name(*value) && view(first) != stop_name(plain_stop(*value))) return;
  words.code = plain_stop(*value);
  words.code_before = each.is == Is::later_code;
  words.name_alone = each.is == Is::named_code;
  words.listed = each.is == Is::listed_code;
}

void parameters(std::string_view text, StopWords& words) {
  static const RE2 four("[({]\\s*(" NUMBER "), ?(" NUMBER "), ?(" NUMBER "), ?(" NUMBER ")\\s*[)}]",
                        RE2::Latin1);
  static const RE2 one(
      "(?:^\\s*Arg|BUGCHECK_P|BCP|(?i:parameter) ?)([1-4])(?:\"?\\s*[:=]\\s*\"?|['\"]>)(" NUMBER
      ")(?:[^0-9a-fA-F`x]|$)",
      RE2::Latin1);
  std::array<re2::StringPiece, 4> found;
  if (RE2::PartialMatch(piece(text), four, &found[0], &found[1], &found[2], &found[3])) {
    for (std::size_t i = 0; i < found.size(); ++i) words.parameters[i] = number_of(view(found[i]), 16);
    return;
  }
  re2::StringPiece rest = piece(text);
  while (RE2::FindAndConsume(&rest, one, &found[0], &found[1]))
    words.parameters[static_cast<std::size_t>(found[0][0] - '1')] = number_of(view(found[1]), 16);
}

void range(std::string_view text, StopWords& words) {
  static const RE2 row(
      "^([0-9a-f]{8}(?:`[0-9a-f]{8})?) +([0-9a-f]{8}(?:`[0-9a-f]{8})?) +(\\w{1,60})(?:\\s|$)", RE2::Latin1);
  std::array<re2::StringPiece, 3> found;
  if (!RE2::PartialMatch(piece(text), row, &found[0], &found[1], &found[2])) return;
  const auto from = number_of(view(found[0]), 16), to = number_of(view(found[1]), 16);
  if (from && to && *from < *to && is_driver_module(view(found[2])))
    words.range = StopWords::Range{lower(view(found[2])) + ".sys", *from, *to};
}

#define EVENT_NUMBER \
  "(?i:(?:Event|Ereignis)?[ _-]?(?:ID|Code|identifier)\"?[\\s>:=,\"']{1,24}(?:0x[0-9a-f]{8} \\()?"

// Event 41 of Kernel-Power and 6008 of EventLog: the number stands beside its source, behind a word for an
// event's number, or alone behind a word of another language.
void event(std::string_view text, StopWords& words) {
  static const RE2 id41(EVENT_NUMBER "41\\b)|Kernel-Power\"?[,;\\t]\"?41\\b|<EventID[^>]*>41<", RE2::Latin1);
  static const RE2 id6008(EVENT_NUMBER
                          "6008\\b)|EventLog\"?[,;\\t]\"?6008\\b|<EventID[^>]*>6008<|"
                          "identifier\\s*: 0x80001778 \\(2147489656\\)",
                          RE2::Latin1);
  // A label that is no other number of the event, a column of its own, a row of a table by date.
  static const RE2 number(
      "^[^:=]{1,48}[:=]\\s*(41|6008)\\s*$|[,;\\t]\"?(41|6008)\"?[,;\\t]|\\d:\\d\\d(?::\\d\\d)?(?: "
      "[AP]M)?\\s+(41|6008)\\s+"
      "\\pL",
      RE2::Latin1);
  static const RE2 other("^\\s*(?i:event number|record|process|thread|task|level|keywords)", RE2::Latin1);
  static const RE2 where("^\\s*(?i:provider ?name|source(?: name)?|event source)\\s*[:=]|^ProviderName",
                         RE2::Latin1);
  words.power = text.find("Kernel-Power") != std::string_view::npos;
  words.event_log = text.find("EventLog") != std::string_view::npos;
  words.source = RE2::PartialMatch(piece(text), where);
  if (RE2::PartialMatch(piece(text), other)) return;
  words.id41 = RE2::PartialMatch(piece(text), id41);
  words.id6008 = RE2::PartialMatch(piece(text), id6008);
  std::array<re2::StringPiece, 3> found;
  if (!RE2::PartialMatch(piece(text), number, &found[0], &found[1], &found[2])) return;
  const bool is41 = std::any_of(found.begin(), found.end(), [](const auto& each) { return each == "41"; });
  (is41 ? words.number41 : words.number6008) = true;
}

}  // namespace

std::optional<StopWords> read_stop_words(std::string_view line) {
  if (!may_speak(line)) return std::nullopt;
  StopWords words;
  for (const Compiled& each : compiled()) field(each, line, words);
  // A list of dumps has the driver in a column of its own.
  static const RE2 column("[,;\\t]\"?" FILE_GROUP "\"?(?:[,;\\t]|$)", RE2::Latin1);
  re2::StringPiece file;
  if (words.code && *words.code != 0 && RE2::PartialMatch(piece(line), column, &file))
    name(words, std::string(view(file)), Named::as_file);
  // A row that tells of a dump names its file or a driver.
  if (words.listed && words.named == Named::nowhere && line.find(".dmp") == std::string_view::npos)
    words.code.reset();
  parameters(line, words);
  range(line, words);
  static const RE2 blue("BlueScreen\\b", RE2::Latin1);
  words.blue_screen = RE2::PartialMatch(piece(line), blue);
  event(line, words);
  return words;
}

}  // namespace labctl::crash
