#pragma once

namespace patina::platform {

// What both the processor and the operating system allow (registers that the system does not save count as absent).
// Features of another processor family are false.
struct CpuFeatures {
  bool avx2 = false;
  bool fma = false;
  bool f16c = false;
  bool avx512f = false;
  bool avx512bw = false;
  bool avx512vl = false;
  bool avx512dq = false;
  bool avx512vnni = false;
  bool avx512bf16 = false;
  bool avxvnni = false;

  bool neon = false;
  bool neon_dotprod = false;
};

// Asks the processor anew on each call; takes microseconds.
CpuFeatures detect_cpu_features();

}  // namespace patina::platform
