// How this room writes a definition. Internal to libvirt/.
#pragma once

#include <initializer_list>
#include <pugixml.hpp>
#include <string>
#include <utility>

namespace labctl::machine {

inline pugi::xml_node child(pugi::xml_node parent, const char* name,
                            std::initializer_list<std::pair<const char*, std::string>> attributes = {}) {
  pugi::xml_node made = parent.append_child(name);
  for (const auto& [key, value] : attributes) made.append_attribute(key) = value.c_str();
  return made;
}

// What libvirt cannot say is passed to QEMU directly, word by word.
inline void command_line(pugi::xml_node domain, std::initializer_list<std::string> words) {
  pugi::xml_node line = domain.child("qemu:commandline");
  if (!line) {
    domain.append_attribute("xmlns:qemu") = "http://libvirt.org/schemas/domain/qemu/1.0";
    line = child(domain, "qemu:commandline");
  }
  for (const std::string& word : words) child(line, "qemu:arg", {{"value", word}});
}

}  // namespace labctl::machine
