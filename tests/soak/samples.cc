#include "tests/soak/samples.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tests/integration/processes.h"

namespace troupe::testing {
namespace {

template <typename F>
double MedianOf(const std::vector<Sample>& samples, size_t first, size_t last, F figure) {
  std::vector<double> values;
  for (size_t i = first; i < last; ++i) values.push_back(figure(samples[i]));
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

}  // namespace

void Look(Sample* sample) {
  std::vector<int> processes = Descendants(getpid());
  processes.push_back(getpid());
  for (const int pid : processes) {
    const std::string name = NameOf(pid);
    const Role role = pid == getpid()           ? kDriver
                      : name == "troupe-node"   ? kNode
                      : name == "troupe-worker" ? kWorker
                                                : kRoles;
    if (role == kRoles) continue;  // it is just being started
    double& anon = sample->anon_kib[role];
    double& descriptors = sample->descriptors[role];
    anon = std::max(anon, static_cast<double>(RssAnonKib(pid)));
    descriptors = std::max(descriptors, static_cast<double>(DescriptorsOf(pid)));
    sample->pss_kib += static_cast<double>(PssKib(pid));
  }
}

std::string JsonOf(const Sample& sample) {
  char text[256];
  std::snprintf(text, sizeof(text),
                "{\"seconds\": %.2f, \"calls\": %llu, \"objects\": %llu, \"deaths\": %llu, "
                "\"pss_kib\": %.0f, \"latency_us\": %.1f",
                sample.seconds, static_cast<unsigned long long>(sample.calls),
                static_cast<unsigned long long>(sample.objects),
                static_cast<unsigned long long>(sample.deaths), sample.pss_kib, sample.latency_us);
  std::string line = text;
  for (size_t role = 0; role < kRoles; ++role) {
    const std::string name(kRoleNames[role]);
    std::snprintf(text, sizeof(text), ", \"%s_anon_kib\": %.0f, \"%s_descriptors\": %.0f",
                  name.c_str(), sample.anon_kib[role], name.c_str(), sample.descriptors[role]);
    line += text;
  }
  return line + "}";
}

std::vector<std::string> Growths(const std::vector<Sample>& samples) {
  std::vector<std::string> growths;
  const size_t quarter = samples.size() / 4;
  if (quarter == 0) return {"too few samples to judge: " + std::to_string(samples.size())};
  const auto judge = [&](const std::string& what, Bound bound, auto figure) {
    const double before = MedianOf(samples, quarter, 2 * quarter, figure);
    const double after = MedianOf(samples, samples.size() - quarter, samples.size(), figure);
    if (after - before <= std::max(bound.ratio * before, bound.slack)) return;
    char text[256];
    std::snprintf(text, sizeof(text), "%s grew from %.0f to %.0f", what.c_str(), before, after);
    growths.emplace_back(text);
  };
  for (size_t role = 0; role < kRoles; ++role) {
    const std::string name(kRoleNames[role]);
    judge("the " + name + "'s own memory (KiB)", kMemoryBound,
          [&](const Sample& sample) { return sample.anon_kib[role]; });
    judge("the " + name + "'s descriptors", kDescriptorBound,
          [&](const Sample& sample) { return sample.descriptors[role]; });
  }
  judge("the memory of all processes (KiB)", kMemoryBound,
        [](const Sample& sample) { return sample.pss_kib; });
  judge("the time of a small call (us)", kLatencyBound,
        [](const Sample& sample) { return sample.latency_us; });
  return growths;
}

}  // namespace troupe::testing
