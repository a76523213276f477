// labctl image import: a disk that somebody else made becomes an image. A Windows that its owner prepared is
// the disk of a recipe that is there; a vendor's Linux cloud image gets a recipe of its own, when the
// vendor's signed list vouches for it.
#include <fmt/core.h>

#include <filesystem>

#include "labctl/base/text.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/host.h"
#include "labctl/cli/output.h"
#include "labctl/cli/store.h"
#include "labctl/gate/images.h"
#include "labctl/host/cache.h"
#include "labctl/image/cloud_image.h"

namespace labctl::cli {
namespace {

struct ImportOptions {
  std::string name, disk;
  std::string sums, signed_by, signature;  // of a Linux: what vouches for the disk
  std::vector<std::string> install;        // files, or with packages_from names
  std::string packages_from;
  bool disks = false;
  HostChoice host;

  bool vouched() const {
    return !sums.empty() || !signed_by.empty() || !signature.empty() || !install.empty() ||
           !packages_from.empty();
  }
};

constexpr const char* import_exit_codes =
    "0    done\n"
    "2    the disk is refused, the image is there already, or bad usage\n"
    "3    the host or the first boot failed\n"
    "130  interrupted";

constexpr const char* linux_usage =
    "labctl image import NAME FILE --sums SHA256SUMS --signed-by KEYRING, with the files that the vendor "
    "publishes";

Error missing_file(const std::string& what, const std::string& file) {
  return {Fault::input, fmt::format("there is no such {}", what), printable(file),
          "check the path, which is relative to the current folder"};
}

Result<std::string> given(const char* what, const std::string& file) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(file, none)) return fail(missing_file(what, file));
  return std::filesystem::absolute(file).string();
}

Status put_package(std::filesystem::path& to, const std::string& file) {
  auto path = given("package", file);
  if (path) {
    to = std::move(*path);
    return {};
  }
  Error error = path.error();
  if (image::is_package_name(file))
    error.hint = "a package's name wants the archive of the image's release: --packages-from FILE.sources";
  return fail(error);
}

// Images of other recipes keep their names, templates too: a scenario would not say which one it means.
Status check_free(const std::string& name, const host::Paths& paths, const image::Store& store) {
  const auto imported = host::imported_folder(paths);
  std::error_code none;
  for (const auto& place : paths.recipes)
    if (place != imported && !name.empty() && std::filesystem::exists(place / name / "image.yaml", none))
      return input_error(fmt::format("'{}' is the name of another recipe", printable(name)),
                         (place / name / "image.yaml").string(), "labctl image import ANOTHER-NAME ...");
  if (!image::is_taken(imported, name)) return {};
  if (const auto recipe = store.recipe(name); recipe && store.state(*recipe) == image::State::built)
    return input_error(fmt::format("the image '{}' exists already", name), {},
                       fmt::format("labctl image rm {}", name));
  return {};
}

Result<image::CloudImageOrder> order_of(const ImportOptions& options) {
  if (options.sums.empty() || options.signed_by.empty())
    return input_error(options.sums.empty() ? "--sums is missing: the vendor's signed list of checksums"
                                            : "--signed-by is missing: the keyring with the vendor's key",
                       {}, linux_usage);
  image::CloudImageOrder order{.name = options.name};
  const auto put = [](std::filesystem::path& to, const char* what, const std::string& file) -> Status {
    auto path = given(what, file);
    if (!path) return fail(path.error());
    to = std::move(*path);
    return {};
  };
  if (auto good = put(order.disk, "disk", options.disk); !good) return fail(good.error());
  if (auto good = put(order.sums.list, "list of checksums", options.sums); !good) return fail(good.error());
  if (auto good = put(order.sums.keyring, "keyring", options.signed_by); !good) return fail(good.error());
  if (!options.signature.empty())
    if (auto good = put(order.sums.signature, "signature", options.signature); !good)
      return fail(good.error());
  if (options.packages_from.empty()) {
    for (const auto& file : options.install)
      if (auto good = put_package(order.install.emplace_back(), file); !good) return fail(good.error());
    return order;
  }
  if (auto good = put(order.packages.sources, "file of package sources", options.packages_from); !good)
    return fail(good.error());
  for (const auto& name : options.install) {
    if (!image::is_package_name(name))
      return input_error(fmt::format("'{}' is not the name of a package", printable(name)), {},
                         "with --packages-from all of --install are names, without it all are files");
    order.packages.names.push_back(name);
  }
  if (order.packages.names.empty())
    return input_error("--packages-from is given, and no package is named", {}, "--install qemu-guest-agent");
  return order;
}

// First what can be known before anything is copied.
Status import_linux(const ImportOptions& options, const gate::Environment& environment,
                    gate::Observer& observer) {
  if (auto free = check_free(options.name, environment.paths, environment.store); !free) return free;
  auto order = order_of(options);
  if (!order) return fail(order.error());
  if (auto own = host::claim_cache(environment.paths.root); !own) return own;
  auto taken = image::take_cloud_image(*order, host::imported_folder(environment.paths),
                                       gate::progress_to(observer), environment.stop);
  if (!taken)
    return because(taken.error(), fmt::format("the image '{}' is not imported", printable(options.name)));
  return {};
}

Status check_windows(const std::string& name, const image::Store& store) {
  const auto recipe = store.recipe(name);
  if (!recipe) {
    Error error = recipe.error();
    error.hint += fmt::format("; to import a Linux cloud image: {}", linux_usage);
    return fail(error);
  }
  if (recipe->os != "windows")
    return input_error(
        fmt::format("'{}' is not a Windows image, and nothing vouches for the disk", name), {},
        fmt::format("{}; or a recipe of your own: docs/how-to/import-a-cloud-image.md", linux_usage));
  // Nobody's disk is taken silently for another's.
  if (store.state(*recipe) == image::State::built)
    return input_error(fmt::format("the image '{}' exists already", name), {},
                       fmt::format("labctl image rm {}", name));
  return {};
}

int image_import(const ImportOptions& options) {
  const auto import = [&](const gate::Environment& environment, gate::Observer& observer) {
    image::BuildInputs inputs;
    if (options.vouched()) {
      if (auto taken = import_linux(options, environment, observer); !taken)
        return report_error(taken.error());
    } else {
      if (auto good = check_windows(options.name, environment.store); !good)
        return report_error(good.error());
      auto disk = given("disk", options.disk);
      if (!disk) return report_error(disk.error());
      inputs.disk = std::move(*disk);
    }
    const gate::BuildOrder order{.images = {{options.name}},
                                 .disks_only = options.disks,
                                 .inputs = std::move(inputs),
                                 .host = options.host.order()};
    auto built = gate::build_images(order, environment, observer);
    if (built) return exit_code::passed;
    const int code = report_error(built.error());
    if (options.vouched())
      say(fmt::format(
          "labctl: the recipe and the vendor's disk are kept: 'labctl image build {}' tries again, "
          "'labctl image rm {}' removes them",
          options.name, options.name));
    return code;
  };
  return on_this_host(options.host, "removing the unfinished import", import);
}

}  // namespace

void add_image_import(CommandLine& command_line) {
  const auto options = std::make_shared<ImportOptions>();
  auto verb = command_line.verb(
      "image import",
      {.summary = "Take a vendor's cloud image or a Windows disk of yours as an image, and see it boot",
       .group = group::images,
       .examples = "labctl image import alma-9 AlmaLinux-9.qcow2 --sums CHECKSUM --signed-by "
                   "RPM-GPG-KEY-AlmaLinux-9\n"
                   "labctl image import windows-server-2022 server-2022.qcow2",
       .exit_codes = import_exit_codes},
      options, image_import);
  verb.option("NAME", options->name,
              "The image that it becomes: a new name, or of a Windows as 'labctl image list' names it",
              {.required = true});
  verb.option("DISK", options->disk,
              "Cloud image, qcow2 or raw, under its vendor's name; or Windows disk prepared with "
              "images/windows/make-fit.ps1 (copied, not modified)",
              {.required = true});
  verb.option("--sums", options->sums,
              "Linux: the vendor's list of SHA-256 or SHA-512 checksums, clear-signed or with its signature "
              "beside it",
              {.value = "FILE"});
  verb.option("--signed-by", options->signed_by,
              "Linux: public keys that may have signed the list, binary or armored", {.value = "KEYRING"});
  verb.option("--signature", options->signature,
              "Linux: the list's detached signature (default: in the list, or LIST.sign, .gpg, .asc, .sig)",
              {.value = "FILE"});
  verb.option("--install", options->install,
              "Linux: a package that the image lacks, such as its guest agent: a .deb or .rpm, or with "
              "--packages-from its name; may be repeated",
              {.value = "PACKAGE"});
  verb.option(
      "--packages-from", options->packages_from,
      "Linux: sources of the image's own release (apt's .sources or .list, dnf's .repo), from which this "
      "host fetches the packages and what they depend on",
      {.value = "FILE"});
  verb.flag("--disks-only", options->disks, "Do not boot it as an image; the first run does");
  options->host.add_to(verb);
  verb.json();
}

}  // namespace labctl::cli
