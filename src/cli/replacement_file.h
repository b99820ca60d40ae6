// The next content of a file, written beside it as `<file>.tmp` and put into its place at the end; until then, and on
// any error, the file is as it was. `<file>.tmp` is locked (flock) for as long as it is written, so that of two writers
// the later one is refused, and one that was killed leaves nothing that has to be cleared by hand.
// Thread safety: none.
#pragma once

#include <filesystem>
#include <span>

#include "base/result.h"

namespace omnigraph::cli {

class ReplacementFile {
 public:
  // Errors: kIoError; kBadRequest where somebody else is writing one for `target`.
  [[nodiscard]] static Result<ReplacementFile> begin(const std::filesystem::path& target);
  ReplacementFile(ReplacementFile&& other) noexcept;
  ReplacementFile& operator=(ReplacementFile&&) = delete;
  ~ReplacementFile();

  [[nodiscard]] Result<void> append(std::span<const std::byte> bytes);
  // Durably, with the permissions of the file it replaces (0644 less the umask where there is none).
  [[nodiscard]] Result<void> commit();

 private:
  ReplacementFile(std::filesystem::path target, std::filesystem::path path, int descriptor)
      : target_(std::move(target)), path_(std::move(path)), descriptor_(descriptor) {}

  std::filesystem::path target_;
  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace omnigraph::cli
