#include "engine/cloud_secret.h"

#include "objectstore/aws_secret.h"

namespace omnigraph::engine {

Result<std::string> read_cloud_secret(const std::string& id) {
  return objectstore::read_aws_secret(id, objectstore::s3_process_environment(), base::HttpClient::shared(),
                                      system_clock());
}

}  // namespace omnigraph::engine
