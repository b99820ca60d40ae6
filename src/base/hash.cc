#include "base/hash.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include "base/result.h"

namespace omnigraph::base {
namespace {

constexpr std::size_t kSha256Size = 32;

EVP_MD_CTX* as_context(void* context) { return static_cast<EVP_MD_CTX*>(context); }

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  OG_CHECK(context_ != nullptr);
  OG_CHECK(EVP_DigestInit_ex(as_context(context_), EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() { EVP_MD_CTX_free(as_context(context_)); }

void Sha256::update(std::string_view bytes) {
  OG_CHECK(EVP_DigestUpdate(as_context(context_), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::finish_raw() {
  std::string digest(kSha256Size, '\0');
  unsigned size = 0;
  OG_CHECK(EVP_DigestFinal_ex(as_context(context_), reinterpret_cast<unsigned char*>(digest.data()), &size) == 1);
  OG_CHECK(size == kSha256Size);
  return digest;
}

std::string sha256_raw(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish_raw();
}

std::string sha256_hex(std::string_view bytes) { return to_hex(sha256_raw(bytes)); }

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::uint64_t xxhash64(std::span<const std::byte> bytes, std::uint64_t seed) {
  return XXH64(bytes.data(), bytes.size(), seed);
}

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Hash128 hash128(std::string_view bytes, std::uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {.low = hash.low64, .high = hash.high64};
}

}  // namespace omnigraph::base
