#include "labctl/outcome/outcome.h"

#include "labctl/base/enum_names.h"

namespace labctl::outcome {

bool is_guest_failure(Ending ending) { return ending <= Ending::not_loaded; }

Ending ending_for(crash::Kind kind) {
  using enum crash::Kind;
  switch (kind) {
    case lockup:
    case stall:
    case hung_task:
      return Ending::hung;
    case boot_failure:
      return Ending::recovery;
    default:
      return Ending::crashed;
  }
}

constexpr auto endings = enum_names<Ending>({{Ending::crashed, "crashed"},
                                             {Ending::recovery, "recovery"},
                                             {Ending::hung, "hung"},
                                             {Ending::altered, "altered"},
                                             {Ending::not_loaded, "not-loaded"},
                                             {Ending::lab_failed, "lab-failed"},
                                             {Ending::interrupted, "interrupted"},
                                             {Ending::not_run, "not-run"},
                                             {Ending::passed, "passed"}});
const char* to_string(Ending ending) { return endings.name(ending); }
std::optional<Ending> ending_from(std::string_view name) { return endings.value(name); }

}  // namespace labctl::outcome
