// The provider that needs no network (chapter 04 section 5.6).
#pragma once

#include <memory>
#include <string>

#include "embed/text_embedder.h"

namespace omnigraph::embed {

[[nodiscard]] std::shared_ptr<TextEmbedder> make_mock(std::string model);

}  // namespace omnigraph::embed
