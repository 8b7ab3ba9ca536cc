#include "acs-plugin/iad/device/device.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <sys/stat.h>
#include <thread>

#include "acs-plugin/iad/device/order_memory.hpp"
#include "acs-plugin/iad/device/work.hpp"
#include "acs-plugin/iad/files.hpp"
#include "engine/net/log.hpp"

namespace sluice::iad {

struct Device::Impl : std::enable_shared_from_this<Device::Impl> {
    DeviceOptions options;
    std::function<void(std::function<void()>)> post;
    std::function<void(const Outcome&)> told;
    std::optional<OrderMemory> memory;  // always, once open
    Facts facts;
    bool is_looking = false;

    std::atomic<bool> is_stopped{false};
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::function<void(Work&)>> jobs;
    std::thread worker;

    void say() {
        if (told) told(memory->outcome());
    }
    // To the worker's thread.
    void enqueue(std::function<void(Work&)> job) {
        {
            const std::lock_guard lock(mutex);
            jobs.push_back(std::move(job));
        }
        wake.notify_one();
    }
    // From the worker's thread; nothing for a device that is gone.
    void tell(std::function<void(Impl&)> what) {
        post([weak = weak_from_this(), what = std::move(what)] {
            if (const auto self = weak.lock()) what(*self);
        });
    }

    void serve() {
        std::uint32_t last = 0;
        Work work(
            options,
            [this, &last](std::uint32_t percent) {
                if (percent == last) return;
                last = percent;
                tell([percent](Impl& self) { self.on_progress(percent); });
            },
            is_stopped);
        for (;;) {
            std::function<void(Work&)> job;
            {
                std::unique_lock lock(mutex);
                wake.wait(lock, [this] { return is_stopped || !jobs.empty(); });
                if (is_stopped) return;
                job = std::move(jobs.front());
                jobs.pop_front();
            }
            last = 0;
            job(work);
        }
    }

    void on_progress(std::uint32_t percent) {
        if (memory->outcome().state != State::running) return;
        memory->progress(percent);
        say();
    }

    void on_end(Outcome outcome) {
        if (const auto kept = memory->end(std::move(outcome)); !kept.has_value())
            net::log(net::LogLevel::error, kept.error().message);
        const auto& is = memory->outcome();
        net::log_info("order ended", {{"order", std::to_string(is.number)},
                                      {"state", std::to_string(static_cast<int>(is.state))},
                                      {"why", is.reason}});
        say();
    }

    Result<void> recall() {
        const auto path = options.state + "/last-order.json";
        Bytes kept;
        if (std::filesystem::exists(path)) {
            SLUICE_TRY(kept, read_whole(path, OrderMemory::kMaxBytes));
        }
        auto opened =
            OrderMemory::open(kept, [path](ByteView bytes) { return write_durably(path, bytes); });
        if (!opened) return Error{path + ": " + opened.error().message};
        memory = std::move(opened.value());
        return success();
    }
};

Result<std::unique_ptr<Device>> Device::open(DeviceOptions options,
                                             std::function<void(std::function<void()>)> post) {
    ::mkdir(options.state.c_str(), S_IRWXU);
    auto impl = std::make_shared<Impl>();
    impl->options = std::move(options);
    impl->post = std::move(post);
    SLUICE_CHECK(impl->recall());
    impl->worker = std::thread([raw = impl.get()] { raw->serve(); });
    return std::unique_ptr<Device>(new Device(std::move(impl)));
}

Device::Device(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Device::~Device() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->is_stopped = true;
    }
    impl_->wake.notify_one();
    impl_->worker.join();
}

void Device::on_outcome(std::function<void(const Outcome&)> told) {
    impl_->told = std::move(told);
}

void Device::look(std::function<void()> told) {
    if (std::exchange(impl_->is_looking, true)) return;
    impl_->enqueue([impl = impl_.get(), told = std::move(told)](Work& work) {
        impl->tell([facts = work.look(), told](Impl& self) {
            self.is_looking = false;
            self.facts = facts;
            told();
        });
    });
}

Taken Device::take(const Order& order, const FileServer& server) {
    const auto taken = impl_->memory->take(order, server);
    if (taken == Taken::repeated) impl_->say();
    if (taken != Taken::begun) return taken;
    net::log_info("order begins",
                  {{"order", std::to_string(order.number)},
                   {"what", std::string(kCommandNames[static_cast<std::size_t>(order.command)])}});
    impl_->say();
    impl_->enqueue([impl = impl_.get(), order, server](Work& work) {
        impl->tell([outcome = work.carry_out(order, server)](Impl& self) { self.on_end(outcome); });
    });
    return Taken::begun;
}

const Order& Device::order() const {
    return impl_->memory->order();
}
const Outcome& Device::outcome() const {
    return impl_->memory->outcome();
}
const Facts& Device::facts() const {
    return impl_->facts;
}

}  // namespace sluice::iad
