#include "labctl/executor/open.h"

#include <fmt/core.h>

#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/executor/local.h"
#include "labctl/executor/slurm.h"

namespace labctl::executor {

Result<std::unique_ptr<Executor>> open(const std::string& word) {
  if (word == "local") return local();
  constexpr std::string_view name = "slurm";
  const bool with_partition = word.starts_with("slurm:") && word.size() > name.size() + 1;
  if (word != name && !with_partition)
    return input_error(fmt::format("there is no executor '{}'", printable(word, 60)), {},
                       "give --on local, slurm or slurm:PARTITION");
  for (const char* program : {"sbatch", "squeue", "scancel"})
    if (find_program(program).empty())
      return input_error(fmt::format("the program '{}' is not installed", program), {},
                         "run this on a host from which Slurm is used, or give --on local");
  return slurm(with_partition ? word.substr(name.size() + 1) : std::string());
}

}  // namespace labctl::executor
