// Interned strings, open addressing. Inner to this room. Thread safety: none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace omnigraph::index {

// Numbers strings 0, 1, .. in order of first sight.
class TermTable {
 public:
  TermTable();

  // REQUIRES: all strings together are below 4 GiB.
  std::uint32_t intern(std::string_view term);
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(ends_.size()); }
  // Valid until the next intern().
  [[nodiscard]] std::string_view term(std::uint32_t id) const {
    const std::uint32_t begin = id == 0 ? 0 : ends_[id - 1];
    return {bytes_.data() + begin, ends_[id] - begin};
  }

 private:
  struct Slot {
    std::uint32_t tag;  // upper half of the hash
    std::uint32_t id;
  };
  void grow();

  std::string bytes_;
  std::vector<std::uint32_t> ends_;
  std::vector<Slot> slots_;
};

}  // namespace omnigraph::index
