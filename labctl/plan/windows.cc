#include "labctl/plan/windows.h"

#include "labctl/base/json.h"
#include "labctl/scenario/names.h"

namespace labctl::plan {
namespace {

using scenario::Verifier;

constexpr Verifier verifiers[] = {Verifier::off, Verifier::standard, Verifier::low_resources,
                                  Verifier::code_integrity, Verifier::full};

scenario::Filter read_filter(JsonObject in) {
  scenario::Filter filter{.altitude = in.text("altitude"), .volume = in.text("volume")};
  if (!scenario::is_altitude(filter.altitude)) in.wrong("altitude: not a minifilter's");
  if (!scenario::is_volume(filter.volume)) in.wrong("volume: not a volume");
  if (in.has("beside")) filter.beside = in.texts("beside");
  for (const auto& name : filter.beside)
    if (!scenario::is_service_name(name)) in.wrong("beside: not a filter's name");
  return filter;
}

}  // namespace

void add_windows(Json& json, const scenario::Guest& guest) {
  json["verifier"] = to_string(guest.verifier);
  json["driver"]["start"] = guest.driver.start;
  json["driver"]["certificate"] = guest.driver.certificate;
  if (!guest.driver.filter) return;  // there only when there is something to say
  Json filter{{"altitude", guest.driver.filter->altitude}, {"volume", guest.driver.filter->volume}};
  if (!guest.driver.filter->beside.empty()) filter["beside"] = guest.driver.filter->beside;
  json["driver"]["filter"] = std::move(filter);
}

void read_windows(JsonObject& in, JsonObject& driver, scenario::Guest& guest) {
  guest.verifier = in.kind("verifier", verifiers);
  guest.driver.start = driver.text("start");
  guest.driver.certificate = driver.text("certificate");
  const auto& certificate = guest.driver.certificate;
  if (!certificate.empty() && !scenario::is_package_file(certificate))
    driver.wrong("certificate: not a file's name");
  if (driver.has("filter")) guest.driver.filter = read_filter(driver.object("filter"));
}

}  // namespace labctl::plan
