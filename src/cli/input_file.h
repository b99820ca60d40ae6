// A file or standard input, read forward: the data of a load. gzip and Zstandard are undone on the way (decompress.h).
// Thread safety: consumed() and size() may be asked while another thread reads; else none.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "cli/decompress.h"

namespace omnigraph::cli {

class InputFile {
 public:
  // `-`: standard input. Errors: kNotFound (`No such file ..`), kIoError; kBadRequest for a folder.
  [[nodiscard]] static Result<InputFile> open(const std::string& path);

  [[nodiscard]] Result<std::size_t> read(std::span<std::byte> out) const { return reader_(out); }  // 0 = end
  [[nodiscard]] Result<std::string> read_all() const;
  // Bytes of the file itself, compressed as it may be: read so far, and in all (a pipe's size is unknown).
  [[nodiscard]] std::uint64_t consumed() const;
  [[nodiscard]] std::optional<std::uint64_t> size() const;

 private:
  class Descriptor;
  explicit InputFile(std::shared_ptr<Descriptor> descriptor);
  std::shared_ptr<Descriptor> descriptor_;
  ByteReader reader_;
};

}  // namespace omnigraph::cli
