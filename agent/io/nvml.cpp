#include "agent/io/nvml.hpp"

#include <dlfcn.h>

#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "util/text.hpp"

namespace sweep::agent {

namespace {

// ---- NVML's binary interface, as far as it is used

using Result = int;  // nvmlReturn_t
constexpr Result kSuccess = 0, kNoPermission = 4, kNotFound = 6, kInsufficientSize = 7;
using Device = void*;                       // nvmlDevice_t
constexpr int kClockSm = 1, kClockMem = 2;  // nvmlClockType_t
constexpr int kSensorGpu = 0;               // nvmlTemperatureSensors_t

struct Memory {  // nvmlMemory_t
  unsigned long long total = 0, free = 0, used = 0;
};
struct MemoryV2 {  // nvmlMemory_v2_t: `used` does not include what the driver reserves
  unsigned version = 0;
  unsigned long long total = 0, reserved = 0, free = 0, used = 0;
};
static_assert(sizeof(MemoryV2) == 40);
constexpr unsigned kMemoryV2 = unsigned{sizeof(MemoryV2)} | 2U << 24;  // NVML_STRUCT_VERSION
struct Utilization {                                                   // nvmlUtilization_t
  unsigned gpu = 0, memory = 0;
};

constexpr std::size_t kTextBytes = 96;  // NVML_DEVICE_NAME_V2_BUFFER_SIZE, NVML_DEVICE_UUID_V2_BUFFER_SIZE
using Buffer = std::array<char, kTextBytes>;

std::string text_of(const Buffer& buffer) {
  const std::string all(buffer.data(), buffer.size());
  return printable(all.substr(0, all.find('\0')));
}

bool is_mig(const std::string& id) {
  return id.starts_with("MIG-");
}

std::optional<unsigned> index_in(const std::string& id) {
  unsigned index = 0;
  const auto [end, code] = std::from_chars(id.data(), id.data() + id.size(), index);
  if (code != std::errc() || end != id.data() + id.size()) return std::nullopt;
  return index;
}

}  // namespace

// ---- the library

struct Nvml::Library {
  Result (*init)() = nullptr;
  Result (*shutdown)() = nullptr;
  const char* (*error_text)(Result) = nullptr;
  Result (*driver_version)(char*, unsigned) = nullptr;
  Result (*count)(unsigned*) = nullptr;
  Result (*by_index)(unsigned, Device*) = nullptr;
  Result (*by_uuid)(const char*, Device*) = nullptr;
  Result (*name)(Device, char*, unsigned) = nullptr;
  Result (*uuid)(Device, char*, unsigned) = nullptr;
  Result (*power)(Device, unsigned*) = nullptr;
  Result (*energy)(Device, unsigned long long*) = nullptr;
  Result (*clock)(Device, int, unsigned*) = nullptr;
  Result (*temperature)(Device, int, unsigned*) = nullptr;
  Result (*memory_v1)(Device, Memory*) = nullptr;
  Result (*memory_v2)(Device, MemoryV2*) = nullptr;  // may be missing
  Result (*utilization)(Device, Utilization*) = nullptr;
  Result (*throttle_reasons)(Device, unsigned long long*) = nullptr;
  Result (*processes)(Device, unsigned*, void*) = nullptr;

  std::string missing;  // the first function that was not found
  bool initialised = false;

  explicit Library(void* handle) {
    find(handle, init, {"nvmlInit_v2"});
    find(handle, shutdown, {"nvmlShutdown"});
    find(handle, error_text, {"nvmlErrorString"});
    find(handle, driver_version, {"nvmlSystemGetDriverVersion"});
    find(handle, count, {"nvmlDeviceGetCount_v2"});
    find(handle, by_index, {"nvmlDeviceGetHandleByIndex_v2"});
    find(handle, by_uuid, {"nvmlDeviceGetHandleByUUID"});
    find(handle, name, {"nvmlDeviceGetName"});
    find(handle, uuid, {"nvmlDeviceGetUUID"});
    find(handle, power, {"nvmlDeviceGetPowerUsage"});
    find(handle, energy, {"nvmlDeviceGetTotalEnergyConsumption"});
    find(handle, clock, {"nvmlDeviceGetClockInfo"});
    find(handle, temperature, {"nvmlDeviceGetTemperature"});
    find(handle, memory_v1, {"nvmlDeviceGetMemoryInfo"});
    find(handle, utilization, {"nvmlDeviceGetUtilizationRates"});
    // The same function under two names. The first is deprecated, but all libraries have it.
    find(handle, throttle_reasons,
         {"nvmlDeviceGetCurrentClocksThrottleReasons", "nvmlDeviceGetCurrentClocksEventReasons"});
    // Only the number of processes is asked for. That takes no struct, so it works in the same way with all
    // three.
    find(handle, processes,
         {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2",
          "nvmlDeviceGetComputeRunningProcesses"});
    memory_v2 = reinterpret_cast<decltype(memory_v2)>(::dlsym(handle, "nvmlDeviceGetMemoryInfo_v2"));
  }
  ~Library() {
    // The library stays loaded: unloading code that has threads and state gains nothing.
    if (initialised) shutdown();
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  template <class Function>
  void find(void* handle, Function& out, std::initializer_list<const char*> names) {
    for (const char* one : names) {
      out = reinterpret_cast<Function>(::dlsym(handle, one));
      if (out != nullptr) return;
    }
    if (missing.empty()) missing = *names.begin();
  }

  /// Reads the memory in use, without what the driver reserves if the library separates the two.
  Result used(Device device, unsigned long long* bytes) const {
    MemoryV2 memory;
    memory.version = kMemoryV2;
    if (memory_v2 != nullptr && memory_v2(device, &memory) == kSuccess) {
      *bytes = memory.used;
      return kSuccess;
    }
    Memory old;
    const Result code = memory_v1(device, &old);
    *bytes = old.used;
    return code;
  }

  std::string why(Result code) const {
    const char* text = error_text(code);
    return "NVML: " + printable(text != nullptr ? text : "") + " (" + std::to_string(code) + ")";
  }
};

Expected<Nvml> Nvml::open(const std::string& library) {
  void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = ::dlerror();
    return fail("no NVML: " + (why != nullptr ? printable(why) : "cannot load " + library));
  }
  auto loaded = std::make_unique<Library>(handle);
  if (!loaded->missing.empty()) return fail("no NVML: " + library + " has no " + loaded->missing);
  if (const Result code = loaded->init(); code != kSuccess) return fail(loaded->why(code));
  loaded->initialised = true;
  return Nvml(std::move(loaded));
}

Nvml::Nvml(std::unique_ptr<Library> library) : library_(std::move(library)) {}
Nvml::Nvml(Nvml&&) noexcept = default;
Nvml& Nvml::operator=(Nvml&&) noexcept = default;
Nvml::~Nvml() = default;

// ---- which GPU

Expected<int> Nvml::count() const {
  unsigned count = 0;
  if (const Result code = library_->count(&count); code != kSuccess) return fail(library_->why(code));
  return static_cast<int>(count);
}

// NVML may count GPUs that this process may not open (documentation of nvmlDeviceGetCount_v2). CUDA does not.
Expected<void*> Nvml::by_index(unsigned index) const {
  unsigned count = 0;
  if (const Result code = library_->count(&count); code != kSuccess) return fail(library_->why(code));
  unsigned open = 0;
  for (unsigned i = 0; i < count; ++i) {
    Device device = nullptr;
    const Result code = library_->by_index(i, &device);
    if (code == kNoPermission) continue;
    if (open++ < index) continue;
    if (code != kSuccess) return fail(library_->why(code));
    return device;
  }
  return fail("NVML shows " + counted(open, "GPU") + " to this process");
}

Expected<void*> Nvml::by_uuid(const std::string& id) const {
  Device device = nullptr;
  const Result code = library_->by_uuid(id.c_str(), &device);
  if (code == kSuccess) return device;
  unsigned count = 0;
  if (is_mig(id) || library_->count(&count) != kSuccess) return fail(library_->why(code));
  std::vector<Device> fitting;
  for (unsigned i = 0; i < count; ++i) {
    Buffer uuid{};
    if (library_->by_index(i, &device) == kSuccess &&
        library_->uuid(device, uuid.data(), kTextBytes) == kSuccess && text_of(uuid).starts_with(id)) {
      fitting.push_back(device);
    }
  }
  if (fitting.size() > 1) return fail("more than one GPU has a UUID with this prefix");
  if (fitting.empty()) return fail(library_->why(code == kSuccess ? kNotFound : code));
  return fitting.front();
}

Expected<void*> Nvml::handle(const std::string& id) {
  if (const auto known = handles_.find(id); known != handles_.end()) return known->second;
  const auto index = index_in(id);
  const bool is_uuid = id.starts_with("GPU-") || is_mig(id);
  if (!index && !is_uuid) return fail("its name is neither an index nor a UUID");
  auto found = index ? by_index(*index) : by_uuid(id);
  if (found) handles_[id] = *found;
  return found;
}

// ---- reading values

std::string Nvml::driver_version() const {
  Buffer text{};
  return library_->driver_version(text.data(), kTextBytes) == kSuccess ? text_of(text) : std::string();
}

GpuFacts Nvml::facts(const std::string& id) {
  GpuFacts facts;
  facts.gpu = id;
  const auto device = handle(id);
  if (!device) {
    facts.problem = device.error().message;
    return facts;
  }
  Buffer text{};
  if (library_->name(*device, text.data(), kTextBytes) == kSuccess) facts.name = text_of(text);
  text.fill('\0');
  if (library_->uuid(*device, text.data(), kTextBytes) == kSuccess) facts.uuid = text_of(text);
  return facts;
}

Expected<GpuSample> Nvml::read(const std::string& id, Instant at) {
  SWEEP_ASSIGN(const auto device, handle(id));
  const Library& nvml = *library_;
  GpuSample sample;
  sample.at = at;
  sample.gpu = id;
  Result last = kNotFound;
  bool any = false;
  const auto take = [&](std::optional<std::int64_t>& field, Result code, const auto& value) {
    if (code != kSuccess) last = code;
    if (code != kSuccess || static_cast<std::int64_t>(value) < 0) return;  // all bits set: not available
    field = static_cast<std::int64_t>(value);
    any = true;
  };
  const auto ask = [&](std::optional<std::int64_t>& field, auto function, auto... which) {
    unsigned value = 0;
    take(field, function(device, which..., &value), value);
  };
  const auto ask_long = [&](std::optional<std::int64_t>& field, auto function) {
    unsigned long long value = 0;
    take(field, function(device, &value), value);
  };
  if (!is_mig(id)) {
    ask(sample.power_mw, nvml.power);
    ask_long(sample.energy_mj, nvml.energy);
  }
  ask(sample.sm_clock_mhz, nvml.clock, kClockSm);
  ask(sample.memory_clock_mhz, nvml.clock, kClockMem);
  ask(sample.temperature_c, nvml.temperature, kSensorGpu);
  ask_long(sample.memory_used_bytes,
           [&](Device of, unsigned long long* used) { return nvml.used(of, used); });
  Utilization utilization;
  const Result utilized = nvml.utilization(device, &utilization);
  take(sample.utilization_percent, utilized, utilization.gpu);
  take(sample.memory_utilization_percent, utilized, utilization.memory);
  ask_long(sample.throttle_reasons, nvml.throttle_reasons);
  unsigned processes = 0;
  const Result code = nvml.processes(device, &processes, nullptr);
  take(sample.processes, code == kInsufficientSize ? kSuccess : code, processes);
  if (any) return sample;
  handles_.erase(id);  // after a reset the GPU has another handle
  return fail(nvml.why(last));
}

}  // namespace sweep::agent
