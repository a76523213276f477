// labctl bundle unpack: the bundle's folder again, of the file that pack made.
#include <fmt/core.h>

#include "labctl/base/json.h"
#include "labctl/bundle/archive.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"

namespace labctl::cli {
namespace {

struct UnpackOptions {
  std::string file, into = ".";
};

int bundle_unpack(const UnpackOptions& options) {
  const auto& [file, into] = options;
  auto folder = bundle::unpack_bundle(file, into);
  if (!folder) return report_error(folder.error());
  answer("bundle", folder->string());
  print(fmt::format("bundle: {}\n", folder->string()));
  return exit_code::passed;
}

}  // namespace

void add_bundle_unpack(CommandLine& command_line) {
  const auto options = std::make_shared<UnpackOptions>();
  auto verb = command_line.verb(
      "bundle unpack",
      {.summary = "Check a packed bundle and unpack it into a folder",
       .group = group::judging,
       .examples = "labctl bundle unpack quickstart.tar.zst --into reports/runs",
       .exit_codes = "0    done\n"
                     "2    not a bundle, of another version, damaged, the target exists, or bad usage\n"
                     "3    a file cannot be written"},
      options, bundle_unpack);
  verb.option("FILE", options->file, "What 'labctl bundle pack' made", {.required = true});
  verb.option("--into", options->into, "Where the folder goes (default: here)", {.value = "DIR"});
  verb.json();
}

}  // namespace labctl::cli
