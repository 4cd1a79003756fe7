#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace patina::train {

// Where a row is: in which file, and at which byte of its text. They are in order as the rows are.
class RowId {
 public:
  RowId(size_t file, size_t offset) : RowId(uint64_t{file} << kOffsetBits | offset) {}
  // Of a number that number() gave.
  explicit RowId(uint64_t number) : bits_(number) {}
  size_t file() const { return bits_ >> kOffsetBits; }
  size_t offset() const { return bits_ & ((uint64_t{1} << kOffsetBits) - 1); }
  uint64_t number() const { return bits_; }
  auto operator<=>(const RowId&) const = default;

 private:
  static constexpr int kOffsetBits = 48;
  uint64_t bits_;
};

// Rows in order, kept as the distances between them: rows of a hundred bytes take one and a half byte each here, so a
// million of them no more than what a model takes for a token or two.
class RowList {
 public:
  size_t size() const { return size_; }
  // Throws kInvalidArgument unless it comes after all before.
  void add(RowId row);
  // Reads up to kGroup distances.
  RowId operator[](size_t index) const;

 private:
  static constexpr size_t kGroup = 32;
  struct Group {
    RowId first;
    size_t distances;  // where those of the rows after it begin
  };

  size_t size_ = 0;
  uint64_t last_ = 0;
  std::vector<Group> groups_;
  std::vector<uint8_t> distances_;  // seven bits a byte, low ones first; the top bit says that more follow
};

}  // namespace patina::train
