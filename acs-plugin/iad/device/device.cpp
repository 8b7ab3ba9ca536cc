#include "acs-plugin/iad/device/device.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <sys/stat.h>
#include <thread>

#include "acs-plugin/iad/device/memory.hpp"
#include "acs-plugin/iad/device/work.hpp"
#include "engine/net/log.hpp"

namespace sluice::iad {

struct Device::Impl : std::enable_shared_from_this<Device::Impl> {
    DeviceOptions options;
    std::function<void(std::function<void()>)> post;
    std::function<void(const Outcome&)> told;
    Memory memory;
    Facts facts;
    bool is_looking = false;

    std::atomic<bool> is_stopped{false};
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::function<void(Work&)>> jobs;
    std::thread worker;

    std::string path() const { return options.state + "/last-order.json"; }

    void say() {
        if (told) told(memory.outcome);
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
        if (memory.outcome.state != State::running) return;
        memory.outcome.progress = percent;
        say();
    }

    // Durable, then told. What cannot be kept has failed, whatever it was: the manager asks again.
    void on_end(Outcome outcome) {
        memory.outcome = std::move(outcome);
        const auto kept = keep_memory(path(), memory);
        if (!kept.has_value()) {
            net::log(net::LogLevel::error, kept.error().message);
            memory.outcome.state = State::failed;
            memory.outcome.reason = kept.error().message.substr(0, kMaxReason);
        }
        net::log_info("order ended",
                      {{"order", std::to_string(memory.order.number)},
                       {"state", std::to_string(static_cast<int>(memory.outcome.state))},
                       {"why", memory.outcome.reason}});
        say();
    }

    // What the last process left under way.
    void settle() {
        auto& is = memory.outcome;
        if (is.state != State::running) return;
        const bool is_start = is.command == Command::reset || is.command == Command::roll_back;
        is.state = is_start ? State::done : State::failed;
        if (!is_start) is.reason = "the device started again";
        is.progress = is_start ? 100 : is.progress;
    }
};

Result<std::unique_ptr<Device>> Device::open(DeviceOptions options,
                                             std::function<void(std::function<void()>)> post) {
    ::mkdir(options.state.c_str(), S_IRWXU);
    auto impl = std::make_shared<Impl>();
    impl->options = std::move(options);
    impl->post = std::move(post);
    SLUICE_TRY(impl->memory, read_memory(impl->path()));
    impl->settle();
    SLUICE_CHECK(keep_memory(impl->path(), impl->memory));
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
    auto& memory = impl_->memory;
    if (order.number == 0 || order.command == Command::none) return Taken::malformed;
    if (order.number == memory.order.number) {
        impl_->say();
        return Taken::repeated;
    }
    if (memory.outcome.state == State::running) return Taken::busy;
    const bool has_file = order.command != Command::reset && order.command != Command::roll_back;
    if (has_file && (!is_file_name(order.file) || server.host.empty())) return Taken::malformed;
    if (order.command == Command::convert && !is_file_name(order.source)) return Taken::malformed;

    Memory next{order, {order.number, order.command, State::running, 0, {}, 0, {}}};
    if (const auto kept = keep_memory(impl_->path(), next); !kept.has_value()) {
        net::log(net::LogLevel::error, kept.error().message);
        return Taken::busy;  // the manager tries again
    }
    memory = std::move(next);
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
    return impl_->memory.order;
}
const Outcome& Device::outcome() const {
    return impl_->memory.outcome;
}
const Facts& Device::facts() const {
    return impl_->facts;
}

}  // namespace sluice::iad
