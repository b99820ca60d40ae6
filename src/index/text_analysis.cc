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

// 0 for a byte that is no word character; ASCII letters in lower case.
constexpr std::array<char, 128> kAsciiLower = [] {
  std::array<char, 128> table{};
  for (char c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = c;
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = c;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = static_cast<char>(c - 'A' + 'a');
  return table;
}();

// Calls word(text, is_ascii) for each run of word characters shorter than the limit.
template <class Word>
void split(std::string_view text, Word&& word) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t begin = at;
    std::size_t end = at;
    bool ascii = true;
    while (at < text.size()) {
      const auto byte = static_cast<unsigned char>(text[at]);
      if (byte < 0x80) {
        ++at;
        if (kAsciiLower[byte] == 0) break;
      } else {
        if (!is_word_character(next_code_point_lossy(text, at))) break;
        ascii = false;
      }
      end = at;
    }
    if (end > begin && end - begin < kWordBytesMax) word(text.substr(begin, end - begin), ascii);
  }
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
    std::uint64_t number = 0;
  };
  struct Token {
    std::string_view text;
    Memory memory;
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

  // Token of an ASCII word, empty for a stop word; valid until the next call.
  Token ascii_token(std::string_view word) {
    std::array<char, kWordBytesMax> lower;
    for (std::size_t i = 0; i < word.size(); ++i) lower[i] = kAsciiLower[static_cast<unsigned char>(word[i])];
    const std::string_view key(lower.data(), word.size());
    const std::size_t place = base::hash64(key) & (cache.size() - 1);
    Entry& entry = cache[place];
    if (entry.word_size != key.size() || std::memcmp(entry.word.data(), key.data(), key.size()) != 0) {
      std::string_view token = stem(key);
      if (is_stop_word(token)) token = {};
      if (token.size() > entry.token.size()) return {token, Memory{}};
      entry.word_size = static_cast<std::uint8_t>(key.size());
      entry.token_size = static_cast<std::uint8_t>(token.size());
      std::ranges::copy(key, entry.word.begin());
      std::ranges::copy(token, entry.token.begin());
      entry.number = ++last_number;
    }
    return {{entry.token.data(), entry.token_size}, {static_cast<std::uint32_t>(place), entry.number}};
  }

  // Into `lowered`.
  void lower(std::string_view word) {
    lowered.clear();
    for (std::size_t at = 0; at < word.size();) append_lower(lowered, next_code_point_lossy(word, at));
  }

  sb_stemmer* stemmer;
  std::vector<Entry> cache;
  std::uint64_t last_number = 0;
  std::string normalized;
  std::string lowered;
  std::string folded;
};

TextAnalyzer::TextAnalyzer(std::size_t cached_words) : state_(std::make_unique<State>(cached_words)) {}
TextAnalyzer::~TextAnalyzer() = default;
TextAnalyzer::TextAnalyzer(TextAnalyzer&&) noexcept = default;

std::size_t TextAnalyzer::cached_words() const { return state_->cache.size(); }

void TextAnalyzer::tokens(std::string_view text, const std::function<void(std::string_view)>& emit) {
  remembered_tokens(text, [&](std::string_view token, Memory) { emit(token); });
}

void TextAnalyzer::remembered_tokens(std::string_view text, const std::function<void(std::string_view, Memory)>& emit) {
  State& state = *state_;
  split(to_nfc(text, state.normalized), [&](std::string_view word, bool ascii) {
    if (ascii) {
      const State::Token token = state.ascii_token(word);
      if (!token.text.empty()) emit(token.text, token.memory);
      return;
    }
    state.lower(word);
    const std::string_view stemmed = state.stem(state.lowered);
    if (is_stop_word(stemmed)) return;
    fold(stemmed, state.folded);
    if (!state.folded.empty()) emit(state.folded, Memory{});
  });
}

std::vector<std::string> TextAnalyzer::tokens(std::string_view text) {
  std::vector<std::string> result;
  tokens(text, [&](std::string_view token) { result.emplace_back(token); });
  return result;
}

void TextAnalyzer::fuzzy_words(std::string_view text, const std::function<void(std::string_view)>& emit) {
  State& state = *state_;
  split(to_nfc(text, state.normalized), [&](std::string_view word, bool ascii) {
    state.lowered.clear();
    if (ascii) {
      for (const char c : word) state.lowered += kAsciiLower[static_cast<unsigned char>(c)];
    } else {
      state.lower(word);
    }
    if (is_stop_word(state.lowered)) return;
    if (ascii) return emit(state.lowered);
    fold(state.lowered, state.folded);
    if (!state.folded.empty()) emit(state.folded);
  });
}

std::vector<std::string> TextAnalyzer::fuzzy_words(std::string_view text) {
  std::vector<std::string> result;
  fuzzy_words(text, [&](std::string_view word) { result.emplace_back(word); });
  return result;
}

}  // namespace omnigraph::index
