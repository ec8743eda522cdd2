// A stand-in for libnvidia-ml.so.1, for tests on machines without a GPU. Its numbers do not come from
// hardware, and its device names and driver version say so.
//
// Its answers are read at each call from the file that NVML_STAND_IN names, which has one `KEY VALUE` per
// line:
//     init error 9          nvmlInit_v2 fails with 9; `init hang` and `init crash` hang and crash
//     count 4               number of GPUs (default: 2)
//     3.open error 4        GPU 3 has no handle (4: no permission)
//     0.power 350000        mW; also energy, sm_clock, memory_clock, temperature, memory, utilization,
//     0.power error 3       throttle, processes, uuid, name; or the error of that call, or hang, or crash
// Without the file every value has a default that depends on the GPU's number.
//
// It deliberately has its own declarations: those of agent/io/nvml.cpp are under test.
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#define NVML_API extern "C" __attribute__((visibility("default")))

namespace {

constexpr unsigned kMostGpus = 16;
constexpr int kInvalidArgument = 2, kNotFound = 6, kInsufficientSize = 7;

struct Answer {
  int code = 0;
  std::string value;
};

Answer answer_of(std::istringstream& words) {
  Answer answer;
  words >> answer.value;
  if (answer.value == "error") words >> answer.code;
  if (answer.value == "crash") std::abort();
  while (answer.value == "hang")
    ::pause();
  std::string more;
  if (std::getline(words, more)) answer.value += more;
  return answer;
}

// If several lines have the key, the last one counts.
Answer answer_for(const std::string& key, const std::string& fallback) {
  Answer answer{0, fallback};
  const char* path = std::getenv("NVML_STAND_IN");
  if (path == nullptr) return answer;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    if (words >> name && name == key) answer = answer_of(words);
  }
  return answer;
}

struct Gpu {
  unsigned number = 0;
};
Gpu gpus[kMostGpus];

unsigned number_of(const void* device) {
  return static_cast<const Gpu*>(device)->number;
}

Answer value_of(const void* device, const char* what, const std::string& fallback) {
  return answer_for(std::to_string(number_of(device)) + "." + what, fallback);
}

template <class Number>
int number(const void* device, const char* what, std::uint64_t fallback, Number* out) {
  const Answer answer = value_of(device, what, std::to_string(fallback));
  if (answer.code == 0) *out = static_cast<Number>(std::strtoull(answer.value.c_str(), nullptr, 10));
  return answer.code;
}

int text(const Answer& answer, char* out, unsigned bytes) {
  if (answer.code != 0) return answer.code;
  if (answer.value.size() + 1 > bytes) return kInsufficientSize;
  std::memcpy(out, answer.value.c_str(), answer.value.size() + 1);
  return 0;
}

std::string own_uuid(unsigned number) {
  return "GPU-57a4d1" + std::to_string(10 + number) + "-0000-0000-0000-000000000000";
}

unsigned count() {
  return static_cast<unsigned>(std::strtoul(answer_for("count", "2").value.c_str(), nullptr, 10));
}

}  // namespace

NVML_API int nvmlInit_v2() {
  for (unsigned i = 0; i < kMostGpus; ++i)
    gpus[i].number = i;
  return answer_for("init", "0").code;
}
NVML_API int nvmlShutdown() {
  return 0;
}
NVML_API const char* nvmlErrorString(int code) {
  switch (code) {
    case 3:
      return "Not Supported";
    case 4:
      return "Insufficient Permissions";
    case 6:
      return "Not Found";
    case 9:
      return "Driver Not Loaded";
    case 15:
      return "GPU is lost";
    default:
      return "Unknown Error";
  }
}
NVML_API int nvmlSystemGetDriverVersion(char* out, unsigned bytes) {
  return text(answer_for("driver", "0.0 stand-in"), out, bytes);
}

NVML_API int nvmlDeviceGetCount_v2(unsigned* out) {
  *out = count();
  return answer_for("count", "2").code;
}
NVML_API int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  if (index >= count() || index >= kMostGpus) return kInvalidArgument;
  *device = &gpus[index];
  return value_of(*device, "open", "").code;
}
NVML_API int nvmlDeviceGetHandleByUUID(const char* uuid, void** device) {
  for (unsigned i = 0; i < count(); ++i) {
    *device = &gpus[i];
    if (value_of(*device, "uuid", own_uuid(i)).value == uuid) return value_of(*device, "open", "").code;
  }
  return kNotFound;
}
NVML_API int nvmlDeviceGetName(void* device, char* out, unsigned bytes) {
  return text(value_of(device, "name", "stand-in GPU " + std::to_string(number_of(device)) + ", no hardware"),
              out, bytes);
}
NVML_API int nvmlDeviceGetUUID(void* device, char* out, unsigned bytes) {
  return text(value_of(device, "uuid", own_uuid(number_of(device))), out, bytes);
}

#ifndef STAND_IN_WITHOUT_POWER
NVML_API int nvmlDeviceGetPowerUsage(void* device, unsigned* milliwatts) {
  return number(device, "power", 100'000 * (number_of(device) + 1), milliwatts);
}
#endif
NVML_API int nvmlDeviceGetTotalEnergyConsumption(void* device, unsigned long long* millijoules) {
  return number(device, "energy", 5'000'000'000, millijoules);
}
NVML_API int nvmlDeviceGetClockInfo(void* device, int clock, unsigned* mhz) {
  if (clock != 1 && clock != 2) return kInvalidArgument;
  return clock == 1 ? number(device, "sm_clock", 1'980, mhz) : number(device, "memory_clock", 2'619, mhz);
}
NVML_API int nvmlDeviceGetTemperature(void* device, int sensor, unsigned* celsius) {
  if (sensor != 0) return kInvalidArgument;
  return number(device, "temperature", 40, celsius);
}
NVML_API int nvmlDeviceGetUtilizationRates(void* device, unsigned* gpu_and_memory) {
  gpu_and_memory[1] = 77;
  return number(device, "utilization", 0, gpu_and_memory);
}
NVML_API int nvmlDeviceGetComputeRunningProcesses_v3(void* device, unsigned* out, void* infos) {
  const unsigned room = *out;
  const int code = number(device, "processes", 0, out);
  if (code != 0) return code;
  return *out > room || (*out > 0 && infos == nullptr) ? kInsufficientSize : 0;
}

// total, free, used; `used` includes the memory that the driver reserves (1 GiB here).
NVML_API int nvmlDeviceGetMemoryInfo(void* device, unsigned long long* out) {
  const int code = number(device, "memory", 0, out + 2);
  if (code == 0) out[2] += 1ULL << 30;
  return code;
}

#ifdef STAND_IN_OF_OLD
NVML_API int nvmlDeviceGetCurrentClocksThrottleReasons(void* device, unsigned long long* bits) {
  return number(device, "throttle", 1, bits);
}
#else
NVML_API int nvmlDeviceGetCurrentClocksEventReasons(void* device, unsigned long long* bits) {
  return number(device, "throttle", 1, bits);
}
// version, then total, reserved, free, used.
NVML_API int nvmlDeviceGetMemoryInfo_v2(void* device, unsigned long long* out) {
  unsigned version = 0;
  std::memcpy(&version, out, sizeof version);
  if (version != 0x2000028) return 25;  // NVML_ERROR_ARGUMENT_VERSION_MISMATCH
  return number(device, "memory", 0, out + 4);
}
#endif
