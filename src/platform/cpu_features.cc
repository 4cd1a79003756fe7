#include "platform/cpu_features.h"

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace patina::platform {

#if defined(__x86_64__)

namespace {

// Register and bit numbers: Intel 64 and IA-32 Architectures Software Developer's Manual, vol. 2A, CPUID; state bits:
// vol. 1, 13.1.
struct Leaf {
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
};

Leaf cpuid(uint32_t leaf, uint32_t subleaf) {
  Leaf r;
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

constexpr bool bit(uint32_t word, int n) { return ((word >> n) & 1U) != 0; }

// XCR0: which register sets the system saves when it switches threads.
uint32_t saved_state() {
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

constexpr uint32_t kYmmState = 0x06;      // XMM and the upper halves of YMM
constexpr uint32_t kZmmState = 0xE6;      // these, the masks, the upper halves of ZMM and ZMM16 to 31
constexpr uint32_t kTileState = 0x60000;  // configuration and data

}  // namespace

CpuFeatures detect_cpu_features() {
  CpuFeatures features;
  const Leaf maker = cpuid(0, 0);
  features.amd = maker.ebx == 0x68747541 && maker.edx == 0x69746e65 && maker.ecx == 0x444d4163;  // AuthenticAMD
  const Leaf basic = cpuid(1, 0);
  const bool has_xgetbv = bit(basic.ecx, 27);
  const uint32_t state = has_xgetbv ? saved_state() : 0;
  if ((state & kYmmState) != kYmmState) return features;
  const Leaf extended = cpuid(7, 0);
  const Leaf extended1 = extended.eax >= 1 ? cpuid(7, 1) : Leaf{};
  features.fma = bit(basic.ecx, 12);
  features.f16c = bit(basic.ecx, 29);
  features.avx2 = bit(extended.ebx, 5);
  features.bmi2 = bit(extended.ebx, 8);
  features.avxvnni = bit(extended1.eax, 4);
  if ((state & kZmmState) != kZmmState) return features;
  features.avx512f = bit(extended.ebx, 16);
  features.avx512dq = bit(extended.ebx, 17);
  features.avx512bw = bit(extended.ebx, 30);
  features.avx512vl = bit(extended.ebx, 31);
  features.avx512vnni = bit(extended.ecx, 11);
  features.avx512bf16 = bit(extended1.eax, 5);
  if ((state & kTileState) != kTileState || !bit(extended.edx, 24)) return features;
  features.amx_bf16 = bit(extended.edx, 22);
  return features;
}

bool allow_tiles() {
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM, arch_prctl(2)
  constexpr long kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

#elif defined(__aarch64__)

CpuFeatures detect_cpu_features() {
  const unsigned long capabilities = ::getauxval(AT_HWCAP);
  CpuFeatures features;
  features.neon = (capabilities & HWCAP_ASIMD) != 0;
  features.neon_dotprod = (capabilities & HWCAP_ASIMDDP) != 0;
  return features;
}

bool allow_tiles() { return false; }

#else

CpuFeatures detect_cpu_features() { return {}; }

bool allow_tiles() { return false; }

#endif

}  // namespace patina::platform
