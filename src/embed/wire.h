// The two shapes of embedding requests over HTTP, and their answers (chapter 04 sections 5.2, 5.4 and 5.5).
// Sources: OpenAI's embeddings API, Gemini's embedContent and batchEmbedContents.
// Thread safety: free functions.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_client.h"
#include "embed/kinds.h"
#include "embed/provider.h"

namespace omnigraph::embed {

// Where requests go.
struct Endpoint {
  Wire wire = Wire::kOpenAi;
  std::string base_url;  // without a final `/`
  std::string model;
  std::string api_key;  // empty: no header
};

// The request for a batch, but for its body, which lies in `body` and outlives it. REQUIRES: texts are UTF-8.
[[nodiscard]] base::HttpRequest wire_request(const Endpoint& endpoint, std::span<const std::string_view> texts,
                                             std::uint32_t dimension, Role role, std::string& body);

// What is wrong with an answer, and with which text of the batch.
struct BadAnswer {
  Error error;  // kInternal
  std::size_t text = 0;
};
// The vectors of a 200 in the order of the texts, checked (length, finite, norm) and of unit length.
[[nodiscard]] std::expected<std::vector<std::vector<float>>, BadAnswer> read_answer(Wire wire, std::string body,
                                                                                    std::size_t text_count,
                                                                                    std::uint32_t dimension);
// The body's `error.message`, else the body, with `***` for each `key` (empty: none) and of that the first
// kRefusalBytesMax bytes.
[[nodiscard]] std::string refusal_text(std::string_view body, std::string_view key);

}  // namespace omnigraph::embed
