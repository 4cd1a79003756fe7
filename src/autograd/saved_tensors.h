#pragma once

#include <utility>

#include "ops/context.h"

namespace patina::autograd {

// As it is.
class Whole final : public ops::Saved {
 public:
  explicit Whole(ops::Tensor x) : x_(std::move(x)) {}
  ops::Tensor restore(const ops::Context& /*context*/) const override { return x_; }

 private:
  ops::Tensor x_;
};

// Half of the memory: f16, of each row times a power of two that brings its root mean square near 1. So a number is
// off by at most 2^-11 of itself, or by 2^-25 of that root mean square; none of a row of less than 2^31 is too large.
// A row whose squares underflow, at some 1e-19, is as good as zero.
class Compact final : public ops::Saved {
 public:
  Compact(const ops::Context& context, const ops::Tensor& x);
  ops::Tensor restore(const ops::Context& context) const override;

 private:
  ops::Outline outline_;
  ops::Tensor halves_;   // holds f16
  ops::Tensor factors_;  // of each row, to give it back its size
};

// Made anew.
class Derived final : public ops::Saved {
 public:
  Derived(const ops::Outline& outline, ops::Recorder::Recipe recipe) : outline_(outline), recipe_(std::move(recipe)) {}
  ops::Tensor restore(const ops::Context& context) const override;

 private:
  ops::Outline outline_;
  ops::Recorder::Recipe recipe_;
};

}  // namespace patina::autograd
