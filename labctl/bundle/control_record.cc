#include "labctl/bundle/control_record.h"

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/guest/guest.h"

namespace labctl::bundle {
namespace {

// What a control does, whatever the scenario is called and wherever in it a line stands.
std::string story_of(plan::Cell cell) {
  cell.driver_mark = cell.content_mark = {};
  plan::Plan alone;
  alone.cells = {std::move(cell)};
  return dump_line(plan::to_json(alone));
}

// By the names on its CD. What the run has not recorded equals no digest.
std::map<std::string, std::string> updates_of(const plan::Cell& control, const outcome::RunRecord& run) {
  std::map<std::string, std::string> given;
  for (const auto& file : plan::given_to(control)) {
    const auto* artifact = run.artifact(file.path);
    given[guest::update_file(file.path, file.place)] = artifact ? artifact->sha256 : std::string();
  }
  return given;
}

Result<Json> read_word(const fs::path& folder) {
  const fs::path file = folder / control_file;
  auto text = read_file(file);
  return text ? parse_json(*text, file.string()) : Result<Json>(fail(text.error()));
}

}  // namespace

bool is_fresh(std::int64_t made, std::int64_t now) {
  return made > 0 && made <= now && now - made < fresh_seconds;
}

Result<std::optional<outcome::ReusedFrom>> read_kept(const fs::path& folder, const std::string& run_began) {
  const fs::path file = folder / control_file;
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return std::nullopt;
  auto word = read_word(folder);
  if (!word) return fail(word.error());
  const auto began = parse_moment(run_began);
  const auto made = number_at(*word, "made_unix");
  if (!began || !is_fresh(made, *began))
    return lab_error("its control was reused from a run that is not of the week before");
  return outcome::ReusedFrom{show_moment(made), printable(text_at(*word, "run"), 120)};
}

Result<std::optional<outcome::ReusedFrom>> read_kept(const fs::path& folder, const outcome::RunRecord& run,
                                                     const plan::Cell& control) {
  const outcome::RunPart part = run.part(control.image, control.machine.name);
  auto kept = read_kept(folder, part.began);
  if (!kept || !*kept) return kept;
  const auto* image = run.image(control.image, control.machine.name);
  if (!image) return lab_error("its control was reused, and run.json does not name its image");
  const auto word = read_word(folder);
  const std::string signatures = run.plan.signatures ? run.plan.signatures->text : std::string();
  if (!word || text_at(*word, "key") != control_key(*image, control, updates_of(control, run), signatures,
                                                    part.host.fingerprint, run.tool_sha256))
    return lab_error(
        "its control was reused from a run of another image, machine, story, host or labctl than this one");
  return kept;
}

std::string control_key(const outcome::ImageRecord& image, const plan::Cell& control,
                        const std::map<std::string, std::string>& given, const std::string& signatures,
                        const std::string& host_fingerprint, const std::string& tool_sha256) {
  const auto facts = parse_json(image.facts.json, {});
  Json stands_on{image.name,
                 image.sha256,
                 image.snapshot_sha256,
                 image.nvram_sha256,
                 facts ? *facts : Json(),
                 image.shape,
                 story_of(control),
                 signatures,
                 host_fingerprint,
                 tool_sha256};
  if (!given.empty()) stands_on.push_back(given);  // so that the key of one without is as it always was
  return sha256(dump_line(stands_on));
}

}  // namespace labctl::bundle
