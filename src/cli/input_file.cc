#include "cli/input_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace omnigraph::cli {

Result<InputFile> InputFile::open(const std::string& path) {
  if (path == "-") return InputFile(STDIN_FILENO, path, false);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return std::unexpected(base::io_error("read", path, errno));
  return InputFile(descriptor, path, true);
}

InputFile::InputFile(int descriptor, std::string path, bool owned)
    : descriptor_(descriptor), path_(std::move(path)), owned_(owned) {}

InputFile::InputFile(InputFile&& other) noexcept
    : descriptor_(other.descriptor_), path_(std::move(other.path_)), owned_(other.owned_) {
  other.owned_ = false;
}

InputFile::~InputFile() {
  if (owned_) ::close(descriptor_);
}

Result<std::size_t> InputFile::read(std::span<std::byte> out) const {
  for (;;) {
    const ssize_t got = ::read(descriptor_, out.data(), out.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return std::unexpected(base::io_error("read", path_, errno));
  }
}

Result<std::string> InputFile::read_all() const {
  constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
  std::string text;
  for (std::size_t used = 0;;) {
    text.resize(used + kPieceBytes);
    OG_ASSIGN_OR_RETURN(const std::size_t got, read(std::as_writable_bytes(std::span(text).subspan(used))));
    used += got;
    if (got == 0) {
      text.resize(used);
      return text;
    }
  }
}

}  // namespace omnigraph::cli
