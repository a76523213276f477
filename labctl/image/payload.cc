// Files for a guest as a read-only CD: the one way in that needs no network and nothing installed inside.
#include <fmt/core.h>
#include <sys/stat.h>

#include <set>

#include "labctl/base/files.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/image/image.h"

namespace labctl::image {

// Whose the files are, what may be done with them, and when they were made: always the same.
constexpr std::string_view same_for_all =
    "-chown_r 0 / -- -chgrp_r 0 / -- -chmod_r 0555 / -- -alter_date_r b-c =0 / -- "
    "-volume_date uuid 1970010100000000 -commit";

static Status check_name(const std::string& name, std::set<std::string>& names) {
  if (name.empty() || name.size() > 200 ||
      name.find_first_of(std::string_view("/\0", 2)) != std::string::npos || name == "." || name == "..")
    return input_error(fmt::format("'{}' cannot be a file's name on the payload CD", printable(name)));
  if (!names.insert(name).second)
    return input_error(fmt::format("two files on the payload CD are called '{}'", name));
  return {};
}

Status make_payload_cd(const fs::path& iso, const std::vector<PayloadFile>& files, bool joliet) {
  fs::path half = iso;
  half += ".partial";
  std::error_code ignored;
  fs::remove(half, ignored);
  // Joliet stores the names a second time, shortened: only for who reads no other. SOURCE_DATE_EPOCH and the
  // dates below make the bytes depend on nothing but names and contents.
  Command command{.argv = {"xorriso", "-no_rc", "-report_about", "SORRY", "-return_with", "SORRY", "32",
                           "-outdev", half.string(), "-volid", "LABCTL", "-joliet", joliet ? "on" : "off",
                           "-rockridge", "on", "-padding", "0"},
                  .environment = {{"SOURCE_DATE_EPOCH", "0"}, {"TZ", "UTC"}}};
  std::set<std::string> names;
  for (const auto& file : files) {
    if (auto named = check_name(file.name, names); !named) return fail(named.error());
    if (!fs::is_regular_file(file.source, ignored))
      return input_error("is not a regular file, so it cannot be delivered", file.source.string());
    command.argv.insert(command.argv.end(), {"-map", fs::absolute(file.source).string(), "/" + file.name});
  }
  for (auto& word : split(same_for_all, ' ')) command.argv.emplace_back(std::move(word));
  auto made = run_ok(command);
  if (!made) {
    fs::remove(half, ignored);
    return because(made.error(), "cannot make the payload CD");
  }
  ::chmod(half.c_str(), 0444);
  return rename_synced(half, iso);
}

}  // namespace labctl::image
