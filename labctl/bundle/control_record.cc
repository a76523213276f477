#include "labctl/bundle/control_record.h"

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"

namespace labctl::bundle {

bool is_fresh(std::int64_t made, std::int64_t now) {
  return made > 0 && made <= now && now - made < fresh_seconds;
}

Result<std::optional<verdict::Kept>> read_kept(const fs::path& folder, const std::string& run_began) {
  const fs::path file = folder / control_file;
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return std::nullopt;
  auto text = read_file(file);
  auto word = text ? parse_json(*text, file.string()) : Result<Json>(fail(text.error()));
  if (!word) return fail(word.error());
  const auto began = parse_moment(run_began);
  const auto made = number_at(*word, "made_unix");
  if (!began || !is_fresh(made, *began))
    return lab_error("its control was reused from a run that is not of the week before");
  return verdict::Kept{show_moment(made), printable(text_at(*word, "run"), 120)};
}

}  // namespace labctl::bundle
