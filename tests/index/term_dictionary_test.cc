// Front-coded strings against a sorted list, and damaged ones.
#include "index/term_dictionary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace omnigraph::index {
namespace {

std::vector<std::string> random_terms(std::mt19937_64& random, std::size_t count) {
  std::set<std::string> terms;
  if (count > 0 && random() % 2 == 0) terms.insert("");
  while (terms.size() < count) {
    std::string term;
    if (random() % 8 == 0) term.assign(random() % 400, 'q');
    for (std::size_t i = random() % 20 + 1; i > 0; --i)
      term += static_cast<char>(random() % 3 == 0 ? random() : 'a' + random() % 3);
    terms.insert(std::move(term));
  }
  std::vector<std::string> sorted(terms.begin(), terms.end());
  return sorted;
}

TEST(TermDictionary, AgreesWithASortedList) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (const std::size_t count : {0u, 1u, 15u, 16u, 17u, 1000u}) {
    const std::vector<std::string> terms = random_terms(random, count);
    TermDictionaryWriter writer;
    for (const std::string& term : terms) writer.append(term);
    const TermDictionary dictionary(writer.size(), writer.buckets(), writer.bytes());
    ASSERT_TRUE(dictionary.is_consistent());
    ASSERT_EQ(dictionary.size(), terms.size());
    std::uint32_t next = 0;
    dictionary.for_each([&](std::uint32_t number, std::string_view text) {
      ASSERT_EQ(number, next++);
      ASSERT_EQ(text, terms[number]);
    });
    EXPECT_EQ(next, count);
    for (std::uint32_t i = 0; i < terms.size(); ++i) {
      ASSERT_EQ(dictionary.string(i), terms[i]);
      ASSERT_EQ(dictionary.find(terms[i]), i);
      const std::string other = terms[i] + '!';
      const bool there = std::ranges::binary_search(terms, other);
      ASSERT_EQ(dictionary.find(other) != TermDictionary::kNotThere, there);
    }
  }
}

// Damaged bytes give wrong strings and no read behind the end (the sanitized build would tell).
TEST(TermDictionary, SurvivesDamage) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const std::vector<std::string> terms = random_terms(random, 200);
  TermDictionaryWriter writer;
  for (const std::string& term : terms) writer.append(term);
  for (int round = 0; round < 500; ++round) {
    std::vector<char> bytes(writer.bytes().begin(), writer.bytes().end());
    for (int flips = 0; flips < 3; ++flips) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (round % 5 == 0) bytes.resize(std::max<std::size_t>(writer.buckets().back() + 1, bytes.size() / 2));
    const TermDictionary dictionary(writer.size(), writer.buckets(), bytes);
    ASSERT_TRUE(dictionary.is_consistent());
    std::size_t total = 0;
    dictionary.for_each([&](std::uint32_t, std::string_view text) { total += text.size(); });
    EXPECT_LE(total, std::size_t{writer.size()} * bytes.size());
    (void)dictionary.find(terms[random() % terms.size()]);
  }
  EXPECT_FALSE(TermDictionary(201, writer.buckets(), writer.bytes()).is_consistent() &&
               TermDictionary(300, writer.buckets(), writer.bytes()).is_consistent());
}

}  // namespace
}  // namespace omnigraph::index
