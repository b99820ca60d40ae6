// An edge type seen from one bound endpoint: its adjacency in one direction, or both united (chapter 02 section 6.1
// rules 3 and 6). Thread safety: immutable.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "graph/table_view.h"
#include "index/adjacency.h"

namespace omnigraph::exec {

using graph::Ordinal;

struct Neighbors {
  const index::Adjacency* forward = nullptr;   // from the bound endpoint to the other
  const index::Adjacency* backward = nullptr;  // undirected only: the same edges from the other end

  // Each distinct neighbour of v once, ascending.
  template <class Each>
  void for_each(Ordinal v, Each&& each) const {
    const auto a = forward->neighbors(v);
    if (backward == nullptr) {
      if (!forward->has_parallel_edges()) {
        for (const Ordinal w : a) each(w);
        return;
      }
      for (std::size_t i = 0; i < a.size(); ++i) {
        if (i == 0 || a[i] != a[i - 1]) each(a[i]);
      }
      return;
    }
    const auto b = backward->neighbors(v);
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < a.size() || j < b.size()) {
      const Ordinal w = j == b.size() || (i < a.size() && a[i] <= b[j]) ? a[i] : b[j];
      each(w);
      while (i < a.size() && a[i] == w) ++i;
      while (j < b.size() && b[j] == w) ++j;
    }
  }

  // The neighbours as they are stored if they are distinct and in one list.
  [[nodiscard]] bool is_plain() const { return backward == nullptr && !forward->has_parallel_edges(); }

  [[nodiscard]] std::uint32_t distinct_degree(Ordinal v) const {
    if (is_plain()) return forward->degree(v);
    std::uint32_t count = 0;
    for_each(v, [&](Ordinal) { ++count; });
    return count;
  }

  // Edges, parallel ones counted each, an undirected self-loop once.
  [[nodiscard]] std::uint32_t edge_degree(Ordinal v) const {
    if (backward == nullptr) return forward->degree(v);
    return forward->degree(v) + backward->degree(v) - edge_count(*backward, v, v);
  }

  // each(neighbour, edge) for every edge.
  template <class Each>
  void for_each_edge(Ordinal v, Each&& each) const {
    const auto a = forward->neighbors(v);
    const auto a_edges = forward->edges(v);
    for (std::size_t i = 0; i < a.size(); ++i) each(a[i], a_edges[i]);
    if (backward == nullptr) return;
    const auto b = backward->neighbors(v);
    const auto b_edges = backward->edges(v);
    for (std::size_t i = 0; i < b.size(); ++i) {
      if (b[i] != v) each(b[i], b_edges[i]);
    }
  }

  // each(edge) for every edge between v and w.
  template <class Each>
  void for_each_edge_between(Ordinal v, Ordinal w, Each&& each) const {
    visit_between(*forward, v, w, each);
    if (backward != nullptr && v != w) visit_between(*backward, v, w, each);
  }

  [[nodiscard]] bool connects(Ordinal v, Ordinal w) const {
    return std::ranges::binary_search(forward->neighbors(v), w) ||
           (backward != nullptr && std::ranges::binary_search(backward->neighbors(v), w));
  }

  // Upper bound of the neighbours listed for v.
  [[nodiscard]] std::uint32_t listed(Ordinal v) const {
    return forward->degree(v) + (backward != nullptr ? backward->degree(v) : 0);
  }

 private:
  static std::uint32_t edge_count(const index::Adjacency& adjacency, Ordinal v, Ordinal w) {
    const auto range = std::ranges::equal_range(adjacency.neighbors(v), w);
    return static_cast<std::uint32_t>(range.size());
  }
  template <class Each>
  static void visit_between(const index::Adjacency& adjacency, Ordinal v, Ordinal w, Each&& each) {
    const auto neighbors = adjacency.neighbors(v);
    const auto range = std::ranges::equal_range(neighbors, w);
    const auto begin = static_cast<std::size_t>(range.begin() - neighbors.begin());
    for (std::size_t i = 0; i < range.size(); ++i) each(adjacency.edges(v)[begin + i]);
  }
};

}  // namespace omnigraph::exec
