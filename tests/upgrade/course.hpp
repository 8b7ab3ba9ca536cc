#pragma once
// Runs a procedure by hand: what it asks for is written as one line, and answered by the test.

#include <string>

#include "engine/upgrade/procedure.hpp"

namespace sluice::upgrade {

class Course {
public:
    explicit Course(const Policy& policy = {}) : is_(policy) {}

    Course& on(const Event& event) {
        Actions out;
        is_.on(event, now, out);
        for (const auto& action : out) note(action);
        return *this;
    }
    Course& start() { return on(Start{}).on(Found{number(), false, true, true}); }
    Course& done() { return ended(Outcome::done, Reason::none); }
    Course& done(int times) {
        for (int i = 0; i < times; ++i) done();
        return *this;
    }
    Course& ended(Outcome outcome, Reason reason = Reason::failure) {
        return on(Ended{number(), outcome, reason});
    }
    // To the next deadline, and a tick there.
    Course& wait() {
        now = is_.next_deadline();
        return on(Tick{});
    }
    // A step that fails until its attempts are used up.
    Course& fail_for_good() {
        const auto step = record().step;
        while (!is_.is_over() && record().question == Step::end &&
               arrow(record().step).again == arrow(step).again) {
            if (record().is_open)
                ended(Outcome::failed);
            else
                wait();
        }
        return *this;
    }
    // What it asked for since the last call: "transfer#3 …", without what was only recorded.
    std::string said() { return std::exchange(said_, {}); }

    const Record& record() const { return is_.record(); }
    Instant deadline() const { return is_.next_deadline(); }
    std::uint32_t number() const { return record().number; }

    Instant now{std::chrono::hours(1)};

private:
    void note(const Action& action) {
        if (const auto* what = std::get_if<Do>(&action)) {
            add(name_of(what->step));
            if (what->attempt > 1) said_ += "*" + std::to_string(what->attempt);
        } else if (const auto* asked = std::get_if<Ask>(&action)) {
            add("ask:" + std::string(name_of(asked->step)));
        } else if (std::holds_alternative<Drop>(action)) {
            add("drop");
        } else if (const auto* over = std::get_if<Over>(&action)) {
            add("= " + std::string(name_of(over->end)));
        }
    }
    void add(std::string_view word) {
        if (!said_.empty()) said_ += ' ';
        said_ += word;
    }

    Procedure is_;
    std::string said_;
};

}  // namespace sluice::upgrade
