#include "cli/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace omnigraph::cli {

class InputFile::Descriptor {
 public:
  Descriptor(int number, std::string path, bool owned) : number_(number), path_(std::move(path)), owned_(owned) {
    struct stat status{};
    if (::fstat(number_, &status) == 0 && S_ISREG(status.st_mode)) size_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~Descriptor() {
    if (owned_) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  Result<std::size_t> read(std::span<std::byte> out) {
    for (;;) {
      const ssize_t got = ::read(number_, out.data(), out.size());
      if (got >= 0) {
        consumed_ += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
      }
      if (errno == EISDIR) return std::unexpected(bad_request("'" + path_ + "' is a folder; pass one file of it"));
      if (errno != EINTR) return std::unexpected(base::io_error("read", path_, errno));
    }
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t consumed() const { return consumed_; }
  [[nodiscard]] std::optional<std::uint64_t> size() const { return size_; }

 private:
  const int number_;
  const std::string path_;
  const bool owned_;
  std::optional<std::uint64_t> size_;
  std::atomic<std::uint64_t> consumed_ = 0;
};

Result<InputFile> InputFile::open(const std::string& path) {
  if (path == "-") return InputFile(std::make_shared<Descriptor>(STDIN_FILENO, "standard input", false));
  const int number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (number < 0) return std::unexpected(base::io_error("read", path, errno));
  return InputFile(std::make_shared<Descriptor>(number, path, true));
}

InputFile::InputFile(std::shared_ptr<Descriptor> descriptor)
    : descriptor_(std::move(descriptor)),
      reader_(decompressed([file = descriptor_](std::span<std::byte> out) { return file->read(out); },
                           descriptor_->path())) {}

std::uint64_t InputFile::consumed() const { return descriptor_->consumed(); }

std::optional<std::uint64_t> InputFile::size() const { return descriptor_->size(); }

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
