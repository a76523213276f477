// The forms in which text reaches people. Internal to the room.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace labctl::crash {

// Where in the bytes a line begins.
struct Origin {
  std::uint64_t offset = 0;
  std::uint64_t line = 1;
};

// A line without terminals' controls. A line that is too long comes in several rows.
struct Row {
  std::string_view text;
  Origin origin;
};

using Emit = std::function<void(std::string_view text, Origin origin)>;

// One form. It watches rows until it recognises itself; then it is given those that it watched last, again,
// to read, and all that follow.
class Form {
 public:
  virtual ~Form() = default;
  virtual bool watch(const Row& row) = 0;                   // true: this text has the form
  virtual void read(const Row& row, const Emit& emit) = 0;  // emits what the row holds
  virtual void finish(const Emit&) {}                       // no more rows come

  Form() = default;
  Form(const Form&) = delete;
  Form& operator=(const Form&) = delete;
};

struct FormKind {
  const char* name;
  std::unique_ptr<Form> (*make)();
};

std::unique_ptr<Form> json_form();     // JSON, a line each or a whole document
std::unique_ptr<Form> export_form();   // a journal's export and its verbose listing
std::unique_ptr<Form> kmsg_form();     // /dev/kmsg, extended netconsole and its fragments
std::unique_ptr<Form> markup_form();   // HTML, quoted-printable, controls that were made visible
std::unique_ptr<Form> stamped_form();  // dates and times in front of each line
std::unique_ptr<Form> prefix_form();   // any other prefix, learnt from lines of reports
std::unique_ptr<Form> wrapped_form();  // broken at the width of a terminal
std::unique_ptr<Form> words_form();    // broken between words, as mails are
std::unique_ptr<Form> twice_form();    // each line twice

}  // namespace labctl::crash
