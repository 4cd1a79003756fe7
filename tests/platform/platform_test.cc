#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <span>
#include <string>

#include "patina/error.h"
#include "platform/atomic_file.h"
#include "platform/atomic_folder.h"
#include "platform/cores.h"
#include "platform/cpu_features.h"
#include "platform/huge_buffer.h"
#include "platform/mapped_file.h"
#include "platform/memory.h"
#include "platform/read_ahead.h"
#include "platform/signals.h"

namespace patina::platform {
namespace {

namespace fs = std::filesystem;

class PlatformTest : public testing::Test {
 protected:
  PlatformTest() {
    std::string name = (fs::temp_directory_path() / "patina_platform_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~PlatformTest() override { fs::remove_all(folder_); }

  void put(const fs::path& path, const std::string& text) const {
    fs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path) << text;
  }
  std::string get(const fs::path& path) const {
    std::ifstream file(folder_ / path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::ptrdiff_t files() const { return std::distance(fs::directory_iterator(folder_), {}); }

  fs::path folder_;
};

TEST_F(PlatformTest, ReadAheadEndsByItselfOrWithItsOwner) {
  const std::string text(1 << 20, 'x');
  put("file", text);
  const MappedFile file(folder_ / "file");
  const std::span<const std::byte> bytes = file.bytes();
  for (int i = 0; i < 20; ++i) ReadAhead({bytes.first(1), {}, bytes.subspan(4096), bytes.subspan(bytes.size() - 1)});
  EXPECT_EQ(static_cast<char>(bytes[bytes.size() / 2]), 'x');
}

TEST_F(PlatformTest, MappedFileShowsTheBytes) {
  put("file", "hello");
  put("empty", "");
  MappedFile file(folder_ / "file");
  const MappedFile moved = std::move(file);
  ASSERT_EQ(moved.size(), 5);
  EXPECT_EQ(static_cast<char>(moved.bytes()[4]), 'o');
  moved.advise(AccessHint::kRandom);
  moved.drop(moved.bytes());
  EXPECT_EQ(static_cast<char>(moved.bytes()[0]), 'h');
  EXPECT_TRUE(moved.contains(moved.bytes().subspan(5)));
  EXPECT_EQ(MappedFile(folder_ / "empty").size(), 0);
}

TEST_F(PlatformTest, MappedFileTellsWhatIsWrong) {
  const auto kind_of = [](const fs::path& path) {
    try {
      const MappedFile file(path);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInterrupted;
  };
  EXPECT_EQ(kind_of(folder_ / "none"), ErrorKind::kNotFound);
  EXPECT_EQ(kind_of(folder_), ErrorKind::kIo);
  EXPECT_EQ(kind_of("/dev/null"), ErrorKind::kIo);
  EXPECT_THAT([] { const MappedFile file(""); },
              testing::ThrowsMessage<Error>("a file's name is empty; give its path"));
}

TEST_F(PlatformTest, AtomicFileReplacesOnlyOnCommit) {
  put("file", "old");
  {
    AtomicFile file(folder_ / "file");
    file.write("lost");
  }
  EXPECT_EQ(get("file"), "old");
  EXPECT_EQ(files(), 1);
  fs::permissions(folder_ / "file", fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("file", folder_ / "link");
  AtomicFile file(folder_ / "link");
  const std::string large(3 << 20, 'x');
  file.write("new");
  file.write(large);
  EXPECT_EQ(file.size(), 3 + large.size());
  file.commit();
  EXPECT_EQ(get("file"), "new" + large);
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(fs::status(folder_ / "file").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(files(), 2);
}

TEST_F(PlatformTest, AtomicFolderAppearsOnlyOnCommit) {
  const fs::path target = folder_ / "adapter/";
  {
    AtomicFolder folder(target);
    AtomicFile(folder.path() / "file").commit();
    EXPECT_FALSE(fs::exists(target));
  }
  EXPECT_TRUE(fs::is_empty(folder_));
  fs::create_directory(target);
  AtomicFolder folder(target);
  AtomicFile(folder.path() / "file").commit();
  folder.commit();
  EXPECT_TRUE(fs::exists(target / "file"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
  EXPECT_THROW(AtomicFolder again(target), Error);
  EXPECT_THROW(AtomicFolder nowhere(folder_ / "none" / "folder"), Error);
}

TEST_F(PlatformTest, AtomicFileRefusesWhatIsNoFile) {
  EXPECT_THROW(AtomicFile(folder_ / "no" / "file"), Error);
  EXPECT_THROW(AtomicFile{folder_}, Error);
  EXPECT_THROW(AtomicFile("/dev/null"), Error);
  EXPECT_TRUE(fs::exists("/dev/null"));
}

TEST(HugeBuffer, IsAlignedZeroedAndMoves) {
  for (const size_t bytes : {size_t{1}, size_t{100}, kHugePageBytes - 1, kHugePageBytes, 3 * kHugePageBytes + 5}) {
    HugeBuffer buffer(bytes);
    ASSERT_EQ(buffer.size(), bytes);
    const size_t alignment = bytes >= kHugePageBytes ? kHugePageBytes : kCacheLineBytes;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % alignment, 0);
    EXPECT_EQ(buffer.bytes().back(), std::byte{0});
    buffer.bytes().back() = std::byte{1};
    HugeBuffer other;
    other = std::move(buffer);
    EXPECT_EQ(other.bytes().back(), std::byte{1});
  }
  EXPECT_EQ(HugeBuffer(0).size(), 0);
  EXPECT_EQ(HugeBuffer(10).as<int>().size(), 2);
}

TEST(HugeBuffer, SaysWhenThereIsNotEnough) {
  for (const size_t bytes : {size_t{1} << 62, ~size_t{0}}) {
    try {
      const HugeBuffer buffer(bytes);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kOutOfMemory);
    }
  }
}

// How many of these bytes lie in huge pages, by the kernel's list of the process's mappings.
size_t huge_bytes(std::span<const std::byte> bytes) {
  const auto first = reinterpret_cast<uintptr_t>(bytes.data());
  std::ifstream maps("/proc/self/smaps");
  const std::regex range("^([0-9a-f]+)-([0-9a-f]+) .*");
  const std::regex size("^AnonHugePages: +([0-9]+) kB$");
  bool inside = false;
  size_t total = 0;
  std::smatch match;
  for (std::string line; std::getline(maps, line);) {
    if (std::regex_match(line, match, range)) {
      inside = std::stoull(match[1], nullptr, 16) < first + bytes.size() && std::stoull(match[2], nullptr, 16) > first;
    } else if (inside && std::regex_match(line, match, size)) {
      total += std::stoull(match[1]) << 10;
    }
  }
  return total;
}

void touch(std::span<std::byte> bytes) {
  for (size_t i = 0; i < bytes.size(); i += 4096) bytes[i] = std::byte{1};
}

// Whether the system gives huge pages at this moment to memory that asks for them as the manual has it. It may have
// them turned off, or find no free ones.
bool system_gives_huge_pages(size_t bytes) {
  void* const address =
      ::mmap(nullptr, bytes + kHugePageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) return false;
  const std::span<std::byte> memory(static_cast<std::byte*>(address), bytes + kHugePageBytes);
  ::madvise(address, memory.size(), MADV_HUGEPAGE);
  touch(memory);
  const size_t huge = huge_bytes(memory);
  ::munmap(address, memory.size());
  return huge >= bytes;
}

TEST(HugeBuffer, LiesInHugePages) {
  constexpr size_t kBytes = 8 * kHugePageBytes;
  std::ifstream setting("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string words;
  if (!std::getline(setting, words)) GTEST_SKIP() << "this system has no transparent huge pages";
  if (words.find("[never]") != std::string::npos) GTEST_SKIP() << "transparent huge pages are turned off: " << words;
  const HugeBuffer buffer(kBytes + 5);
  touch(buffer.bytes());
  const size_t huge = huge_bytes(buffer.bytes());
  if (huge < kBytes && !system_gives_huge_pages(kBytes)) {
    GTEST_SKIP() << "the system gives no huge pages to whoever asks; setting: " << words;
  }
  EXPECT_GE(huge, kBytes);
}

// The kernel lists in /proc/cpuinfo what it lets programs use.
TEST(CpuFeatures, AgreeWithTheKernel) {
#if defined(__x86_64__)
  std::ifstream info("/proc/cpuinfo");
  std::string flags;
  bool amd = false;
  while (std::getline(info, flags) && !flags.starts_with("flags")) {
    if (flags.starts_with("vendor_id")) amd = flags.ends_with("AuthenticAMD");
  }
  flags += ' ';
  const auto has = [&](const std::string& flag) { return flags.find(" " + flag + " ") != std::string::npos; };
  const CpuFeatures f = detect_cpu_features();
  EXPECT_EQ(f.amd, amd);
  EXPECT_EQ(f.avx2, has("avx2"));
  EXPECT_EQ(f.fma, has("fma"));
  EXPECT_EQ(f.f16c, has("f16c"));
  EXPECT_EQ(f.bmi2, has("bmi2"));
  EXPECT_EQ(f.avx512f, has("avx512f"));
  EXPECT_EQ(f.avx512bw, has("avx512bw"));
  EXPECT_EQ(f.avx512vl, has("avx512vl"));
  EXPECT_EQ(f.avx512dq, has("avx512dq"));
  EXPECT_EQ(f.avx512vnni, has("avx512_vnni"));
  EXPECT_EQ(f.avx512bf16, has("avx512_bf16"));
  EXPECT_EQ(f.avxvnni, has("avx_vnni"));
  EXPECT_EQ(f.amx_bf16, has("amx_tile") && has("amx_bf16"));
#else
  EXPECT_FALSE(detect_cpu_features().avx2);
  EXPECT_FALSE(detect_cpu_features().amd);
#endif
}

TEST_F(PlatformTest, MemoryIsTheTightestLimit) {
  put("proc/meminfo", "MemTotal:       1000 kB\nMemAvailable:    600 kB\n");
  EXPECT_EQ(available_memory(folder_), 600 * 1024);
  put("proc/self/cgroup", "0::/a/b\n");
  put("sys/fs/cgroup/a/memory.max", "400000\n");
  put("sys/fs/cgroup/a/memory.current", "150000\n");
  put("sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 50000\n");
  put("sys/fs/cgroup/a/b/memory.max", "max\n");
  EXPECT_EQ(available_memory(folder_), 300000);
  put("proc/self/cgroup", "4:cpu,memory:/x\n0::/\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "200000\n");
  put("sys/fs/cgroup/memory/memory.usage_in_bytes", "300000\n");
  EXPECT_EQ(available_memory(folder_), 0);
  EXPECT_GT(available_memory(), 0);
}

TEST(Memory, PeakIsAtLeastTheTouchedMemory) {
  constexpr size_t kBytes = size_t{64} << 20;
  const uint64_t before = resident_memory();
  {
    const HugeBuffer buffer(kBytes);
    for (std::byte& byte : buffer.bytes()) byte = std::byte{1};
    EXPECT_GE(resident_memory(), before + kBytes / 2);
  }
  EXPECT_GE(peak_resident_memory(), kBytes);
}

TEST_F(PlatformTest, CoresCountHyperThreadsOnceAndObeyQuotas) {
  for (int i = 0; i < 8; ++i) {
    put("sys/devices/system/cpu/cpu" + std::to_string(i) + "/topology/thread_siblings_list",
        std::to_string(i % 4) + "," + std::to_string(i % 4 + 4) + "\n");
  }
  EXPECT_EQ(usable_cores({0, 1, 2, 3, 4, 5, 6, 7}, folder_), 4);
  EXPECT_EQ(usable_cores({0, 4}, folder_), 1);
  EXPECT_EQ(usable_cores({0, 1, 9}, folder_), 3);
  EXPECT_EQ(usable_cores({}, folder_), 1);
  put("proc/self/cgroup", "0::/a\n");
  put("sys/fs/cgroup/a/cpu.max", "150000 100000\n");
  EXPECT_EQ(usable_cores({0, 1, 2, 3}, folder_), 2);
  put("sys/fs/cgroup/a/cpu.max", "max 100000\n");
  EXPECT_EQ(usable_cores({0, 1, 2, 3}, folder_), 4);
  put("proc/self/cgroup", "1:cpu:/\n");
  put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(usable_cores({0, 1, 2, 3}, folder_), 4);
  put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
  EXPECT_EQ(usable_cores({0, 1, 2, 3}, folder_), 1);
  EXPECT_GE(default_threads(), 1);
  EXPECT_FALSE(allowed_processors().empty());
}

TEST_F(PlatformTest, ProcessorsCountHyperThreadsAndObeyQuotas) {
  put("sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0-1\n");
  put("sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "0-1\n");
  EXPECT_EQ(usable_processors({0, 1}, folder_), 2);
  EXPECT_EQ(usable_cores({0, 1}, folder_), 1);
  put("proc/self/cgroup", "0::/\n");
  put("sys/fs/cgroup/cpu.max", "100000 100000\n");
  EXPECT_EQ(usable_processors({0, 1}, folder_), 1);
  EXPECT_GE(usable_processors(), default_threads());
}

TEST(Cores, NoMoreThreadsAreUsedThanThereAreProcessors) {
  EXPECT_EQ(threads_to_use(1), 1);
  EXPECT_EQ(threads_to_use(1 << 20), usable_processors());
  EXPECT_EQ(threads_to_use(0), default_threads());
  EXPECT_EQ(threads_to_use(-1), default_threads());
}

// A folder tree like that of an Intel processor with two performance cores of two hyper-threads and four efficiency
// cores, which may well clock alike.
TEST_F(PlatformTest, ListsOfTheKindsNamePerformanceCores) {
  put("sys/devices/cpu_core/cpus", "0-3\n");
  put("sys/devices/cpu_atom/cpus", "4-7\n");
  for (int i = 0; i < 8; ++i) {
    const std::string folder = "sys/devices/system/cpu/cpu" + std::to_string(i);
    const std::string pair = i < 2 ? "0-1\n" : "2-3\n";
    put(folder + "/topology/thread_siblings_list", i < 4 ? pair : std::to_string(i) + "\n");
  }
  EXPECT_EQ(usable_cores({0, 1, 2, 3, 4, 5, 6, 7}, folder_), 2);
  EXPECT_EQ(usable_processors({0, 1, 2, 3, 4, 5, 6, 7}, folder_), 8);
  EXPECT_EQ(usable_cores({1, 4, 5, 6}, folder_), 1);
  EXPECT_EQ(usable_cores({4, 5, 6}, folder_), 3) << "efficiency cores where nothing else is allowed";
}

// As on an ARM processor with one prime, three large and four small cores.
TEST_F(PlatformTest, CapacitiesTellSmallCores) {
  const char* const capacities[] = {"325", "325", "325", "325", "870", "870", "870", "1024"};
  for (size_t i = 0; i < 8; ++i) {
    put("sys/devices/system/cpu/cpu" + std::to_string(i) + "/cpu_capacity", capacities[i]);
  }
  EXPECT_EQ(usable_cores({0, 1, 2, 3, 4, 5, 6, 7}, folder_), 4);
  EXPECT_EQ(usable_cores({0, 1, 2, 3}, folder_), 4);
  EXPECT_EQ(usable_cores({3, 7}, folder_), 1);
}

TEST_F(PlatformTest, FrequenciesTellSlowCores) {
  for (int i = 0; i < 6; ++i) {
    const std::string kilohertz = i == 0 ? "5200000\n" : i < 4 ? "5000000\n" : "3300000\n";
    put("sys/devices/system/cpu/cpu" + std::to_string(i) + "/cpufreq/cpuinfo_max_freq", kilohertz);
  }
  EXPECT_EQ(usable_cores({0, 1, 2, 3, 4, 5}, folder_), 4);
  EXPECT_EQ(usable_cores({0, 1, 2, 3, 4, 5, 6}, folder_), 7) << "where one is not rated, none is left out";
}

TEST(Cores, ProcessorListsAreRangesAndNumbers) {
  using testing::ElementsAre;
  EXPECT_THAT(parse_processor_list("0-3,8\n"), ElementsAre(0, 1, 2, 3, 8));
  EXPECT_THAT(parse_processor_list("5"), ElementsAre(5));
  EXPECT_THAT(parse_processor_list("2,4-5,7"), ElementsAre(2, 4, 5, 7));
  for (const char* text : {"", "\n", "x", "1-", "0-99999999999", "3,y"})
    EXPECT_TRUE(parse_processor_list(text).empty());
}

TEST(InterruptGuard, SetsAFlagOnceAndThenLetsGo) {
  struct sigaction before = {};
  ::sigaction(SIGINT, nullptr, &before);
  {
    InterruptGuard guard;
    EXPECT_FALSE(guard.requested());
    EXPECT_THROW(InterruptGuard{}, Error);
    ::raise(SIGINT);
    EXPECT_TRUE(guard.requested());
    struct sigaction second = {};
    ::sigaction(SIGINT, nullptr, &second);
    EXPECT_EQ(second.sa_handler, SIG_DFL);
    guard.clear();
    EXPECT_FALSE(guard.requested());
    ::raise(SIGTERM);
    EXPECT_TRUE(guard.requested());
  }
  struct sigaction after = {};
  ::sigaction(SIGINT, nullptr, &after);
  EXPECT_EQ(after.sa_handler, before.sa_handler);
}

}  // namespace
}  // namespace patina::platform
