#include "labctl/image/facts.h"

#include "labctl/base/json.h"

namespace labctl::image {
namespace {

Facts::Machine machine_from(const Json& object) {
  return {.vcpus = static_cast<int>(number_at(object, "vcpus")),
          .memory_mib = number_at(object, "memory_mib"),
          .firmware = text_at(object, "firmware")};
}

}  // namespace

Facts facts_from(const Json& object) {
  if (!object.is_object()) return {};
  return {.json = dump_line(object),
          .sha256 = text_at(object, "sha256"),
          .key = text_at(object, "key"),
          .kernel_release = text_at(object, "kernel_release"),
          .kernel_package = text_at(object, "kernel_package"),
          .kernel_version = text_at(object, "kernel_version"),
          .disk_size = number_at(object, "disk_size"),
          .disk_bytes = number_at(object, "disk_bytes", -1),
          .canary_module = flag_at(object, "canary_module"),
          .notmyfault = flag_at(object, "notmyfault"),
          .stand_in = flag_at(object, "stand_in"),
          .machine = machine_from(object.contains("machine") ? object.at("machine") : Json::object())};
}

Json document_of(const Facts& facts) {
  auto object = parse_json(facts.json, {});
  return object ? std::move(*object) : Json::object();
}

}  // namespace labctl::image
