// machine: one shape for every cell; machines: shapes by label, for the axis.

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/scenario/sections.h"

namespace labctl::scenario {
namespace {

constexpr std::uint64_t mebibyte = 1ull << 20;

Machine read_machine(const Node& node, const std::string& what, Reader& reader) {
  Machine machine;
  if (!reader.map(node, what, {{"vcpus"}, {"memory"}})) return machine;
  if (const Node* vcpus = node.find("vcpus"))
    machine.vcpus = reader.integer(*vcpus, what + ".vcpus", 1, 64).value_or(machine.vcpus);
  if (const Node* memory = node.find("memory"))
    machine.memory =
        reader.size(*memory, what + ".memory", 256 * mebibyte, mebibyte * mebibyte).value_or(machine.memory);
  return machine;
}

// Two labels for one machine would run every cell twice and prove nothing more.
void check_different(const std::vector<Machine>& machines, const Node& node, Reader& reader) {
  for (std::size_t i = 0; i < machines.size(); ++i)
    for (std::size_t k = 0; k < i; ++k) {
      Machine other = machines[k];
      other.name = machines[i].name;
      if (machines[i] != other) continue;
      reader.mistake(
          node.keys[i].mark,
          "machines: " + quoted(machines[i].name) + " is the same machine as " + quoted(machines[k].name),
          "let them differ, or take one away");
      break;
    }
}

}  // namespace

void read_machines(const Node& root, Reader& reader, Scenario& scenario) {
  const Node* one = root.find("machine");
  const Node* several = root.find("machines");
  if (one) scenario.machine = read_machine(*one, "machine", reader);
  if (!several || !reader.names(*several, "machines")) return;
  if (one)
    reader.mistake(one->mark, "machine: there are 'machines' too, and each cell has one of those",
                   "take 'machine' away");
  const std::size_t before = reader.count();
  for (std::size_t i = 0; i < several->items.size(); ++i) {
    const Key& key = several->keys[i];
    check_label(key, "machines", reader);
    Machine machine = read_machine(several->items[i], "machines." + printable(key.text, 60), reader);
    machine.name = key.text;
    scenario.machines.push_back(std::move(machine));
  }
  if (reader.count() == before) check_different(scenario.machines, *several, reader);
}

}  // namespace labctl::scenario
