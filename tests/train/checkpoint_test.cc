#include "train/checkpoint.h"

#include <algorithm>

#include "io/gguf/parser.h"
#include "train/test_support.h"

namespace patina::train {
namespace {

class CheckpointTest : public testing::Test {
 protected:
  Checkpoint checkpoint() const {
    Checkpoint result;
    result.step = 12;
    result.epoch = 3;
    result.epoch_step = 1;
    result.base_fingerprint = 0xFEDCBA9876543210;
    result.data_digest = 0x8000000000000001;
    result.settings = {{"lora-rank", "2"}, {"seed", "7"}};
    result.parameters = {{"blk.0.attn_q.lora_a", {3, 2}, a_, {{"first", as_bytes(b_)}, {"second", as_bytes(c_)}}},
                         {"blk.0.attn_q.lora_b", {1, 2}, d_, {{"first", as_bytes(d_)}}}};
    return result;
  }

  static std::span<const std::byte> as_bytes(const std::vector<float>& numbers) {
    return std::as_bytes(std::span(numbers));
  }

  const std::vector<float> a_ = {1, 2, 3, 4, 5, 6};
  const std::vector<float> b_ = {-1, -2, -3, -4, -5, 0x1p-140F};
  const std::vector<float> c_ = {0, 0, 1e-30F, 3.4e38F, 0, 1};
  const std::vector<float> d_ = {0.5F, 0.25F};
  TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_ / "run.checkpoint";
};

TEST_F(CheckpointTest, ComesBackAsItWas) {
  const Checkpoint saved = checkpoint();
  save_checkpoint(path_, saved);
  const CheckpointFile opened = open_checkpoint(path_);
  const Checkpoint& loaded = opened.contents;
  EXPECT_EQ(loaded.step, saved.step);
  EXPECT_EQ(loaded.epoch, saved.epoch);
  EXPECT_EQ(loaded.epoch_step, saved.epoch_step);
  EXPECT_EQ(loaded.base_fingerprint, saved.base_fingerprint);
  EXPECT_EQ(loaded.data_digest, saved.data_digest);
  ASSERT_EQ(loaded.parameters.size(), 2);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(loaded.parameters[i].name, saved.parameters[i].name);
    EXPECT_EQ(loaded.parameters[i].shape, saved.parameters[i].shape);
    EXPECT_TRUE(std::ranges::equal(loaded.parameters[i].value, saved.parameters[i].value));
    const std::vector<SavedArray>& arrays = loaded.parameters[i].arrays;
    ASSERT_EQ(arrays.size(), saved.parameters[i].arrays.size());
    for (size_t k = 0; k < arrays.size(); ++k) {
      EXPECT_EQ(arrays[k].name, saved.parameters[i].arrays[k].name);
      EXPECT_TRUE(std::ranges::equal(arrays[k].bytes, saved.parameters[i].arrays[k].bytes));
    }
  }
  require_same_run(loaded, saved, "run");
}

TEST_F(CheckpointTest, RefusesEveryChangedByteAndEveryPrefix) {
  save_checkpoint(path_, checkpoint());
  const std::string good = read_file(path_);
  const auto is_refused = [](const std::string& bytes) {
    try {
      const io::ParsedFile file = io::parse_gguf(std::as_bytes(std::span(bytes)), "bad");
      parse_checkpoint(file.metadata, file.tensors, "bad");
      return false;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("bad"));
      return true;
    }
  };
  // The padding behind the last tensor is the only part that may be missing.
  for (size_t size = 0; size + 32 < good.size(); ++size) {
    EXPECT_TRUE(is_refused(good.substr(0, size))) << size;
  }
  size_t accepted = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    if (!is_refused(bad)) ++accepted;
  }
  // Padding, and GGUF's version and order of equal meaning, may change: no more than 32 bytes a tensor, and the header.
  EXPECT_LE(accepted, 32 * 7);
}

TEST_F(CheckpointTest, RefusesOtherFiles) {
  io::write_gguf(path_, {}, {});
  expect_error([&] { open_checkpoint(path_); }, ErrorKind::kInvalidData, "is no checkpoint");
  expect_error([&] { open_checkpoint(folder_ / "none"); }, ErrorKind::kNotFound, "none");
}

TEST_F(CheckpointTest, RefusesAnotherRun) {
  const Checkpoint saved = checkpoint();
  Checkpoint now = checkpoint();
  now.settings[0].value = "8";
  expect_error([&] { require_same_run(saved, now, "run"); }, ErrorKind::kIncompatible,
               "run was made with --lora-rank 2, not 8");
  now = checkpoint();
  now.base_fingerprint = 1;
  expect_error([&] { require_same_run(saved, now, "run"); }, ErrorKind::kIncompatible, "another base model");
  now = checkpoint();
  now.data_digest = 1;
  expect_error([&] { require_same_run(saved, now, "run"); }, ErrorKind::kIncompatible, "other training data");
  now = checkpoint();
  now.parameters[1].shape = {2, 1};
  expect_error([&] { require_same_run(saved, now, "run"); }, ErrorKind::kIncompatible, "other tensors");
  now = checkpoint();
  now.parameters[1].arrays[0].name = "other";
  expect_error([&] { require_same_run(saved, now, "run"); }, ErrorKind::kIncompatible, "other tensors");
  now = checkpoint();
  now.settings.push_back({"lora-alpha", "16"});
  expect_error([&] { require_same_run(saved, now, "run"); }, ErrorKind::kIncompatible, "had no --lora-alpha");
}

TEST_F(CheckpointTest, SavesToNoFolderThatIsNotThere) {
  expect_error([&] { save_checkpoint(folder_ / "no/run", checkpoint()); }, ErrorKind::kIo, "no/run");
}

}  // namespace
}  // namespace patina::train
