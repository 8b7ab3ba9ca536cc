#pragma once
// What stands behind Upgrades: each device's upgrade, whose limit passes next, who waits for its
// turn to be converted. Only for this folder's upgrades*.cpp.

#include <deque>

#include "acs-plugin/upgrade/one_upgrade.hpp"

namespace sluice::upgrade::acs {

using service::SafePart;

struct Upgrades::Impl final : Hall {
    Impl(Upgrades& o, Surroundings s) : owner(o), surroundings(std::move(s)) {}

    const Surroundings& around() const override { return surroundings; }
    void say(service::SafeWord word) override { owner.words_.push_back(std::move(word)); }
    void call(const std::string& identity) override { owner.calls_.push_back(identity); }
    Result<service::SafeImage> find_image(const SafePart& part, const std::string& id_or_name,
                                          const std::string& version) const override {
        if (!owner.find_image) return Error{"image: nobody knows any here"};
        return owner.find_image(part, id_or_name, version);
    }
    Result<service::DownloadOrder> order_image(const SafePart& part,
                                               const std::string& id) const override {
        if (!owner.order_image) return Error{"image: nobody knows any here"};
        return owner.order_image(part, id);
    }
    void convert_in_turn(const SafePart& part, std::uint32_t number) override {
        to_convert.emplace_back(part, number);
        convert_next();
    }
    void converted(const SafePart& part, std::uint32_t number, Result<std::string> made) override;
    void convert_next();
    void resume(const SafePart& part, std::uint32_t number,
                const std::function<void(OneUpgrade&, Turn&)>& then) override;

    // One call from outside: from here on callbacks find its turn.
    template <class F>
    void take_turn(service::WallTime now, service::Changes& out, const F& act);
    // The same with a device's upgrade that is under way; false: none is.
    template <class F>
    bool with(const std::string& identity, service::WallTime now, service::Changes& out,
              const F& act);
    void follow(OneUpgrade& upgrade);
    OneUpgrade& add(std::unique_ptr<OneUpgrade> upgrade);
    void stop_waiting(const std::string& identity);
    OneUpgrade* active_of(const std::string& identity) const {
        const auto at = active.find(identity);
        return at == active.end() ? nullptr : at->second;
    }

    Upgrades& owner;
    const Surroundings surroundings;
    Turn* turn = nullptr;  // of the call that is under way
    std::map<SafePart, std::unique_ptr<OneUpgrade>> all;
    std::map<std::string, OneUpgrade*, std::less<>> active;  // by identity
    std::set<std::pair<Instant, SafePart>> deadlines;
    std::map<SafePart, Instant> deadline_of;
    // Not over, and without terms: nothing of them goes on, nor is anything of theirs let go.
    std::set<SafePart> in_abeyance;
    std::multimap<std::string, std::function<void()>> waiting;
    std::deque<std::pair<SafePart, std::uint32_t>> to_convert;
    std::size_t converting = 0;
};

template <class F>
void Upgrades::Impl::take_turn(service::WallTime now, service::Changes& out, const F& act) {
    Turn mine{now, out};
    auto* const before = std::exchange(turn, &mine);
    act(mine);
    turn = before;
}

template <class F>
bool Upgrades::Impl::with(const std::string& identity, service::WallTime now, service::Changes& out,
                          const F& act) {
    auto* upgrade = active_of(identity);
    if (upgrade == nullptr) return false;
    take_turn(now, out, [&](Turn& mine) { act(*upgrade, mine); });
    follow(*upgrade);
    return true;
}

}  // namespace sluice::upgrade::acs
