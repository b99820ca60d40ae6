// A borrowed range of immutable bytes that keeps its owner (a mapped file, a vector) alive. Cheap to copy.
// Thread safety: immutable.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace omnigraph {

class Buffer {
 public:
  Buffer() = default;
  Buffer(std::span<const std::byte> bytes, std::shared_ptr<const void> owner)
      : bytes_(bytes), owner_(std::move(owner)) {}

  [[nodiscard]] static Buffer from(std::vector<std::byte> bytes) {
    auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
    return Buffer(std::span(*owner), owner);
  }
  [[nodiscard]] static Buffer from(std::string text) {
    auto owner = std::make_shared<const std::string>(std::move(text));
    return Buffer(std::as_bytes(std::span(*owner)), owner);
  }
  template <class T>
  [[nodiscard]] static Buffer from_values(std::vector<T> values) {
    auto owner = std::make_shared<const std::vector<T>>(std::move(values));
    return Buffer(std::as_bytes(std::span<const T>(*owner)), owner);
  }

  [[nodiscard]] const std::byte* data() const { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }
  [[nodiscard]] const std::shared_ptr<const void>& owner() const { return owner_; }

  // REQUIRES: offset + size <= this->size().
  [[nodiscard]] Buffer slice(std::size_t offset, std::size_t size) const {
    return Buffer(bytes_.subspan(offset, size), owner_);
  }

 private:
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
};

}  // namespace omnigraph
