#pragma once

namespace patina::platform {

// What both the processor and the operating system allow (registers that the system does not save count as absent).
// Features of another processor family are false.
struct CpuFeatures {
  bool amd = false;  // no feature: who made the processor
  bool avx2 = false;
  bool fma = false;
  bool f16c = false;
  bool bmi2 = false;
  bool avx512f = false;
  bool avx512bw = false;
  bool avx512vl = false;
  bool avx512dq = false;
  bool avx512vnni = false;
  bool avx512bf16 = false;
  bool avxvnni = false;
  bool amx_bf16 = false;

  bool neon = false;
  bool neon_dotprod = false;
};

// Asks the system to let this process use the tile registers of AMX, whose state is large; threads that run already may
// use them too. False where the system or the processor does not know them. Asking again is harmless.
bool allow_tiles();

// Asks the processor anew on each call; takes microseconds.
CpuFeatures detect_cpu_features();

}  // namespace patina::platform
