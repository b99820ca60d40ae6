#include "index/text_analysis.h"

#include <libstemmer.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "base/hash.h"
#include "base/result.h"
#include "index/word_characters.h"
#include "index/word_split.h"

namespace omnigraph::index {
namespace {

// Compared with the stemmed word. Sorted.
constexpr std::array kStopWords = std::to_array<std::string_view>({
    "a",     "about",    "above",      "after",  "again",     "against",    "ain",     "all",     "am",     "an",
    "and",   "any",      "are",        "aren",   "as",        "at",         "be",      "because", "been",   "before",
    "being", "below",    "between",    "both",   "but",       "by",         "can",     "couldn",  "d",      "did",
    "didn",  "do",       "does",       "doesn",  "doing",     "don",        "down",    "during",  "each",   "few",
    "for",   "from",     "further",    "had",    "hadn",      "has",        "hasn",    "have",    "haven",  "having",
    "he",    "her",      "here",       "hers",   "herself",   "him",        "himself", "his",     "how",    "i",
    "if",    "in",       "into",       "is",     "isn",       "it",         "its",     "itself",  "just",   "ll",
    "m",     "ma",       "me",         "mightn", "more",      "most",       "mustn",   "my",      "myself", "needn",
    "no",    "nor",      "not",        "now",    "o",         "of",         "off",     "on",      "once",   "only",
    "or",    "other",    "our",        "ours",   "ourselves", "out",        "over",    "own",     "re",     "s",
    "same",  "shan",     "she",        "should", "shouldn",   "so",         "some",    "such",    "t",      "than",
    "that",  "the",      "their",      "theirs", "them",      "themselves", "then",    "there",   "these",  "they",
    "this",  "those",    "through",    "to",     "too",       "under",      "until",   "up",      "ve",     "very",
    "was",   "wasn",     "we",         "were",   "weren",     "what",       "when",    "where",   "which",  "while",
    "who",   "whom",     "why",        "will",   "with",      "won",        "wouldn",  "y",       "you",    "your",
    "yours", "yourself", "yourselves",
});
static_assert(kStopWords.size() == 153);
static_assert(std::ranges::is_sorted(kStopWords));
constexpr std::size_t kStopWordBytesMax = 10;
static_assert(std::ranges::all_of(kStopWords, [](std::string_view w) { return w.size() <= kStopWordBytesMax; }));

bool is_stop_word(std::string_view word) {
  return word.size() <= kStopWordBytesMax && std::ranges::binary_search(kStopWords, word);
}

void fold(std::string_view word, std::string& out) {
  out.clear();
  for (std::size_t at = 0; at < word.size();) append_folded(out, next_code_point_lossy(word, at));
}

}  // namespace

// Most words of a text are ASCII and have been met before: their tokens wait in a direct-mapped cache.
struct TextAnalyzer::State {
  struct Entry {
    std::uint8_t word_size = 0;   // 0 = free
    std::uint8_t token_size = 0;  // 0 = a stop word
    std::array<char, kWordBytesMax> word;
    std::array<char, kWordBytesMax> token;
  };

  explicit State(std::size_t cached_words) : stemmer(sb_stemmer_new("english", "UTF_8")), cache(cached_words) {
    OG_CHECK(stemmer != nullptr && std::has_single_bit(cached_words));
  }
  ~State() { sb_stemmer_delete(stemmer); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Valid until the next call.
  std::string_view stem(std::string_view word) {
    const sb_symbol* stemmed =
        sb_stemmer_stem(stemmer, reinterpret_cast<const sb_symbol*>(word.data()), static_cast<int>(word.size()));
    OG_CHECK(stemmed != nullptr);  // null only without memory
    return {reinterpret_cast<const char*>(stemmed), static_cast<std::size_t>(sb_stemmer_length(stemmer))};
  }

  std::string_view stem_unless_stopped(std::string_view lower_case) {
    const std::string_view stemmed = stem(lower_case);
    return is_stop_word(stemmed) ? std::string_view() : stemmed;
  }

  // Token of an ASCII word, empty for a stop word; valid until the next call.
  std::string_view remembered_token(std::string_view word) {
    std::array<char, kWordBytesMax> lower;
    for (std::size_t i = 0; i < word.size(); ++i) lower[i] = kAsciiLower[static_cast<unsigned char>(word[i])];
    const std::string_view key(lower.data(), word.size());
    Entry& entry = cache[base::hash64(key) & (cache.size() - 1)];
    if (entry.word_size != key.size() || std::memcmp(entry.word.data(), key.data(), key.size()) != 0) {
      const std::string_view token = stem_unless_stopped(key);
      if (token.size() > entry.token.size()) return token;
      entry.word_size = static_cast<std::uint8_t>(key.size());
      entry.token_size = static_cast<std::uint8_t>(token.size());
      std::ranges::copy(key, entry.word.begin());
      std::ranges::copy(token, entry.token.begin());
    }
    return {entry.token.data(), entry.token_size};
  }

  // Into `lowered`.
  void lower(std::string_view word, bool is_ascii) {
    lowered.clear();
    if (is_ascii) {
      for (const char c : word) lowered += kAsciiLower[static_cast<unsigned char>(c)];
    } else {
      for (std::size_t at = 0; at < word.size();) append_lower(lowered, next_code_point_lossy(word, at));
    }
  }

  sb_stemmer* stemmer;
  std::vector<Entry> cache;
  std::string normalized;
  std::string lowered;
  std::string folded;
};

TextAnalyzer::TextAnalyzer(std::size_t cached_words) : state_(std::make_unique<State>(cached_words)) {}
TextAnalyzer::~TextAnalyzer() = default;
TextAnalyzer::TextAnalyzer(TextAnalyzer&&) noexcept = default;

std::string_view TextAnalyzer::token_of(std::string_view word, bool is_ascii) {
  State& state = *state_;
  state.lower(word, is_ascii);
  const std::string_view stemmed = state.stem_unless_stopped(state.lowered);
  if (is_ascii || stemmed.empty()) return stemmed;
  fold(stemmed, state.folded);
  return state.folded;
}

std::string_view TextAnalyzer::fuzzy_word_of(std::string_view word, bool is_ascii) {
  State& state = *state_;
  state.lower(word, is_ascii);
  if (is_stop_word(state.lowered)) return {};
  if (is_ascii) return state.lowered;
  fold(state.lowered, state.folded);
  return state.folded;
}

void TextAnalyzer::tokens(std::string_view text, const std::function<void(std::string_view)>& emit) {
  split(to_nfc(text, state_->normalized), [&](std::string_view word, bool is_ascii) {
    const std::string_view token = is_ascii ? state_->remembered_token(word) : token_of(word, false);
    if (!token.empty()) emit(token);
  });
}

std::vector<std::string> TextAnalyzer::tokens(std::string_view text) {
  std::vector<std::string> result;
  tokens(text, [&](std::string_view token) { result.emplace_back(token); });
  return result;
}

void TextAnalyzer::fuzzy_words(std::string_view text, const std::function<void(std::string_view)>& emit) {
  split(to_nfc(text, state_->normalized), [&](std::string_view text_word, bool is_ascii) {
    const std::string_view word = fuzzy_word_of(text_word, is_ascii);
    if (!word.empty()) emit(word);
  });
}

std::vector<std::string> TextAnalyzer::fuzzy_words(std::string_view text) {
  std::vector<std::string> result;
  fuzzy_words(text, [&](std::string_view word) { result.emplace_back(word); });
  return result;
}

}  // namespace omnigraph::index
