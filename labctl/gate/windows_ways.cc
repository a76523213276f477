// How drivers are taken into a Windows that is to be proved, as scenarios.

#include <fmt/core.h>

#include <filesystem>

#include "labctl/base/json.h"
#include "labctl/gate/windows_proof.h"

namespace labctl::gate {
namespace {

namespace fs = std::filesystem;

struct Kind {
  const char* way;
  const char* end;  // of the file's name
};
constexpr Kind kinds[] = {
    {"service", ".sys"}, {"boot-start", ".sys"}, {"script", ".sys"}, {"inf", ".zip"}, {"msi", ".msi"}};

std::string end_of(const std::string& file) {
  std::string end = fs::path(file).extension().string();
  for (char& c : end) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return end;
}

Json driver_json(const WindowsProofOrder& order, const WindowsWay& way) {
  const std::string service = order.service.empty() ? fs::path(way.file).stem().string() : order.service;
  Json driver{{"service", service}};
  if (way.way == "inf" || way.way == "msi" || way.way == "script") driver["kind"] = way.way;
  if (way.way == "service" || way.way == "crash" || way.way == "boot-start") driver["kind"] = "service";
  if (way.way == "boot-start") driver["start"] = "boot";
  if (way.way == "inf" && !order.certificate.empty()) driver["certificate"] = order.certificate;
  if (way.way == "script") {
    const std::string there = "C:\\Windows\\System32\\drivers\\" + service + ".sys";
    driver["install"] = fmt::format(
        "Copy-Item $env:LABCTL_DRIVER {0}\nsc.exe create {1} type= kernel start= auto binPath= {0}\n"
        "sc.exe start {1}\n",
        there, service);
    driver["remove"] = fmt::format("sc.exe delete {}", service);
  }
  return driver;
}

}  // namespace

Result<std::vector<WindowsWay>> windows_ways(const WindowsProofOrder& order) {
  std::vector<WindowsWay> ways;
  const auto known = [](const std::string& file) {
    for (const Kind& kind : kinds)
      if (end_of(file) == kind.end) return true;
    return false;
  };
  for (const auto& file : order.drivers)
    if (!known(file))
      return input_error(fmt::format("'{}' is not a driver that can be taken into a Windows", file), {},
                         "a .sys, a .zip with an INF's package, or an .msi");
  for (const auto& file : order.crashing)
    if (end_of(file) != ".sys")
      return input_error(fmt::format("'{}' is not a .sys file, and is to crash as a service", file));
  for (const Kind& kind : kinds) {
    bool given = false;
    for (const auto& file : order.drivers)
      if (end_of(file) == kind.end) {
        ways.push_back({kind.way, file});
        given = true;
      }
    if (!given) ways.push_back({kind.way, {}});
  }
  for (const auto& file : order.crashing) ways.push_back({"crash", file, true});
  if (order.crashing.empty()) ways.push_back({"crash", {}, true});
  return ways;
}

// A path as a scenario's text, where ${x} is a variable.
static std::string literal(std::string path) {
  for (auto at = path.find("${"); at != path.npos; at = path.find("${", at + 3)) path.insert(at, 1, '$');
  return path;
}

std::string windows_scenario(const WindowsProofOrder& order, const WindowsWay& way, const std::string& file,
                             const machine::Shape& shape) {
  const Json story = way.should_crash ? Json{"install driver", "reboot"}
                                      : Json{"install driver", "reboot", "remove driver", "reboot"};
  const Json scenario{{"labctl", 1},
                      {"name", "prove-" + way.way},
                      {"candidate", {{"driver", {{"candidate", literal(file)}}}}},
                      {"matrix", {{"image", {order.image}}, {"driver", {"candidate"}}}},
                      {"machine",
                       {{"vcpus", shape.vcpus},
                        {"memory", std::to_string(shape.memory >> 20) + "MiB"},
                        {"firmware", to_string(shape.firmware)}}},
                      {"guest", {{"windows", {{"driver", driver_json(order, way)}}}}},
                      {"story", story},
                      {"settle", "5s"}};
  return "# Made by 'labctl prove-windows'; JSON is YAML as well.\n" + dump_pretty(scenario) + "\n";
}

}  // namespace labctl::gate
