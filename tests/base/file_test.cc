#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

namespace omnigraph::base {
namespace {

namespace fs = std::filesystem;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

struct FileTest : testing::Test {
  FileTest() {
    fs::remove_all(root);
    fs::create_directories(root);
  }
  ~FileTest() override { fs::remove_all(root); }
  const fs::path root = fs::path(testing::TempDir()) / ("file_test_" + std::to_string(::getpid()));
};

TEST_F(FileTest, WritesOnceAndReadsBack) {
  const fs::path path = root / "a";
  ASSERT_TRUE(write_new_file_durably(path, bytes("hello")));
  EXPECT_EQ(read_file(path).value(), "hello");
  EXPECT_EQ(map_file(path).value().text(), "hello");
  const auto again = write_new_file_durably(path, bytes("other"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kIoError);
  EXPECT_EQ(again.error().message, "cannot write '" + path.string() + "': File exists");
  EXPECT_EQ(read_file(path).value(), "hello");
}

// Where the file system has no files without a name, the caller is told so and nothing is left behind.
TEST_F(FileTest, CreatesAtOnceOrNotAtAll) {
  const fs::path path = root / "at_once";
  const Result<AtOnce> first = create_file_at_once(path, bytes("hello"));
  ASSERT_TRUE(first) << first.error().message;
  if (*first == AtOnce::kUnavailable) {
    EXPECT_TRUE(fs::is_empty(root));
    return;
  }
  EXPECT_EQ(*first, AtOnce::kCreated);
  EXPECT_EQ(create_file_at_once(path, bytes("other")).value(), AtOnce::kExists);
  EXPECT_EQ(read_file(path).value(), "hello");
  EXPECT_EQ(std::distance(fs::directory_iterator(root), {}), 1) << "a temporary name is left";
  EXPECT_EQ(create_file_at_once(root / "missing" / "a", bytes("x")).error().code, Code::kNotFound);
}

TEST_F(FileTest, ReplacesWithTheModeAndLeavesNothingElse) {
  const fs::path path = root / "secret";
  ASSERT_TRUE(replace_file_durably(path, bytes("one"), 0600));
  ASSERT_TRUE(replace_file_durably(path, bytes("two"), 0666));
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0666u) << "whatever the umask";
  EXPECT_EQ(read_file(path).value(), "two");
  EXPECT_EQ(std::distance(fs::directory_iterator(root), {}), 1);
}

TEST_F(FileTest, AFileThatWasNotClosedIsGone) {
  const fs::path path = root / "half";
  {
    auto file = NewFile::create(path);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->append(bytes("half")));
    EXPECT_TRUE(fs::exists(path));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(FileTest, RangesAreClampedWhetherReadOrMapped) {
  std::string content;
  for (int i = 0; i < 20'000; ++i) content += std::to_string(i);
  const fs::path path = root / "big";
  ASSERT_TRUE(write_new_file(path, bytes(content)));
  for (const std::size_t offset : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{5001},
                                   content.size() - 1, content.size(), content.size() + 10}) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{7}, kMapSizeMin - 1, kMapSizeMin, content.size() * 2}) {
      const auto part = read_or_map_range(path, offset, size);
      ASSERT_TRUE(part);
      ASSERT_EQ(part->text(), offset > content.size() ? "" : content.substr(offset, size)) << offset << " " << size;
    }
  }
  EXPECT_EQ(read_or_map_file(path).value().text(), content);
}

TEST_F(FileTest, AMappingOutlivesTheName) {
  const fs::path path = root / "mapped";
  ASSERT_TRUE(write_new_file(path, bytes(std::string(100'000, 'x'))));
  const Buffer mapped = map_file(path).value();
  fs::remove(path);
  EXPECT_EQ(mapped.text(), std::string(100'000, 'x'));
}

TEST_F(FileTest, ErrorsNameThePathAndTheReason) {
  const fs::path missing = root / "missing";
  const auto outcome = read_file(missing);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::kNotFound);
  EXPECT_EQ(outcome.error().message, "cannot open '" + missing.string() + "': No such file or directory");
  EXPECT_EQ(read_file(root).error().message, "cannot read '" + root.string() + "': Is a directory");
  EXPECT_EQ(io_error("write", "/x", ENOSPC).message, "cannot write '/x': No space left on device");
  EXPECT_TRUE(map_file(missing).error().code == Code::kNotFound);
}

TEST_F(FileTest, AnEmptyFileIsAnEmptyBuffer) {
  ASSERT_TRUE(write_new_file(root / "empty", {}));
  EXPECT_EQ(map_file(root / "empty").value().size(), 0u);
  EXPECT_EQ(read_file(root / "empty").value(), "");
}

TEST(ReadFile, ReadsWhatHasNoSize) { EXPECT_FALSE(read_file("/proc/self/status").value().empty()); }

}  // namespace
}  // namespace omnigraph::base
