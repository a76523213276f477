#include "labctl/machine/qemu/firmware_keys.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "labctl/base/files.h"

namespace labctl::machine {
namespace {

using namespace std::string_view_literals;

// EDK II, MdePkg/Include/Pi/PiFirmwareVolume.h and MdeModulePkg/Include/Guid/VariableFormat.h: a firmware
// volume with one store of variables that may be authenticated, one behind the other until the first that is
// all ones. GUIDs as they lie in the file; numbers are little-endian.
constexpr std::size_t signature_at = 40, header_length_at = 48, volume_header = 56;
constexpr std::string_view volume_signature = "_FVH";
constexpr std::string_view store_guid = "\x78\x2c\xf3\xaa\x7b\x94\x9a\x43\xa1\x80\x2e\x14\x4e\xc3\x77\x92"sv;
constexpr std::size_t store_header = 28, store_size_at = 16;
constexpr std::size_t variable_header = 60, state_at = 2, name_size_at = 36, data_size_at = 40, owner_at = 44;
constexpr std::uint32_t variable_start = 0x55aa;
constexpr unsigned char added = 0x3f, deleted = 0x3d;
constexpr std::uint32_t kept_and_not_shown = 3;  // non-volatile, for boot services: shim takes no other
constexpr char unused = '\xff';

// shim's own GUID, by which its variables go, and its list's name in UTF-16.
constexpr std::string_view shim_guid = "\x50\xab\x5d\x60\x46\xe0\x00\x43\xab\xb6\x3d\xd8\x10\xdd\x8b\x23"sv;
constexpr std::string_view list_name = "M\0o\0k\0L\0i\0s\0t\0\0\0"sv;
// UEFI's EFI_CERT_X509_GUID: what a list of signatures is of.
constexpr std::string_view x509_guid = "\xa1\x59\xc0\xa5\xe4\x94\xa7\x4a\x87\xb5\xab\x15\x5c\x2b\xf0\x72"sv;

std::size_t value_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return value;
}

std::string bytes_of(std::uint64_t value, std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

std::size_t aligned(std::size_t at) { return (at + 3) & ~std::size_t(3); }

// Where the variables are: from the first one to the end of their room. Nothing: it is no such store.
struct Area {
  std::size_t begin = 0, end = 0;
};
std::optional<Area> area_of(std::string_view store) {
  if (store.size() < volume_header || store.substr(signature_at, 4) != volume_signature) return std::nullopt;
  const std::size_t at = value_at(store, header_length_at, 2);
  if (at < volume_header || at + store_header > store.size()) return std::nullopt;
  if (store.substr(at, store_guid.size()) != store_guid) return std::nullopt;
  const Area area{at + store_header, at + value_at(store, at + store_size_at, 4)};
  if (area.end < area.begin || area.end > store.size()) return std::nullopt;
  return area;
}

// The list that holds, and where the next variable can be written.
struct Found {
  std::size_t list = 0;  // of its header; 0: there is none
  std::string data;
  std::size_t free = 0;
};
std::optional<Found> look_through(std::string_view store, const Area& area) {
  Found found;
  std::size_t at = area.begin;
  while (at + variable_header <= area.end && value_at(store, at, 2) == variable_start) {
    const std::size_t name = value_at(store, at + name_size_at, 4),
                      data = value_at(store, at + data_size_at, 4);
    const std::size_t room = area.end - at - variable_header;
    if (name > room || data > room - name) return std::nullopt;
    const std::size_t body = at + variable_header;
    if (static_cast<unsigned char>(store[at + state_at]) == added &&
        store.substr(at + owner_at, shim_guid.size()) == shim_guid && store.substr(body, name) == list_name) {
      found.list = at;
      found.data = store.substr(body + name, data);
    }
    at = aligned(body + name + data);
  }
  if (at > area.end) return std::nullopt;
  const auto rest = store.substr(at, area.end - at);
  if (rest.find_first_not_of(unused) != std::string_view::npos) return std::nullopt;
  found.free = at;
  return found;
}

// EFI_SIGNATURE_LIST with one EFI_SIGNATURE_DATA.
std::string signature_list(const std::string& certificate) {
  const std::size_t size = shim_guid.size() + certificate.size();
  std::string list(x509_guid);
  list += bytes_of(28 + size, 4) + bytes_of(0, 4) + bytes_of(size, 4);
  list.append(shim_guid).append(certificate);
  return list;
}

std::string variable(const std::string& data) {
  std::string bytes =
      bytes_of(variable_start, 2) + bytes_of(added, 1) + bytes_of(0, 1) + bytes_of(kept_and_not_shown, 4);
  bytes += std::string(8 + 16 + 4, '\0');  // no count, no time, no key: it is not authenticated
  bytes += bytes_of(list_name.size(), 4) + bytes_of(data.size(), 4);
  bytes.append(shim_guid).append(list_name).append(data);
  return bytes;
}

}  // namespace

bool lists_keys(std::string_view list, const std::vector<std::string>& certificates) {
  return std::all_of(certificates.begin(), certificates.end(), [&](const auto& certificate) {
    return list.find(certificate) != std::string_view::npos;
  });
}

Result<std::string> add_keys(std::string store, const std::vector<std::string>& certificates) {
  const auto area = area_of(store);
  const auto found = area ? look_through(store, *area) : std::nullopt;
  if (!found) return lab_error("are not variables as OVMF keeps them");
  std::string data = found->data;
  for (const auto& certificate : certificates)
    if (!lists_keys(data, {certificate})) data += signature_list(certificate);
  if (data == found->data) return store;
  const std::string list = variable(data);
  if (list.size() > area->end - found->free) return lab_error("have no room for the machine's keys");
  if (found->list != 0) store[found->list + state_at] = static_cast<char>(deleted);
  store.replace(found->free, list.size(), list);
  return store;
}

Status enroll_keys(const fs::path& nvram, const FirmwareFiles& firmware,
                   const std::vector<std::string>& certificates) {
  std::error_code ignored;
  const fs::path from = fs::exists(nvram, ignored) ? nvram : firmware.variables;
  auto store = read_file(from);
  if (!store) return because(store.error(), "the firmware's variables cannot be read");
  auto changed = add_keys(std::move(*store), certificates);
  if (!changed)
    return lab_error("the firmware's variables " + changed.error().what, from.string(),
                     "the machine's keys are enrolled in OVMF's: apt-get install ovmf");
  return write_file(nvram, *changed);
}

}  // namespace labctl::machine
