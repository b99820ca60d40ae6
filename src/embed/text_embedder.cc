#include "embed/text_embedder.h"

#include "base/text.h"
#include "embed/mock.h"
#include "embed/remote_embedder.h"

namespace omnigraph::embed {

namespace {

// Host of `scheme://[user@]host[:port][/..]` on this machine.
bool is_loopback_url(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  std::string_view host = url.substr(scheme + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (const std::size_t at = host.rfind('@'); at != std::string_view::npos) host = host.substr(at + 1);
  if (host.starts_with("[::1]")) return true;
  host = host.substr(0, host.find(':'));
  if (base::equals_ignore_ascii_case(host, "localhost")) return true;
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::string without_final_slashes(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace

Result<Vectors> TextEmbedder::embed(const std::vector<std::string>& texts, std::uint32_t dimension, Role role) {
  auto vectors = embed_texts({texts.begin(), texts.end()}, dimension, role);
  if (!vectors) return std::unexpected(std::move(vectors).error().error);
  return std::move(*vectors);
}

Result<std::shared_ptr<TextEmbedder>> make_text_embedder(const ProviderConfig& config, const CallSettings& settings,
                                                         Surroundings surroundings, VectorCache& cache) {
  const Kind* kind = find_kind(config.kind);
  if (kind == nullptr) return std::unexpected(unknown_kind(config.kind));
  if (kind->wire == Wire::kNone) return make_mock(config.model);
  Endpoint endpoint{.wire = kind->wire,
                    .base_url = without_final_slashes(config.base_url),
                    .model = config.model.empty() ? std::string(kind->model) : config.model,
                    .api_key = config.api_key};
  if (endpoint.base_url.empty()) endpoint.base_url = kind->base_url;
  if (endpoint.api_key.empty() && !is_loopback_url(endpoint.base_url)) {
    return std::unexpected(
        internal_error(std::string(kind->keys) + " is required for the " + config.kind + " embedding provider"));
  }
  if (endpoint.api_key.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    return std::unexpected(internal_error("the key of the " + config.kind + " embedding provider holds a line break"));
  }
  Caller caller(config.kind, std::move(endpoint), settings, std::move(surroundings));
  return std::make_shared<RemoteEmbedder>(std::move(caller), cache);
}

}  // namespace omnigraph::embed
