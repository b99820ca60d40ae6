// What is left of a line that stderr did not take.
#include "server/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace omnigraph::server {
namespace {

// Stderr of this process is a pipe of one page, which refuses what does not fit.
class SmallStderr {
 public:
  SmallStderr() : before_(::dup(STDERR_FILENO)) {
    EXPECT_EQ(::pipe2(ends_, O_NONBLOCK | O_CLOEXEC), 0);
    EXPECT_GT(::fcntl(ends_[1], F_SETPIPE_SZ, 4096), 0);
    ::dup2(ends_[1], STDERR_FILENO);
  }
  SmallStderr(const SmallStderr&) = delete;
  SmallStderr& operator=(const SmallStderr&) = delete;
  ~SmallStderr() {
    ::dup2(before_, STDERR_FILENO);
    for (const int end : {before_, ends_[0], ends_[1]}) ::close(end);
  }
  std::string drained() {
    std::string text;
    char piece[4096];
    for (ssize_t got = ::read(ends_[0], piece, sizeof piece); got > 0; got = ::read(ends_[0], piece, sizeof piece)) {
      text.append(piece, static_cast<std::size_t>(got));
    }
    return text;
  }

 private:
  const int before_;
  int ends_[2] = {-1, -1};
};

TEST(Log, ALineThatBrokeOffStaysALineOfItsOwn) {
  flush_log();
  SmallStderr out;
  log_warning(std::string(100'000, 'x'));
  const std::string broken = out.drained();
  ASSERT_FALSE(broken.empty());
  EXPECT_FALSE(broken.ends_with('\n'));
  log_warning("whole");
  const std::string next = out.drained();
  EXPECT_TRUE(next.starts_with('\n')) << next;
  EXPECT_TRUE(next.ends_with("whole\n")) << next;
  log_warning("and another");
  EXPECT_FALSE(out.drained().starts_with('\n'));
}

}  // namespace
}  // namespace omnigraph::server
