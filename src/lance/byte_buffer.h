// A growing run of bytes that is not cleared first: decoders fill what they extend. It becomes a Buffer without a copy.
// Thread safety: values.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>

#include "base/buffer.h"
#include "base/result.h"

namespace omnigraph::lance {

class ByteBuffer {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::byte* data() { return memory_.get(); }
  [[nodiscard]] const std::byte* data() const { return memory_.get(); }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {memory_.get(), size_}; }

  // Room for `size` more bytes, not counted yet. Earlier pointers die.
  void reserve_more(std::size_t size) {
    if (size <= capacity_ - size_) return;
    std::size_t capacity = capacity_ + capacity_ / 2;
    if (capacity < size_ + size) capacity = size_ + size;
    reallocate(capacity);
  }
  // Adds `size` bytes with any content and returns where they start. Earlier pointers die.
  std::byte* extend(std::size_t size) {
    reserve_more(size);
    std::byte* at = memory_.get() + size_;
    size_ += size;
    return at;
  }
  void append(const void* bytes, std::size_t size) {
    if (size != 0) std::memcpy(extend(size), bytes, size);
  }
  // REQUIRES: size <= this->size(), or the room was reserved and filled.
  void resize_within_room(std::size_t size) { size_ = size; }

  // Hands the bytes over and leaves the buffer empty.
  [[nodiscard]] Buffer finish() {
    if (size_ == 0) {
      *this = ByteBuffer();
      return {};
    }
    if (capacity_ - size_ > size_ / 8) reallocate(size_);
    std::shared_ptr<const void> owner(memory_.release(), [](const void* p) { std::free(const_cast<void*>(p)); });
    Buffer done(std::span(static_cast<const std::byte*>(owner.get()), size_), owner);
    size_ = capacity_ = 0;
    return done;
  }

 private:
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  void reallocate(std::size_t capacity) {
    void* grown = std::realloc(memory_.get(), capacity);
    OG_CHECK(grown != nullptr);
    static_cast<void>(memory_.release());
    memory_.reset(static_cast<std::byte*>(grown));
    capacity_ = capacity;
  }

  std::unique_ptr<std::byte, Free> memory_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace omnigraph::lance
