#include "labctl/guest/prepare.h"

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/guest/script.h"

namespace labctl::guest {

std::vector<std::string> prepare_commands(const std::vector<std::string>& cmdline, bool grow) {
  std::vector<std::string> commands;
  if (!cmdline.empty())
    commands.push_back(shell_script({{"options", join(cmdline, " ")}}, scripts::set_cmdline_sh));
  if (grow) commands.emplace_back(scripts::grow_root_sh);
  return commands;
}

std::string root_size_command() { return "echo root_mib=$(df -Pm / | awk 'NR == 2 { print $2 }')"; }

// In one line, because base64 is read strictly. Earlier kernels show the firmware's variable alone, behind
// the four bytes of its attributes, which are cut off.
std::string trusted_keys_command() {
  return "list=/sys/firmware/efi/mok-variables/MokListRT "
         "variable=/sys/firmware/efi/efivars/MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23\n"
         "if [ -r $list ]; then base64 -w 0 $list; elif [ -r $variable ]; then tail -c +5 $variable | base64 "
         "-w 0; fi";
}

std::string lacking_option(std::string_view cmdline, const std::vector<std::string>& options) {
  const auto words = split(trim(cmdline), ' ');
  for (const auto& option : options)
    if (std::find(words.begin(), words.end(), option) == words.end()) return option;
  return {};
}

}  // namespace labctl::guest
