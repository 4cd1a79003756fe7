#include "adapter/peft/module_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace patina::adapter::peft {
namespace {

TEST(ModuleNames, BothWays) {
  EXPECT_EQ(site_of("model.layers.12.self_attn.o_proj"), "blk.12.attn_output");
  EXPECT_EQ(site_of("model.language_model.layers.0.mlp.gate_proj"), "blk.0.ffn_gate");
  EXPECT_EQ(module_of("blk.3.ffn_down"), "model.layers.3.mlp.down_proj");
  EXPECT_EQ(site_of("model.embed_tokens"), "token_embd");
  EXPECT_EQ(site_of("language_model.model.embed_tokens"), "token_embd");
  EXPECT_EQ(module_of("token_embd"), "model.embed_tokens");
  EXPECT_EQ(site_of("lm_head"), "output");
  EXPECT_EQ(module_of("output"), "lm_head");
  for (const char* module : {"model.norm", "model.layers.x.mlp.up_proj", "model.layers..mlp.up_proj", "model.layers.1",
                             "vision_tower.encoder.layers.0.self_attn.q_proj", "model.layers.0.mlp.router"}) {
    EXPECT_FALSE(site_of(module).has_value()) << module;
  }
  for (const char* site : {"output_norm", "blk.0.attn_norm", "blk.attn_q"}) EXPECT_FALSE(module_of(site).has_value());
}

TEST(ModuleNames, InTheModelsOrder) {
  std::vector<std::string> sites = {"output",       "blk.10.attn_q", "blk.2.ffn_down",
                                    "blk.2.attn_k", "token_embd",    "blk.2.attn_q"};
  std::ranges::sort(sites, comes_before);
  EXPECT_THAT(sites, testing::ElementsAre("token_embd", "blk.2.attn_q", "blk.2.attn_k", "blk.2.ffn_down",
                                          "blk.10.attn_q", "output"));
}

}  // namespace
}  // namespace patina::adapter::peft
