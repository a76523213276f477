// labctl image push and pull: golden disks for other hosts.
#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/bundle/shards.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/store.h"
#include "labctl/host/cache.h"
#include "labctl/host/interrupt.h"
#include "labctl/image/transfer.h"

namespace labctl::cli {
namespace {

struct PushOptions {
  std::string name, destination;
};

struct PullOptions {
  std::string name, source, sha256;
  std::string split;  // a file that names the digest; or `sha256` does
};

image::Progress said_of(const std::string& name) {
  return [name](std::string_view line) { say(fmt::format("labctl: {}: {}", name, line)); };
}

int image_push(const PushOptions& options) {
  const auto paths = host::paths();
  if (!paths) return report_error(paths.error());
  auto image = open_store(*paths).find(options.name);
  if (!image) return report_error(image.error());
  if (auto pushed = image::push(*image, options.destination, said_of(options.name)); !pushed)
    return report_error(pushed.error());
  answer("name", options.name);
  answer("sha256", image->sha256);
  print(fmt::format("{}: sha256 {}\n", options.name, image->sha256));
  return exit_code::passed;
}

// The digest that the image must have.
Result<std::string> wanted(const PullOptions& options) {
  if (!options.sha256.empty()) {
    if (is_sha256(options.sha256)) return options.sha256;
    return input_error(
        fmt::format("--sha256 takes 64 hexadecimal digits, not '{}'", printable(options.sha256, 80)), {},
        "'labctl image list --json' prints it on the host that built the image; or give --split split.json");
  }
  if (options.split.empty())
    return input_error("nothing says which disk is meant", {}, "give --sha256 DIGEST, or --split split.json");
  auto split = bundle::read_split_file(options.split);
  if (!split) return fail(split.error());
  for (const auto& image : split->images)
    if (image.name == options.name) return image.sha256;
  return input_error(fmt::format("the split uses no image '{}'", printable(options.name, 100)),
                     options.split);
}

int image_pull(const PullOptions& options) {
  auto sha256 = wanted(options);
  if (!sha256) return report_error(sha256.error());
  const auto paths = host::paths();
  if (!paths) return report_error(paths.error());
  if (auto own = host::claim_cache(paths->root); !own) return report_error(own.error());
  const host::Interrupt interrupt([] { say("labctl: interrupted: what was fetched is kept"); });
  const image::PullOrder order{options.name, options.source, *sha256};
  const auto fill = [&](const std::filesystem::path& folder) {
    return image::fetch(order, folder, said_of(options.name), interrupt.token());
  };
  auto image = open_store(*paths).adopt(options.name, *sha256, fill);
  if (!image) return report_error(image.error());
  answer("name", options.name);
  answer("sha256", image->sha256);
  print(fmt::format("{}: sha256 {}\n", options.name, image->sha256));
  return exit_code::passed;
}

}  // namespace

void add_image_push(CommandLine& command_line) {
  const auto options = std::make_shared<PushOptions>();
  auto verb = command_line.verb("image push",
                                {.summary = "Copy an image to where other hosts can pull it from",
                                 .group = group::images,
                                 .examples = "labctl image push debian-12-linux-6.12 /shared/images\n"
                                             "labctl image push debian-12-linux-6.12 oci:layout",
                                 .exit_codes = "0    it is there\n"
                                               "2    no such image, not built, or bad usage\n"
                                               "3    it cannot be written, or the disk is damaged"},
                                options, image_push);
  verb.option("NAME", options->name, "The image", {.required = true});
  verb.option("DEST", options->destination, "A folder, or oci:DIR for an OCI image layout",
              {.required = true});
  verb.json();
}

void add_image_pull(CommandLine& command_line) {
  const auto options = std::make_shared<PullOptions>();
  auto verb = command_line.verb(
      "image pull",
      {.summary = "Take an image that another host has built, by its digest",
       .group = group::images,
       .examples =
           "labctl image pull debian-12-linux-6.12 /shared/images --split gate/split.json\n"
           "labctl image pull debian-12-linux-6.12 https://images.example/labctl --split gate/split.json",
       .exit_codes = "0    it is here\n"
                     "2    no such image there, another digest or recipe, or bad usage\n"
                     "3    it cannot be fetched or written\n"
                     "130  interrupted"},
      options, image_pull);
  verb.option("NAME", options->name, "The image", {.required = true});
  verb.option("SOURCE", options->source, "A folder, its http(s) URL, or oci:DIR", {.required = true});
  verb.option("--sha256", options->sha256, "The digest of its disk", {.value = "DIGEST"});
  verb.option("--split", options->split, "A split.json that names the digest",
              {.value = "FILE", .excludes = {"--sha256"}});
  verb.json();
}

}  // namespace labctl::cli
