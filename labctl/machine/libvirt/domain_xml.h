// A Spec as libvirt reads it. Pure: the same values give the same bytes, and tests compare them with golden
// files.
#pragma once

#include <filesystem>
#include <string>

#include "labctl/machine/machine.h"

namespace labctl::machine {

// What differs between two machines of one definition, and what the host decides.
struct DomainPlace {
  std::string uuid;
  std::string generation;          // vmgenid: a fresh one makes a restored Linux reseed its random numbers
  std::string machine_type;        // versioned
  std::filesystem::path emulator;  // empty: libvirt's choice
  std::filesystem::path sockets;   // where the console and agent sockets go; empty: libvirt's choice
  std::filesystem::path firmware = {};  // UEFI: the code
  std::string virtualization = {};      // what the host's CPU calls it: "vmx", "svm"; empty: it has none
};

std::string domain_xml(const Spec& spec, const DomainPlace& place);

// Where the guest agent is spoken to, when `sockets` says that it is done without libvirt (agent_channel.h).
std::filesystem::path agent_socket(const DomainPlace& place);

// The port that libvirt gave to the screen, read from a running guest's definition; 0 when there is none.
int vnc_port(const std::string& definition);

// The terminal of the serial console, read from there as well.
std::filesystem::path terminal(const std::string& definition);

// The CD-ROM drive alone, for changing its medium; an empty path is an empty drive.
std::string cd_xml(const std::string& machine_type, const std::filesystem::path& iso);

// The host's machine type as this shape needs it. UEFI wants q35: only that chipset can guard the flash for
// Secure Boot, and behind OVMF on i440fx Linux finds no CD drive on the IDE bus.
std::string machine_type_for(const Shape& shape, const std::string& host_type);

// Equal exactly when a live snapshot fits: everything in the definition but names, paths and memory size.
std::string definition_fingerprint(Accel accel, const std::string& machine_type);

}  // namespace labctl::machine
