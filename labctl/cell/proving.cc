#include "labctl/cell/proving.h"

#include "labctl/yaml/variables.h"

namespace labctl::cell {
namespace {

// The answers to a question that is put of several are found by their names.
Operation of_module(const plan::Cell& cell, const StepId& step, std::string name, const std::string& module,
                    const guest::Files& files, Check check) {
  guest::Question question = guest::system_of(cell.guest.os).loaded(cell.guest, module, files);
  if (cell.guest.driver.modules.size() > 1) name += "-" + module;
  question.name = std::move(name);
  return {
      .wait = Wait::answer, .check = check, .step = step, .question = std::move(question), .subject = module};
}

Operation of_service(const plan::Cell& cell, const StepId& step, const std::string& name,
                     const std::string& unit, Check check) {
  guest::Question question = guest::system_of(cell.guest.os).service(unit);
  question.name = name + "-" + unit;
  return {
      .wait = Wait::answer, .check = check, .step = step, .question = std::move(question), .subject = unit};
}

// All of them in one question: the kernel's list of symbols is long.
void ask_of_bpf(const plan::Cell& cell, const StepId& step, const std::string& name,
                const guest::Files& files, Check check, std::vector<Operation>& all) {
  if (cell.guest.driver.bpf.empty()) return;
  guest::Question question = guest::system_of(cell.guest.os).bpf(cell.guest, files);
  question.name = name;
  all.push_back({.wait = Wait::answer, .check = check, .step = step, .question = std::move(question)});
}

// The first service is the minifilter.
Operation of_filter(const plan::Cell& cell, const StepId& step, Check check) {
  return {.wait = Wait::answer,
          .check = check,
          .step = step,
          .question = guest::system_of(cell.guest.os).filter(cell.guest),
          .subject = cell.guest.driver.modules.front()};
}

// A bare module brings no service: one that is named is its neighbour, which is only blamed. Rules below 2
// know services for nothing else.
std::vector<std::string> proved_services(const plan::Cell& cell, const event::Opened& opened) {
  const auto& driver = cell.guest.driver;
  const bool proved = opened.earned() && driver.kind != scenario::DriverKind::kmod;
  return proved ? driver.services : std::vector<std::string>();
}

std::string digest_of(const event::Opened& opened, const std::string& file) {
  const auto found = opened.payload.find(file);
  return found == opened.payload.end() ? std::string() : found->second;
}

}  // namespace

// A driver that is there before anything is delivered is not the delivered one.
std::vector<Operation> look_before(const plan::Cell& cell, const event::Opened& opened) {
  std::vector<Operation> all;
  if (!opened.earned() || cell.control) return all;
  if (guest::system_of(cell.guest.os).traits().shows_build)
    for (const auto& module : cell.guest.driver.modules)
      all.push_back(of_module(cell, "baseline", "loaded-before", module, {}, Check::before));
  for (const auto& unit : proved_services(cell, opened))
    all.push_back(of_service(cell, "baseline", "service-before", unit, Check::service_before));
  ask_of_bpf(cell, "baseline", "bpf-before", {}, Check::bpf_before, all);
  return all;
}

std::vector<Operation> prove_driver(const plan::Cell& cell, const event::Opened& opened, const StepId& step,
                                    const Installed& installed) {
  const auto& driver = cell.guest.driver;
  const guest::Files files = guest::driver_files(opened.payload, driver, installed.file);
  const bool bare = driver.kind == scenario::DriverKind::kmod;
  std::vector<Operation> all;
  for (std::size_t i = 0; i < driver.modules.size(); ++i) {
    all.push_back(of_module(cell, step, "loaded", driver.modules[i], files, Check::loaded));
    all.back().expected_sha256 = digest_of(opened, bare && i < files.size() ? files[i] : installed.file);
  }
  if (driver.filter && !driver.modules.empty()) {
    all.push_back(of_filter(cell, step, Check::filter));
    all.back().expected_sha256 = digest_of(opened, installed.file);
  }
  for (const auto& unit : proved_services(cell, opened)) {
    all.push_back(of_service(cell, step, "service", unit, Check::service));
    all.back().expected_sha256 = digest_of(opened, installed.file);
    all.back().undisturbed = !installed.early;
  }
  ask_of_bpf(cell, step, "bpf", files, Check::bpf, all);
  if (!all.empty() && all.back().check == Check::bpf)
    all.back().expected_sha256 = digest_of(opened, installed.file);
  for (auto& operation : all) {
    operation.of_payload = true;
    operation.new_driver = installed.is_new;
    operation.may_be_early = installed.early && opened.earned();
    const auto builds = opened.builds.find(guest::builds_key(driver, installed.file, operation.subject));
    if (builds != opened.builds.end()) operation.builds = builds->second;
    if (opened.earned()) operation.limit = limit_of(Work::proof, opened.boot_time);
  }
  return all;
}

std::vector<Operation> prove_absence(const plan::Cell& cell, const event::Opened& opened, const StepId& step,
                                     bool registered) {
  std::vector<Operation> all;
  const auto& modules = cell.guest.driver.modules;
  const bool filter = cell.guest.driver.filter && !modules.empty();
  for (const auto& module : modules) {
    if (filter && registered && module != modules.front()) continue;  // only the filter was unloaded
    all.push_back(
        of_module(cell, step, "loaded", module, {}, filter && registered ? Check::unloaded : Check::absent));
  }
  if (filter) all.push_back(of_filter(cell, step, Check::filter_gone));
  for (const auto& unit : proved_services(cell, opened))
    all.push_back(of_service(cell, step, "service", unit, Check::service_gone));
  ask_of_bpf(cell, step, "bpf", {}, Check::bpf_gone, all);
  return all;
}

std::vector<Operation> load_begins(const plan::Cell& cell, const StepId& step) {
  std::vector<Operation> all;
  int number = 0;
  for (const auto& load : cell.guest.background)
    all.push_back({.wait = Wait::answer,
                   .check = Check::load_begun,
                   .step = step.with("background", Activity::use),
                   .question = guest::system_of(cell.guest.os).begin_load(++number, load.run),
                   .background = load});
  return all;
}

std::vector<Operation> load_lasts(const plan::Cell& cell, const StepId& step) {
  std::vector<Operation> all;
  int number = 0;
  for (const auto& load : cell.guest.background)
    all.push_back({.wait = Wait::answer,
                   .check = Check::load,
                   .step = step,
                   .question = guest::system_of(cell.guest.os).load_state(++number),
                   .background = load});
  return all;
}

std::string driver_file_of(const plan::Cell& cell, const std::string& label) {
  return guest::driver_file(cell.guest.driver, label == cell.driver ? "" : label);
}

std::string content_file_of(const plan::Cell& cell, const std::string& label) {
  const std::string own = label == cell.content ? "" : label;
  const bool folder = cell.guest.content && cell.guest.content->is_folder();
  return folder ? guest::manifest_file(own) : guest::content_file(own);
}

bool may_be_refused(const plan::Cell& cell, const std::string& label) {
  if (label.empty() || label == cell.content) return cell.content_may_be_refused;
  for (const auto& extra : cell.extra_contents)
    if (extra.label == label) return extra.may_be_refused;
  return false;
}

// Packages that build their modules in the guest are called so.
Work installing(const plan::Cell& cell, const std::string& label) {
  const auto says_so = [](const std::string& text) { return text.find("dkms") != std::string::npos; };
  bool builds = cell.guest.driver.kind == scenario::DriverKind::dkms || says_so(cell.guest.driver.install);
  for (const auto& file : plan::given_to(cell))
    if (file.of == plan::Given::Of::driver &&
        (file.label == label || (label == cell.driver && file.label.empty())))
      builds |= says_so(file.path);
  return builds ? Work::build : Work::install;
}

bool names_content(const scenario::Proof& proof) {
  const auto names = [](const std::string& text) { return yaml::names_variable(text, "content."); };
  return names(proof.run) || (proof.prints && names(*proof.prints));
}

}  // namespace labctl::cell
