#include "acs-plugin/conversion/workshop.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <mutex>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

namespace sluice::conversion {

struct Workshop::Impl {
    explicit Impl(std::size_t most) : at_once(most), stop(::eventfd(0, EFD_CLOEXEC)) {}
    ~Impl() {
        is_closing = true;
        if (stop >= 0) (void)::eventfd_write(stop, 1);
        for (auto& bench : benches) bench.thread.join();
        if (stop >= 0) ::close(stop);
    }

    struct Bench {
        std::thread thread;
        std::atomic<bool> is_free{false};  // its thread is over but for its last step
    };

    const std::size_t at_once;
    const int stop;  // an eventfd; readable once it closes
    std::atomic<bool> is_closing{false};
    std::list<Bench> benches;  // of the caller's thread
};

Workshop::Workshop(std::size_t at_once) : impl_(std::make_unique<Impl>(at_once)) {}
Workshop::~Workshop() = default;

void Workshop::run(Conversion by, std::string configuration, Duration limit, Done done) {
    auto& it = *impl_;
    if (it.stop < 0) return done(Error{std::string("eventfd: ") + std::strerror(errno)});
    for (auto bench = it.benches.begin(); bench != it.benches.end();) {
        if (!bench->is_free) {
            ++bench;
            continue;
        }
        bench->thread.join();
        bench = it.benches.erase(bench);
    }
    if (it.benches.size() >= it.at_once)
        return done(Error{std::to_string(it.at_once) + " conversions are under way"});
    auto& bench = it.benches.emplace_back();
    bench.thread = std::thread([&it, &bench, by = std::move(by), text = std::move(configuration),
                                limit, done = std::move(done)] {
        auto made = convert(by, text, limit, it.stop);
        bench.is_free = true;
        if (!it.is_closing) done(std::move(made));
    });
}

}  // namespace sluice::conversion
