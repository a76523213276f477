// What a guest's PC may have, as a scenario asks for it and a hypervisor is given it.
#pragma once

namespace labctl {

enum class Firmware { bios, uefi, uefi_secure };
enum class DiskBus { virtio, sata, nvme };

inline constexpr Firmware all_firmware[] = {Firmware::bios, Firmware::uefi, Firmware::uefi_secure};
inline constexpr DiskBus all_disk_buses[] = {DiskBus::virtio, DiskBus::sata, DiskBus::nvme};

// A scenario's words, which stand in names of files and in documents as well.
const char* to_string(Firmware firmware);  // "uefi-secure"
const char* to_string(DiskBus disk);

}  // namespace labctl
