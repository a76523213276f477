#include "labctl/base/digest.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "labctl/base/files.h"
#include "labctl/base/owned.h"
#include "labctl/base/slow_work.h"

namespace labctl {
namespace {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) {
    // Fetched once: a journal has a digest for each of its lines.
    static const Owned<EVP_MD, EVP_MD_free> algorithm(EVP_MD_fetch(nullptr, "SHA256", nullptr));
    EVP_DigestInit_ex(context_.get(), algorithm.get(), nullptr);
  }
  void add(const void* bytes, std::size_t size) { EVP_DigestUpdate(context_.get(), bytes, size); }
  std::string hex() {
    static constexpr char digits[] = "0123456789abcdef";
    unsigned char raw[32];
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), raw, &size);
    std::string text;
    for (unsigned char c : raw) text += {digits[c >> 4], digits[c & 15]};
    return text;
  }

 private:
  Owned<EVP_MD_CTX, EVP_MD_CTX_free> context_;
};

}  // namespace

std::string sha256(std::string_view bytes) {
  Sha256 digest;
  digest.add(bytes.data(), bytes.size());
  return digest.hex();
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<std::string> sha256_rest(int fd, const std::filesystem::path& path) {
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);  // only advice
  struct stat facts {};
  const bool sized = ::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
  SlowWork work(fmt::format("hashing {}", path.string()),
                sized ? static_cast<std::uint64_t>(facts.st_size) : 0);
  Sha256 digest;
  std::vector<char> block(256u << 10);  // stays in the processor's cache between read and digest
  for (;;) {
    ssize_t got = ::read(fd, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return lab_error(fmt::format("cannot read: {}", std::strerror(errno)), path.string());
    if (got == 0) return digest.hex();
    digest.add(block.data(), static_cast<std::size_t>(got));
    work.done(static_cast<std::uint64_t>(got));
  }
}

Result<std::string> sha256_file(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return lab_error(fmt::format("cannot open: {}", std::strerror(errno)), path.string());
  struct stat facts {};
  if (::fstat(fd.get(), &facts) != 0 || !S_ISREG(facts.st_mode))
    return lab_error("is not a regular file", path.string());  // a device or a pipe has no end
  return sha256_rest(fd.get(), path);
}

}  // namespace labctl
