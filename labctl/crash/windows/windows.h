// What a Windows guest says on its serial console, and the reader that makes findings of it. Internal to the
// room.
//
// No Windows image was available where this was written: the texts come from Microsoft's documentation, from
// vendors' manuals of the emergency console (EMS) and from published logs. Nothing here has been tried on
// bytes that a real Windows sent; the sample logs under tests/crash/windows/ are written from the same
// documents.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/crash/crash.h"
#include "labctl/crash/engine/report.h"

namespace labctl::crash {

// What a line means.
enum class Says : std::uint8_t {
  stop,      // the heading of a blue screen
  report,    // code and parameters: a whole report by itself
  code,      // the code or its name, on a line that anything may have printed
  detail,    // the driver; means something only on a screen
  part,      // belongs to a screen and says nothing new
  loader,    // the heading of the boot manager's error screen
  status,    // its status code or file
  recovery,  // a rescue environment; whole by itself
  hint,      // a rescue environment, if this is Windows at all
  boot,      // Windows begins a new life
};

// A line that begins with `head` and matches `pattern` (RE2, anchored). The pattern
// may name the groups `code` (hexadecimal), `name` and `file`.
struct Saying {
  std::string_view head;
  const char* pattern;
  Says says;
  const char* title = "";
};

std::span<const Saying> windows_sayings();

// Lines of Windows in, findings out. One stop may be reported several times, by the emergency console in XML
// and then by the screen's own text: it is one finding. A plain value: a copy may read on without harm to the
// original.
class WindowsReader {
 public:
  // `windows`: nothing else is expected, so vaguer signs count too.
  explicit WindowsReader(bool windows) : windows_(windows) {}

  // A line as it came and without its control bytes (the same view when it has none). True when it says that
  // Windows begins a new life.
  struct Line {
    std::uint64_t offset = 0, line = 0;
  };
  bool line(std::string_view raw, std::string_view cleaned, Line where, std::vector<Finding>& out);

  // Whether a line has anything to say here; most have not.
  bool concerns(std::string_view raw, std::string_view cleaned) const;
  bool concerns(std::string_view raw) const {
    return concerns(raw, raw) || raw.find('\x1b') != std::string_view::npos;
  }

  std::vector<Finding> close();  // what is open has ended
  // Emits what is open as it stands. When more is read, it is emitted again, richer and at the same offset.
  std::vector<Finding> flush();
  bool pending() const { return screen_ && screen_->told != key(); }
  bool reading() const { return screen_.has_value() || !xml_.empty(); }

 private:
  struct Words {  // of one line
    std::string_view code, name, file;
  };

  // A blue screen, or the boot manager's error, while it is being read.
  struct Screen {
    Start start;
    bool loader = false;
    bool heading = false;
    bool whole = false;  // a complete report was read
    bool from_xml = false;
    bool unreadable = false;  // a code that is no number
    std::optional<std::uint64_t> code;
    std::string name;      // of the stop, as the guest wrote it
    std::string file;      // driver or loader
    unsigned silence = 0;  // lines since the last one that belongs to it
    std::string told;      // what has been emitted of it
  };

  bool rows(std::string_view raw);
  bool segment(std::string_view text);
  bool say(const Saying& saying, const Words& words);
  void loose(std::string_view text);
  void xml(std::string_view text);
  Screen& screen(bool loader);
  void learn(bool loader, const Words& words);
  void whole(const Saying& saying);
  void end(std::vector<Finding>& out);
  void tell(std::vector<Finding>& out);
  std::string title() const;
  bool confirmed() const;
  std::string key() const { return title() + (confirmed() ? "" : "?"); }
  Finding finding() const;

  bool windows_;
  std::optional<Screen> screen_;
  bool prompted_ = false;  // "!SAC>": a crash, or only the boot loader's own prompt
  std::string xml_;        // what may become a stop block, without white space
  unsigned xml_lines_ = 0;
  Start here_;       // of the line that is being read
  Start xml_start_;  // of the line in which xml_ began
  std::vector<Finding> ready_;
};

}  // namespace labctl::crash
