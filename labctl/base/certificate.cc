#include "labctl/base/certificate.h"

#include <fmt/core.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>

#include "labctl/base/owned.h"
#include "labctl/base/text.h"

namespace labctl {
namespace {

using Bio = Owned<BIO, BIO_free>;
using X509Handle = Owned<X509, X509_free>;

constexpr const char* make_one =
    "a certificate in PEM or DER, such as 'openssl req -x509 -newkey rsa:2048 -nodes -keyout KEY -out CERT "
    "-subj /CN=NAME' makes";

constexpr std::string_view begin_certificate = "-----BEGIN CERTIFICATE-----";

X509* parsed_pem(std::string_view text) {
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  return bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr;
}

X509* parsed_der(std::string_view bytes) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* const end = at + bytes.size();
  X509Handle parsed(d2i_X509(nullptr, &at, static_cast<long>(bytes.size())));
  return parsed && at == end ? parsed.release() : nullptr;
}

std::string der_of(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

std::string subject_of(const X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio) return {};
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

Result<Certificate> read_certificate(std::string_view bytes) {
  if (bytes.size() > 8 * largest_certificate)
    return input_error("is too large for a certificate", {}, make_one);
  if (bytes.find("PRIVATE KEY-----") != std::string_view::npos)
    return input_error("holds a private key, which labctl has no use for", {}, "give the certificate alone");
  const auto first = bytes.find(begin_certificate);
  const bool pem = first != std::string_view::npos;
  if (pem && bytes.find(begin_certificate, first + 1) != std::string_view::npos)
    return input_error("holds several certificates", {}, "give each in a file of its own");
  const X509Handle parsed(pem ? parsed_pem(bytes) : parsed_der(bytes));
  ERR_clear_error();
  if (!parsed) return input_error("is not a certificate", {}, make_one);
  Certificate certificate{.der = der_of(parsed.get()), .subject = subject_of(parsed.get())};
  if (certificate.der.empty()) return input_error("is not a certificate", {}, make_one);
  if (certificate.der.size() > largest_certificate)
    return input_error(fmt::format("is a certificate of {} bytes, and firmware is given at most {}",
                                   certificate.der.size(), largest_certificate));
  std::tm last{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(parsed.get()), &last) != 1)
    return input_error("is a certificate that does not say when it expires", {}, make_one);
  certificate.expires =
      Date(std::chrono::year(last.tm_year + 1900), std::chrono::month(static_cast<unsigned>(last.tm_mon + 1)),
           std::chrono::day(static_cast<unsigned>(last.tm_mday)));
  return certificate;
}

}  // namespace labctl
