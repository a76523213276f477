// Dates and times that somebody put in front of each line: a collector, a container's log, a CI service, a
// terminal that records, dmesg in one of its formats.
#include <re2/re2.h>

#include "labctl/crash/engine/message.h"
#include "labctl/crash/forms/form.h"

namespace labctl::crash {
namespace {

constexpr unsigned agreeing_lines = 3;
constexpr unsigned most_stamps = 4;  // one in front of another

#define DAY "\\d{4}[-/.]\\d\\d[-/.]\\d\\d"
#define CLOCK "\\d\\d?:\\d\\d(?::\\d\\d)?(?:[.,:]\\d{1,9})?"
#define ZONE "(?: ?(?:Z|UTC|GMT|[+-]\\d\\d:?\\d\\d))?"
#define DATE_AND_TIME DAY "(?:[T _]+" CLOCK ZONE ")"
#define LETTERED                                                                                      \
  "(?:[A-Z][a-z]{2},? )?(?:[A-Z][a-z]{2} +\\d{1,2}|\\d{1,2} [A-Z][a-z]{2})(?: \\d{4})?,? " CLOCK ZONE \
  "(?: \\d{4})?"
#define SECONDS "[+<]? *\\d{1,12}[.,]\\d{1,9} ?s?>?|\\+ *\\d{1,12}(?:us|ms|s)?|\\d{1,12}(?:us|ms|s)"
#define EPOCH "\\d{9,10}(?:\\.\\d{1,9})?|\\d{13}|@[0-9a-f]{24}"
#define STREAM "std(?:out|err) [FP]|\\d\\d[OE][ +]?|std(?:out|err)"

// The front of a line as far as it is a stamp; 0 when it begins with none. A kernel's own stamp is none.
std::size_t stamp_length(std::string_view text) {
  static const RE2 bracketed("[\\[({<] *(?:" DATE_AND_TIME "|" LETTERED "|" CLOCK "|" SECONDS "|" EPOCH
                             ") *[\\])}>](?: ?[|:-])?[ \\t]?",
                             RE2::Latin1);
  static const RE2 bare("(?:" DATE_AND_TIME "|" LETTERED "|\\d\\d?:\\d\\d:\\d\\d(?:[.,:]\\d{1,9})?" ZONE
                        "|[+<] *\\d{1,12}[.,]\\d{1,9} ?s?>?|" EPOCH
                        "|\\d{1,9}\\.\\d{3,6}s?)(?: ?[|:-])?(?:[ \\t]|$)",
                        RE2::Latin1);
  static const RE2 stream("(?:" STREAM ")(?: |$)", RE2::Latin1);
  std::size_t length = 0;
  for (unsigned i = 0; i < most_stamps; ++i) {
    const std::string_view rest = text.substr(length);
    if (rest.empty() || timestamp_length(rest) != 0) break;
    re2::StringPiece piece(rest.data(), rest.size());
    const bool opens =
        rest.front() == '[' || rest.front() == '(' || rest.front() == '<' || rest.front() == '{';
    const bool read = opens ? RE2::Consume(&piece, bracketed)
                            : RE2::Consume(&piece, bare) || (length != 0 && RE2::Consume(&piece, stream));
    if (!read) break;
    length = text.size() - piece.size();
  }
  return length;
}

class Stamped : public Form {
 public:
  bool watch(const Row& row) override {
    const char first = row.text.empty() ? ' ' : row.text.front();
    const bool may = (first >= '0' && first <= '9') || (first >= 'A' && first <= 'Z') || first == '[' ||
                     first == '(' || first == '<' || first == '{' || first == '+' || first == '@';
    if (may && stamp_length(row.text) != 0) {
      misses_ = 0;
      return ++seen_ >= agreeing_lines;
    }
    if (++misses_ > agreeing_lines) seen_ = 0;
    return false;
  }

  void read(const Row& row, const Emit& emit) override {
    // Without its date a program's line could not be told from a console's.
    const std::size_t bracket = row.text.find(": [");
    const bool program = bracket != std::string_view::npos &&
                         timestamp_length(row.text.substr(bracket + 2)) != 0 &&
                         names_program(row.text.substr(0, bracket + 2));
    emit(row.text.substr(program ? 0 : stamp_length(row.text)), row.origin);
  }

 private:
  unsigned seen_ = 0, misses_ = 0;
};

}  // namespace

std::unique_ptr<Form> stamped_form() { return std::make_unique<Stamped>(); }

}  // namespace labctl::crash
