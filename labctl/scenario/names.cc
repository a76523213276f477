#include "labctl/scenario/names.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "labctl/base/text.h"

namespace labctl::scenario {
namespace {

constexpr std::size_t longest_glob = 200, longest_guest_path = 1024;
constexpr std::size_t longest_slug = 64, longest_model = 60, longest_module = 55, longest_service = 80,
                      longest_option = 200;

// Letters, digits and these, whatever the locale is.
bool consists_of(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) || others.find(static_cast<char>(c)) != others.npos);
  });
}

// The names on the way to a file, without "." and what ".." takes back.
std::vector<std::string> steps_to(std::string_view path) {
  std::vector<std::string> steps;
  if (path.starts_with('/')) steps.emplace_back();
  for (auto& part : split(path, '/')) {
    const bool back = part == "..";
    if (part.empty() || part == ".") continue;
    if (!back || steps.empty() || steps.back() == "..")
      steps.push_back(std::move(part));
    else if (!steps.back().empty())
      steps.pop_back();
  }
  return steps;
}

}  // namespace

bool is_one_line(std::string_view text) {
  const bool plain =
      std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  return plain && text.find_first_not_of(' ') != text.npos;
}

bool is_label(std::string_view text, std::size_t longest) {
  const auto word = [](char c) { return consists_of({&c, 1}, "_"); };
  return !text.empty() && text.size() <= longest && word(text.front()) && word(text.back()) &&
         consists_of(text, "_.-");
}

bool is_cell_glob(std::string_view text) {
  return text.size() <= longest_glob &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-*?") == text.npos;
}

bool is_slug(std::string_view text) {
  if (text.empty() || text.size() > longest_slug) return false;
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (word(text[i])) continue;
    const bool between = i > 0 && i + 1 < text.size() && word(text[i - 1]) && word(text[i + 1]);
    if ((text[i] != '.' && text[i] != '-') || !between) return false;
  }
  return true;
}

bool is_cpu_model(std::string_view text) {
  return !text.empty() && text.size() <= longest_model && text.front() != '-' && consists_of(text, "-_.");
}

bool is_module_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_module && consists_of(text, "_");
}

bool is_service_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_service && text.front() != '-' && consists_of(text, "_-.");
}

bool is_altitude(std::string_view text) {
  const auto point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point == text.npos ? "0" : text.substr(point + 1);
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.size() <= 20 && part.find_first_not_of("0123456789") == part.npos;
  };
  return digits(whole) && digits(fraction);
}

bool is_volume(std::string_view text) {
  if (text.size() == 2) return std::isupper(static_cast<unsigned char>(text[0])) && text[1] == ':';
  return text.starts_with("\\Device\\") && text.size() <= 120 && is_one_line(text) &&
         text.find_first_of("@| ") == text.npos;
}

bool is_unit_name(std::string_view text) {
  constexpr std::string_view types[] = {".service", ".socket", ".timer", ".path",  ".mount", ".automount",
                                        ".target",  ".swap",   ".slice", ".scope", ".device"};
  const auto suffix = std::find_if(std::begin(types), std::end(types), [&](std::string_view type) {
    return text.size() > type.size() && text.ends_with(type);
  });
  return suffix != std::end(types) && text.size() <= longest_service && text.front() != '-' &&
         consists_of(text, "_-.:@\\");
}

bool is_bpf_name(std::string_view text) {
  constexpr std::size_t longest = 59;  // of what a guest's answer can name
  return !text.empty() && text.size() <= longest && consists_of(text, "_.");
}

bool is_module_option(std::string_view text) {
  const std::string_view name = text.substr(0, text.find('='));
  return !name.empty() && consists_of(name, "_-.") && text.find_first_of("\n\t") == text.npos;
}

bool is_kernel_release(std::string_view text) {
  constexpr std::size_t longest = 64;  // of the kernel's own name for it
  return !text.empty() && text.size() <= longest && text.front() >= '0' && text.front() <= '9' &&
         consists_of(text, "_-.+~");
}

bool is_kernel_option(std::string_view text) {
  return !text.empty() && text.size() <= longest_option && text.front() != '-' && text.front() != '=' &&
         consists_of(text, "_-.=,:/+@%");
}

bool is_labs_kernel_option(std::string_view name) {
  constexpr std::string_view theirs[] = {"console",    "earlyprintk", "root",   "rootfstype", "ro",
                                         "rw",         "init",        "rdinit", "initrd",     "loglevel",
                                         "quiet",      "debug",       "single", "emergency",  "systemd",
                                         "netconsole", "panic",       "printk"};
  const std::string_view first = name.substr(0, name.find('.'));
  return std::find(std::begin(theirs), std::end(theirs), first) != std::end(theirs);
}

bool is_service_start(std::string_view text) { return text == "boot" || text == "system" || text == "auto"; }

bool is_package_file(std::string_view text) {
  return is_one_line(text) && text.find_first_of("/\\:*?\"<>|'") == text.npos;
}

bool is_update_package(std::string_view path) {
  return is_one_line(path) && path.size() > 4 && (path.ends_with(".deb") || path.ends_with(".rpm"));
}

bool same_file(std::string_view a, std::string_view b) { return steps_to(a) == steps_to(b); }

bool is_file_of_folder(std::string_view path) {
  constexpr std::size_t longest = 1000;
  if (!is_one_line(path) || path.size() > longest || path.find('\\') != path.npos) return false;
  const auto parts = split(path, '/');
  return std::none_of(parts.begin(), parts.end(),
                      [](const std::string& part) { return part.empty() || part == "." || part == ".."; });
}

std::string fault_of_content_path(std::string_view path, bool windows) {
  if (!windows && path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return fault_of_guest_path(path, windows);
}

std::string fault_of_guest_path(std::string_view path, bool windows) {
  const std::string slash(1, windows ? '\\' : '/');
  const bool absolute = windows ? path.size() > 3 && std::isalpha(static_cast<unsigned char>(path[0])) &&
                                      path.substr(1, 2) == ":\\"
                                : path.starts_with('/');
  if (!absolute) return "is not an absolute path in the guest";
  if (windows && path.find_first_of("/*?\"<>|", 2) != path.npos) return "holds what no path of Windows can";
  if (path.ends_with(slash) || path.ends_with(slash + ".")) return "is a directory, a file is wanted";
  if ((std::string(path) + slash).find(slash + ".." + slash) != path.npos) return "must not contain '..'";
  if (path.size() > longest_guest_path) return "is longer than 1024 bytes";
  return {};
}

}  // namespace labctl::scenario
