// Hashes. SHA-256 where a digest is part of a contract, XXH3 inside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace omnigraph::base {

// Lower-case hex.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);
[[nodiscard]] std::string sha256_raw(std::string_view bytes);  // 32 bytes
[[nodiscard]] std::string to_hex(std::string_view bytes);

class Sha256 {  // incremental
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  [[nodiscard]] std::string finish_raw();  // 32 bytes; once

 private:
  void* context_;
};

[[nodiscard]] std::uint64_t xxhash64(std::span<const std::byte> bytes, std::uint64_t seed = 0);  // XXH64
[[nodiscard]] std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);              // XXH3, 64 bits
struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};
[[nodiscard]] Hash128 hash128(std::string_view bytes, std::uint64_t seed = 0);  // XXH3, 128 bits

}  // namespace omnigraph::base
