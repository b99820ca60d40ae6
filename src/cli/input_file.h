// A file or standard input, read forward: the data of a load. Thread safety: none.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace omnigraph::cli {

class InputFile {
 public:
  // `-`: standard input. Errors: kNotFound (`No such file ..`), kIoError.
  [[nodiscard]] static Result<InputFile> open(const std::string& path);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;

  [[nodiscard]] Result<std::size_t> read(std::span<std::byte> out) const;  // 0 = end
  [[nodiscard]] Result<std::string> read_all() const;

 private:
  InputFile(int descriptor, std::string path, bool owned);
  int descriptor_;
  std::string path_;
  bool owned_;
};

}  // namespace omnigraph::cli
