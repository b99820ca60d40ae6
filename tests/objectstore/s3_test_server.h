// A real S3 server (versitygw, see tools/s3_server) on loopback over a temporary folder, for one test.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>

#include "objectstore/s3_store.h"
#include "tests/objectstore/store_test_support.h"

namespace omnigraph::objectstore::testing {

class S3TestServer {
 public:
  // Null, with the reason, where there is none.
  static std::unique_ptr<S3TestServer> start(std::string& why_not);
  ~S3TestServer();

  [[nodiscard]] const std::string& url() const { return url_; }
  void make_bucket(const std::string& name) const { std::filesystem::create_directory(folder_.path() / "data" / name); }
  // What a store needs to open a bucket here.
  [[nodiscard]] S3Options options() const;

 private:
  S3TestServer() = default;
  TemporaryFolder folder_{"s3_test_server"};
  std::string url_;
  pid_t process_ = -1;
};

}  // namespace omnigraph::objectstore::testing
