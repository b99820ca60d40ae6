// The provider that needs no network (chapter 04 section 5.6).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "embed/text_embedder.h"

namespace omnigraph::embed {

[[nodiscard]] std::shared_ptr<TextEmbedder> make_mock(std::string model);
// Deterministic vectors from the text alone; for tests and offline use.
[[nodiscard]] std::vector<float> mock_vector(std::string_view text, std::uint32_t dimension);

}  // namespace omnigraph::embed
