#include "labctl/attest/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstring>

#include "labctl/base/digest.h"
#include "labctl/base/owned.h"

namespace labctl::attest {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;
using Bio = Owned<BIO, BIO_free>;
using DigestContext = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;

Key own(EVP_PKEY* key) { return {key, EVP_PKEY_free}; }

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// The passphrase for OpenSSL, and whether it was asked for. Without a callback OpenSSL would ask the
// terminal.
struct Asked {
  const std::optional<std::string>& passphrase;
  bool asked = false;
};
int tell_passphrase(char* buffer, int size, int, void* context) {
  auto* asked = static_cast<Asked*>(context);
  asked->asked = true;
  if (!asked->passphrase || asked->passphrase->size() > static_cast<std::size_t>(size)) return -1;
  std::memcpy(buffer, asked->passphrase->data(), asked->passphrase->size());
  return static_cast<int>(asked->passphrase->size());
}

// How many blocks of a kind stand in the text: two keys in one file leave open which is meant.
int blocks(std::string_view pem, std::string_view ending) {
  constexpr std::string_view begin = "-----BEGIN ";
  int count = 0;
  for (auto at = pem.find(begin); at != std::string_view::npos; at = pem.find(begin, at + 1)) {
    const auto line = pem.substr(at, pem.find('\n', at) - at);
    const auto label = line.substr(0, line.rfind("-----"));
    count += label.size() > begin.size() && label.ends_with(ending);
  }
  return count;
}

std::optional<KeyType> type_of(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519") == 1) return KeyType::ed25519;
  char curve[64] = "", encoding[64] = "";
  if (EVP_PKEY_is_a(key, "EC") != 1 ||
      EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof curve, nullptr) != 1 ||
      EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, encoding, sizeof encoding, nullptr) !=
          1)
    return std::nullopt;
  // Parameters written out instead of named may describe a curve of somebody's own making.
  if (std::strcmp(curve, "prime256v1") != 0 || std::strcmp(encoding, OSSL_PKEY_EC_ENCODING_GROUP) != 0)
    return std::nullopt;
  return KeyType::p256;
}

// The digest of the key itself, however its file spells it.
std::string id_of(EVP_PKEY* key, KeyType type) {
  if (type == KeyType::p256)
    EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                   OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED);
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return {};
  std::string id = sha256({reinterpret_cast<char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return id;
}

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

// What OpenSSL left in its queue belongs to nobody else.
struct CleanErrors {
  CleanErrors() { ERR_clear_error(); }
  ~CleanErrors() { ERR_clear_error(); }
};

constexpr const char* wanted = "Ed25519 and ECDSA P-256 keys are taken; 'labctl keygen' makes one";

const EVP_MD* digest_for(KeyType type) { return type == KeyType::p256 ? EVP_sha256() : nullptr; }

}  // namespace

const char* to_string(KeyType type) { return type == KeyType::p256 ? "p256" : "ed25519"; }

Result<PublicKey> PublicKey::read(std::string_view pem, const std::string& where) {
  const CleanErrors clean;
  if (blocks(pem, "PRIVATE KEY") != 0)
    return input_error("this is a private key", where,
                       "give the public one ('openssl pkey -in KEY -pubout'), and keep the private one away");
  const int count = blocks(pem, "PUBLIC KEY");
  if (count != 1)
    return input_error(count == 0 ? "there is no PEM public key in it" : "there is more than one key in it",
                       where, wanted);
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PublicKey result;
  result.key_ = own(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (!result.key_) return input_error("the public key cannot be read", where, wanted);
  const auto type = type_of(result.key_.get());
  if (!type) return input_error("the key is of a kind that is not taken", where, wanted);
  result.type_ = *type;
  result.id_ = id_of(result.key_.get(), *type);
  if (result.id_.empty()) return input_error("the public key cannot be read", where, wanted);
  return result;
}

bool PublicKey::verifies(std::string_view bytes, std::string_view signature) const {
  const CleanErrors clean;
  const DigestContext context(EVP_MD_CTX_new());
  return EVP_DigestVerifyInit(context.get(), nullptr, digest_for(type_), nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(bytes), bytes.size()) == 1;
}

std::string PublicKey::pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  return PEM_write_bio_PUBKEY(bio.get(), key_.get()) == 1 ? text_of(bio.get()) : std::string();
}

Result<PrivateKey> PrivateKey::read(std::string_view pem, const std::optional<std::string>& passphrase,
                                    const std::string& where) {
  const CleanErrors clean;
  const int count = blocks(pem, "PRIVATE KEY");
  if (count != 1)
    return input_error(count == 0 ? "there is no PEM private key in it" : "there is more than one key in it",
                       where, wanted);
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Asked asked{passphrase};
  PrivateKey result;
  auto& key = result.public_.key_;
  key = own(PEM_read_bio_PrivateKey(bio.get(), nullptr, tell_passphrase, &asked));
  if (!key && asked.asked)
    return passphrase ? input_error("the passphrase does not open the key", where)
                      : input_error("the key is encrypted", where,
                                    "give its passphrase in LABCTL_KEY_PASSPHRASE or --passphrase-file");
  if (!key) return input_error("the private key cannot be read", where, wanted);
  const auto type = type_of(key.get());
  if (!type) return input_error("the key is of a kind that is not taken", where, wanted);
  result.public_.type_ = *type;
  result.public_.id_ = id_of(key.get(), *type);
  // A key whose halves do not belong together signs what nobody can check.
  if (auto signature = result.sign("self-check"); !signature) return fail(signature.error());
  return result;
}

Result<PrivateKey> PrivateKey::make(KeyType type) {
  const CleanErrors clean;
  PrivateKey result;
  auto& key = result.public_.key_;
  key = own(type == KeyType::p256 ? EVP_EC_gen("P-256") : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!key) return lab_error("OpenSSL could not make a key");
  result.public_.type_ = type;
  result.public_.id_ = id_of(key.get(), type);
  return result;
}

Result<std::string> PrivateKey::sign(std::string_view bytes) const {
  const CleanErrors clean;
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY* key = public_.key_.get();
  std::size_t size = 0;
  std::string signature;
  if (EVP_DigestSignInit(context.get(), nullptr, digest_for(public_.type_), nullptr, key) == 1 &&
      EVP_DigestSign(context.get(), nullptr, &size, raw(bytes), bytes.size()) == 1) {
    signature.resize(size);
    if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, raw(bytes),
                       bytes.size()) == 1) {
      signature.resize(size);
      if (public_.verifies(bytes, signature)) return signature;
    }
  }
  return lab_error("the key does not sign");
}

std::string PrivateKey::pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  return PEM_write_bio_PKCS8PrivateKey(bio.get(), public_.key_.get(), nullptr, nullptr, 0, nullptr,
                                       nullptr) == 1
             ? text_of(bio.get())
             : std::string();
}

}  // namespace labctl::attest
