#include "labctl/symbolize/source_lines.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <sstream>
#include <variant>

#include "labctl/base/files.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/symbolize/windows_image.h"

namespace labctl::symbolize {
namespace {

// Behind a function the kernel counts the padding up to the next one as its own.
constexpr std::uint64_t most_padding = 64;
// Behind the last one of a section, the rest of its page.
constexpr std::uint64_t page = 4096;

struct Symbol {
  std::string name, section;
  std::uint64_t value = 0, size = 0;
};

std::string module_of(const fs::path& file) {
  std::string name = file.filename();
  name = name.substr(0, name.find('.'));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

template <class T>
std::optional<T> number(std::string_view text, int base) {
  T value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string> words(std::string_view line) {
  std::istringstream stream{std::string(line)};
  std::vector<std::string> all;
  for (std::string word; stream >> word;) all.push_back(word);
  return all;
}

Result<std::vector<Symbol>> functions_of(const fs::path& file) {
  std::vector<std::string> sections;
  std::vector<Symbol> symbols;
  bool lines = false;
  // "  [ 1] .text   PROGBITS ..." and "  40: 0000000000000010  82 FUNC LOCAL DEFAULT 1 sensor_equal"
  const auto read = [&](std::string_view line) {
    std::string text(line);
    const auto open = text.find('['), close = text.find(']');
    if (open != std::string::npos && close != std::string::npos && open < 4) {
      const auto index =
          number<std::size_t>(trim(std::string_view(text).substr(open + 1, close - open - 1)), 10);
      const auto rest = words(std::string_view(text).substr(close + 1));
      if (!index || *index > 100'000 || rest.empty()) return;
      if (sections.size() <= *index) sections.resize(*index + 1);
      sections[*index] = rest[0];
      lines |= rest[0] == ".debug_line";
      return;
    }
    const auto columns = words(text);
    if (columns.size() != 8 || columns[3] != "FUNC") return;
    const auto value = number<std::uint64_t>(columns[1], 16);
    const auto size = number<std::uint64_t>(columns[2], 10);
    const auto section = number<std::size_t>(columns[6], 10);
    if (value && size && section && *section < sections.size())
      symbols.push_back({columns[7], sections[*section], *value, *size});
  };
  auto ended = run_ok({.argv = {"readelf", "-SsW", file.string()}, .on_line = read});
  if (!ended) return input_error(fmt::format("is not a module: {}", ended.error().what), file.string());
  if (!lines)
    return input_error("has no debug information", file.string(),
                       "give the module as it was built, before its package stripped it");
  return symbols;
}

// Whether this can be the function that the kernel counted so many bytes of.
bool is_of_size(const Symbol& symbol, std::uint64_t size, const std::vector<Symbol>& all) {
  const bool last = std::none_of(all.begin(), all.end(), [&](const Symbol& other) {
    return other.section == symbol.section && other.value > symbol.value;
  });
  return symbol.size <= size && size - symbol.size < (last ? page : most_padding);
}

// "sensor_equal at a.c:1, in sensor_match at a.c:9": pairs of lines, the innermost first.
Result<std::string> look_up(const fs::path& file, const Symbol& symbol, std::uint64_t offset) {
  std::ostringstream address;
  address << "0x" << std::hex << symbol.value + offset;
  auto told =
      run_ok({.argv = {"addr2line", "-f", "-i", "-e", file.string(), "-j", symbol.section, address.str()}});
  if (!told) return fail(told.error());
  std::string text;
  const auto lines = split(*told, '\n');
  for (std::size_t i = 0; i + 1 < lines.size(); i += 2)
    text += fmt::format("{}{} at {}", i == 0 ? "" : ", in ", lines[i],
                        lines[i + 1].substr(0, lines[i + 1].find(" (disc")));
  return text;
}

struct LinuxModule {
  fs::path file;
  std::vector<Symbol> functions;
};
using Module = std::variant<LinuxModule, WindowsImage>;

// Windows has no case, and its drivers' names keep their ending.
std::string key_of(std::string module) {
  if (!module.ends_with(".sys")) return module;
  std::transform(module.begin(), module.end(), module.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return module;
}

Result<Module> read_module(const fs::path& file) {
  if (is_windows_image(file)) {
    auto image = read_windows_image(file);
    if (!image) return fail(image.error());
    return Module(std::move(*image));
  }
  auto functions = functions_of(file);
  if (!functions) return fail(functions.error());
  return Module(LinuxModule{file, std::move(*functions)});
}

Result<std::map<std::string, Module>> read_modules(const std::vector<fs::path>& debug_files) {
  std::map<std::string, Module> modules;
  for (const auto& file : debug_files) {
    std::error_code problem;
    if (!fs::is_regular_file(file, problem)) return input_error("there is no such debug file", file.string());
    auto module = read_module(fs::absolute(file, problem));
    if (!module) return fail(module.error());
    const bool windows = std::holds_alternative<WindowsImage>(*module);
    const std::string key = windows ? key_of(file.stem().string() + ".sys") : module_of(file);
    modules.insert_or_assign(key, std::move(*module));
  }
  return modules;
}

// A call returns behind itself.
std::uint64_t call_of(const crash::ModuleFrame& frame) {
  return frame.offset - (frame.exact || frame.offset == 0 ? 0 : 1);
}

Result<std::string> place_of(const crash::ModuleFrame& frame, const LinuxModule& module) {
  const auto& functions = module.functions;
  const auto symbol = std::find_if(functions.begin(), functions.end(), [&](const Symbol& one) {
    return one.name == frame.function && is_of_size(one, frame.size, functions);
  });
  if (symbol == functions.end())
    return input_error(
        fmt::format("has no function '{}' of this size: it is another build of the module", frame.function),
        module.file.string(), "give the very module that crashed, with its debug information");
  return look_up(module.file, *symbol, call_of(frame));
}

}  // namespace

Result<std::vector<std::string>> source_lines(const std::vector<crash::ModuleFrame>& frames,
                                              const std::vector<fs::path>& debug_files) {
  const auto modules = read_modules(debug_files);
  if (!modules) return fail(modules.error());
  std::vector<std::string> lines;
  for (const auto& frame : frames) {
    const auto module = modules->find(key_of(frame.module));
    if (module == modules->end()) {
      lines.push_back(frame.text());
      continue;
    }
    const auto* image = std::get_if<WindowsImage>(&module->second);
    auto place =
        image ? place_in(*image, call_of(frame)) : place_of(frame, std::get<LinuxModule>(module->second));
    if (!place) return fail(place.error());
    lines.push_back(place->empty() ? frame.text() : frame.text() + ": " + *place);
  }
  return lines;
}

}  // namespace labctl::symbolize
