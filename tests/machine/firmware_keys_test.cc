// Keys in the file of the firmware's variables. The template is the host's own, where it has one; what a
// guest makes of it is shown by tests/live/signed.py.
#include "labctl/machine/qemu/firmware_keys.h"

#include <stdlib.h>

#include "labctl/base/files.h"
#include "tests/catch.h"

using namespace labctl;
using machine::add_keys;
using machine::enroll_keys;
using machine::lists_keys;
using namespace std::string_view_literals;

namespace {

const std::string vendors(800, '1'), next_vendors(1500, '2');
constexpr auto name_of_list = "M\0o\0k\0L\0i\0s\0t\0\0\0"sv;

// As EDK II lays it out: a volume's header of 72 bytes, the store's, and all ones.
std::string store_without_variables(std::uint32_t size = 0x4000) {
  std::string store(72, '\0');
  store.replace(40, 4, "_FVH");
  store[48] = 72;
  store += "\x78\x2c\xf3\xaa\x7b\x94\x9a\x43\xa1\x80\x2e\x14\x4e\xc3\x77\x92"sv;
  for (int i = 0; i < 4; ++i) store += static_cast<char>(size >> (8 * i) & 0xff);
  store += "\x5a\xfe\0\0\0\0\0\0"sv;
  store.resize(72 + size, '\xff');
  return store;
}

// The states of the variables of that name, in their order: 0x3f is one that holds.
std::vector<int> states_of_lists(const std::string& store) {
  std::vector<int> all;
  for (auto at = store.find(name_of_list); at != std::string::npos; at = store.find(name_of_list, at + 1))
    all.push_back(static_cast<unsigned char>(store[at - 58]));
  return all;
}

}  // namespace

TEST_CASE("keys are enrolled once, as a variable that shim believes") {
  const std::string store = store_without_variables();
  const auto changed = add_keys(store, {vendors});
  REQUIRE(changed);
  CHECK(changed->size() == store.size());
  CHECK(lists_keys(*changed, {vendors}));
  CHECK_FALSE(lists_keys(*changed, {vendors, next_vendors}));
  CHECK(changed->substr(100, 8) == "\xaa\x55\x3f\0\3\0\0\0"sv);  // added; non-volatile, not shown at run time
  CHECK(states_of_lists(*changed) == std::vector<int>{0x3f});
  CHECK(add_keys(*changed, {vendors}) == *changed);
  CHECK(add_keys(store, {}) == store);

  const auto both = add_keys(*changed, {next_vendors, vendors});
  REQUIRE(both);
  CHECK(states_of_lists(*both) == std::vector<int>{0x3d, 0x3f});
  const auto last = both->substr(both->rfind(name_of_list));
  CHECK(lists_keys(last, {vendors, next_vendors}));
  CHECK(last.substr(name_of_list.size(), 4) == "\xa1\x59\xc0\xa5"sv);  // X.509
  CHECK(last.substr(name_of_list.size() + 16, 4) == "\x4c\3\0\0"sv);   // 28 + 16 + 800
}

TEST_CASE("what are no variables, or have no room, is refused and not guessed at") {
  const std::string store = store_without_variables(), small = store_without_variables(900);
  CHECK_THAT(add_keys(small, {vendors}).error().what, ContainsSubstring("no room"));
  std::string longer = store, wild = store, lying = store;
  longer[72 + 16 + 2] = 1;               // a store that ends behind the file
  wild.replace(72 + 28, 4, "\1\2\3\4");  // neither a variable nor free
  lying.replace(72 + 28, 44,
                std::string("\xaa\x55\x3f\0", 4) + std::string(40, '\x7f'));  // longer than the store
  for (const auto& bad :
       {std::string(), std::string("installed"), store.substr(0, 90), longer, wild, lying}) {
    const auto refused = add_keys(bad, {vendors});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what == "are not variables as OVMF keeps them");
  }
}

TEST_CASE("the host's own template takes eight of the largest certificates") {
  const auto firmware = machine::find_firmware(Firmware::uefi_secure);
  if (!firmware) return;  // a host without OVMF
  std::string folder = (fs::temp_directory_path() / "labctl-keys-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()));
  const fs::path nvram = fs::path(folder) / "nvram.fd";
  std::vector<std::string> keys;
  for (char each = '1'; each <= '8'; ++each) keys.emplace_back(4096, each);
  REQUIRE(enroll_keys(nvram, *firmware, keys));
  const std::string enrolled = read_file(nvram).value();
  CHECK(enrolled.size() == fs::file_size(firmware->variables));
  CHECK(lists_keys(enrolled, keys));
  REQUIRE(enroll_keys(nvram, *firmware, {keys[3]}));  // what is there stays
  CHECK(read_file(nvram).value() == enrolled);
  REQUIRE(write_file(nvram, "something else"));
  const auto refused = enroll_keys(nvram, *firmware, keys);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().where == nvram.string());
  fs::remove_all(folder);
}
