#include "labctl/guest/debug.h"

#include <fmt/core.h>

#include <charconv>

#include "labctl/base/text.h"
#include "labctl/guest/script.h"

namespace labctl::guest {
namespace {

constexpr std::size_t most_modules = 64, most_sections = 64;
constexpr std::uint64_t linked_text = 0xffffffff81000000;  // _text of an x86-64 kernel that was not moved

bool is_word(std::string_view text, std::string_view more) {
  if (text.empty() || text.size() > 200) return false;
  for (const char c : text)
    if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
        more.find(c) == std::string_view::npos)
      return false;
  return true;
}

std::uint64_t address(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return problem == std::errc() && end == text.data() + text.size() ? value : 0;
}

std::string hex(std::uint64_t value) {
  char digits[17] = {};
  const auto [end, problem] = std::to_chars(digits, digits + 16, value, 16);
  return "0x" + std::string(digits, end);
}

LoadedModule read_module(const std::vector<std::string>& words) {
  LoadedModule module;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
    if (key == "module" && is_word(value, "_-")) module.name = value;
    if (key == "file" && is_word(value, "_-./+")) module.file = value;
    if (key.starts_with(".") && is_word(key, "._-") && address(value) != 0 &&
        module.sections.size() < most_sections)
      module.sections[key] = address(value);
  }
  return module;
}

std::string symbols_of(const LoadedModule& module) {
  const auto text = module.sections.find(".text");
  if (text == module.sections.end()) return {};
  std::string line = fmt::format("# {} in the guest\n", module.file.empty() ? module.name : module.file);
  // Of a section that has an address of its own, as a kernel's script gives .data, gdb takes it that all
  // have, and puts one function over another.
  line += fmt::format(
      "# make it of the module as it was built: objcopy --change-section-address '*=0' BUILT.ko {}.ko\n",
      module.name);
  line += fmt::format("add-symbol-file {}.ko {}", module.name, hex(text->second));
  // Without these gdb finds functions and no variables.
  for (const char* name : {".init.text", ".exit.text", ".rodata", ".data", ".bss"})
    if (const auto section = module.sections.find(name); section != module.sections.end())
      line += std::string(" -s ") + name + " " + hex(section->second);
  return line + "\n";
}

}  // namespace

Question loaded_addresses() { return {"loaded-addresses", std::string(scripts::loaded_addresses_sh)}; }

Question console_shell() { return {"console-shell", std::string(scripts::console_shell_sh)}; }

Loaded read_loaded(std::string_view output) {
  Loaded loaded;
  for (const auto& line : split(output, '\n')) {
    if (line.starts_with("release=") && is_word(line.substr(8), "_-.+")) loaded.release = line.substr(8);
    if (line.starts_with("text=")) loaded.text = address(line.substr(5));
    if (!line.starts_with("module=") || loaded.modules.size() >= most_modules) continue;
    if (auto module = read_module(split(line, ' ')); !module.name.empty() && !module.sections.empty())
      loaded.modules.push_back(std::move(module));
  }
  return loaded;
}

std::string gdb_lines(const Loaded& loaded, const std::string& kernel_symbols, int port) {
  std::string text;
  const std::string moved = hex(loaded.text - linked_text);
  if (loaded.text == 0)
    text += "# the guest did not report where its kernel is\n";
  else if (kernel_symbols.empty())
    text += fmt::format(
        "# the kernel's symbols are not on this host: apt-get install linux-image-{}-dbg\n# then: "
        "symbol-file -o {} {}\n",
        loaded.release, moved, kernel_symbol_files(loaded.release).front());
  else
    text += fmt::format("symbol-file -o {} {}\n", moved, kernel_symbols);
  if (loaded.modules.empty()) text += "# no module of the candidate's is loaded yet: ask again with .gdb\n";
  for (const auto& module : loaded.modules) text += symbols_of(module);
  return fmt::format("{}target remote 127.0.0.1:{}\n", text, port);
}

std::vector<std::string> kernel_symbol_files(const std::string& release) {
  return {"/usr/lib/debug/boot/vmlinux-" + release, "/usr/lib/debug/lib/modules/" + release + "/vmlinux"};
}

}  // namespace labctl::guest
