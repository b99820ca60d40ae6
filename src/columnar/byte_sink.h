// Growing bytes for builders: no zero fill, realloc growth (the kernel moves large pages instead of copying them).
// Not thread safe.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "base/buffer.h"
#include "base/result.h"

namespace omnigraph::columnar {

class ByteSink {
 public:
  ByteSink() = default;
  ByteSink(ByteSink&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ByteSink& operator=(ByteSink&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~ByteSink() { std::free(data_); }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::byte* data() { return data_; }

  void append(const void* bytes, std::size_t count) {
    if (count == 0) return;
    std::memcpy(extend(count), bytes, count);
  }
  // Room for `count` more bytes of any content, counted as part of the whole from now on.
  std::byte* extend(std::size_t count) {
    if (capacity_ - size_ < count) grow(count);
    std::byte* at = data_ + size_;
    size_ += count;
    return at;
  }
  void append_fill(unsigned char value, std::size_t count) {
    if (count > 0) std::memset(extend(count), value, count);
  }
  // Gives back what extend() took too much. REQUIRES: size <= this->size().
  void truncate(std::size_t size) { size_ = size; }
  void reserve(std::size_t total) {
    if (total > capacity_) grow(total - size_);
  }

  // Hands the bytes over and is empty afterwards.
  [[nodiscard]] Buffer finish() {
    if (size_ == 0) return Buffer();
    if (void* fitted = std::realloc(data_, size_)) data_ = static_cast<std::byte*>(fitted);
    std::shared_ptr<const void> owner(data_, [](void* bytes) { std::free(bytes); });
    const std::span<const std::byte> bytes(data_, size_);
    data_ = nullptr;
    size_ = 0;
    capacity_ = 0;
    return Buffer(bytes, std::move(owner));
  }

 private:
  [[gnu::noinline]] void grow(std::size_t more) {
    std::size_t wanted = capacity_ < 64 ? 64 : capacity_ + capacity_ / 2;
    if (wanted < size_ + more) wanted = size_ + more;
    void* grown = std::realloc(data_, wanted);
    OG_CHECK(grown != nullptr);
    data_ = static_cast<std::byte*>(grown);
    capacity_ = wanted;
  }

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace omnigraph::columnar
