#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

#include "tokenizer/vocab.h"

namespace patina::tokenizer {

// A stretch of the text that is being tokenized, linked to its neighbours.
struct Symbol {
  size_t begin;
  size_t length;  // 0: merged into its left neighbour
  TokenId id;
  int previous;  // index of the neighbour, -1 at the ends
  int next;
};

struct Merge {
  double cost;  // the cheapest merge happens first, the leftmost one among equals
  TokenId id;   // of the merged symbol
};

// Merges neighbouring symbols, cheapest first, until `find(left, right)`, which gives an optional<Merge>, knows no more
// merges. O(n log n). The survivors are those with a length. Keeps its buffers between calls.
class SymbolMerger {
 public:
  std::vector<Symbol>& symbols() { return symbols_; }

  void clear() { symbols_.clear(); }

  void append(size_t begin, size_t length, TokenId id) {
    const int index = static_cast<int>(symbols_.size());
    if (index > 0) symbols_.back().next = index;
    symbols_.push_back({begin, length, id, index - 1, -1});
  }

  template <typename Find>
  void merge(const Find& find) {
    for (int i = 1; i < static_cast<int>(symbols_.size()); ++i) propose(i - 1, i, find);
    while (!queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      Symbol& left = symbols_[best.left];
      Symbol& right = symbols_[best.right];
      const bool outdated = left.length == 0 || right.length == 0 || left.length + right.length != best.length;
      if (outdated) continue;
      left.length = best.length;
      left.id = best.id;
      left.next = right.next;
      right.length = 0;
      if (left.next >= 0) symbols_[left.next].previous = best.left;
      propose(left.previous, best.left, find);
      propose(best.left, left.next, find);
    }
  }

 private:
  struct Candidate {
    double cost;
    int left;
    int right;
    size_t length;
    TokenId id;
    bool operator<(const Candidate& other) const {  // the queue's top is its greatest
      return cost > other.cost || (cost == other.cost && left > other.left);
    }
  };

  template <typename Find>
  void propose(int left, int right, const Find& find) {
    if (left < 0 || right < 0) return;
    const std::optional<Merge> merge = find(symbols_[left], symbols_[right]);
    if (!merge) return;
    queue_.push({merge->cost, left, right, symbols_[left].length + symbols_[right].length, merge->id});
  }

  std::vector<Symbol> symbols_;
  std::priority_queue<Candidate> queue_;
};

}  // namespace patina::tokenizer
