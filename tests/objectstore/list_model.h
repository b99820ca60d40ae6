// A slow model of ObjectStore::list, and a random walk that compares a store with it.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "objectstore/object_store.h"
#include "tests/objectstore/store_test_support.h"

namespace omnigraph::objectstore::testing {

struct Expected {
  std::vector<std::pair<std::string, std::uint64_t>> objects;
  std::vector<std::string> prefixes;
  bool truncated = false;
};

// Straight from the words of the header.
inline Expected model_list(const std::map<std::string, std::string>& model, const std::string& prefix,
                           const ListOptions& options) {
  std::map<std::string, const std::string*> shown;  // key or prefix; null for prefixes
  for (const auto& [key, body] : model) {
    if (!key.starts_with(prefix)) continue;
    const std::size_t slash = options.delimited ? key.find('/', prefix.size()) : std::string::npos;
    if (slash == std::string::npos) {
      shown[key] = &body;
    } else {
      shown[key.substr(0, slash + 1)] = nullptr;
    }
  }
  Expected expected;
  for (const auto& [name, body] : shown) {
    if (name <= options.start_after) continue;
    if (expected.objects.size() + expected.prefixes.size() == options.limit) {
      expected.truncated = true;
      break;
    }
    if (body != nullptr) {
      expected.objects.emplace_back(name, body->size());
    } else {
      expected.prefixes.push_back(name);
    }
  }
  return expected;
}

// Characters around '/' in byte order, so that a folder and its longer-named neighbours change places. No key is the
// folder of another: a directory cannot hold both.
inline std::string random_key(std::mt19937& random) {
  static constexpr std::string_view kCharacters = "ab-0.!~\x7f";
  std::string key;
  const auto depth = 1 + random() % 3;
  for (std::size_t level = 0; level < depth; ++level) {
    if (level > 0) key += '/';
    std::string segment;
    for (std::size_t n = 1 + random() % 2; n > 0; --n) segment += kCharacters[random() % kCharacters.size()];
    if (segment.front() == '.') segment.front() = 'a';
    key += level + 1 == depth ? segment + "f" : segment + "d";
  }
  return key;
}

inline std::string random_prefix(std::mt19937& random) {
  const std::string key = random_key(random);
  return key.substr(0, random() % (key.size() + 1));
}

// `steps` random puts, removes and lists of an empty store.
inline void compare_lists_with_model(ObjectStore& store, int steps) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::map<std::string, std::string> model;
  for (int step = 0; step < steps; ++step) {
    const auto choice = random() % 10;
    if (choice < 2 || model.size() < 20) {
      const std::string key = random_key(random);
      const std::string body(random() % 5, 'x');
      const auto stored = store.put(key, bytes(body), Durability::kWriteBack);
      ASSERT_TRUE(stored) << stored.error().message;
      model[key] = body;
    } else if (choice < 4) {
      auto victim = model.begin();
      std::advance(victim, static_cast<std::ptrdiff_t>(random() % model.size()));
      ASSERT_TRUE(store.remove(victim->first));
      model.erase(victim);
    } else {
      const std::string prefix = random_prefix(random);
      ListOptions options{.limit = random() % 3 == 0 ? random() % 6 : 1000, .delimited = random() % 2 == 0};
      if (random() % 2 == 0) options.start_after = random() % 2 == 0 ? random_key(random) : random_prefix(random);
      const Expected expected = model_list(model, prefix, options);
      const auto listing = store.list(prefix, options);
      ASSERT_TRUE(listing) << listing.error().message;
      SCOPED_TRACE(::testing::Message() << "prefix '" << prefix << "' after '" << options.start_after << "' limit "
                                        << options.limit << (options.delimited ? " delimited" : ""));
      std::vector<std::pair<std::string, std::uint64_t>> objects;
      for (const ObjectInfo& info : listing->objects) objects.emplace_back(info.key, info.size);
      ASSERT_EQ(objects, expected.objects);
      ASSERT_EQ(listing->prefixes, expected.prefixes);
      ASSERT_EQ(listing->truncated, expected.truncated);
    }
  }
}

}  // namespace omnigraph::objectstore::testing
