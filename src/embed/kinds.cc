#include "embed/kinds.h"

namespace omnigraph::embed {

namespace {

constexpr Kind kKinds[] = {
    {"openai-compatible", Wire::kOpenAi, "https://openrouter.ai/api/v1", "openai/text-embedding-3-large",
     "OPENROUTER_API_KEY or OPENAI_API_KEY"},
    {"openai", Wire::kOpenAi, "https://api.openai.com/v1", "text-embedding-3-large", "OPENAI_API_KEY"},
    {"gemini", Wire::kGemini, "https://generativelanguage.googleapis.com/v1beta", "gemini-embedding-2",
     "GEMINI_API_KEY"},
    {"mock", Wire::kNone, "", "", ""},
};

}  // namespace

const Kind* find_kind(std::string_view name) {
  for (const Kind& kind : kKinds) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

Error unknown_kind(const std::string& name) {
  return internal_error("unknown embedding provider '" + name + "' (expected openai-compatible|openai|gemini|mock)");
}

}  // namespace omnigraph::embed
