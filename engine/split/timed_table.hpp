#pragma once
// A bounded table whose records end by themselves: what one of the kernel's sets with time-outs is.

#include <cstddef>
#include <map>

#include "engine/base/time.hpp"

namespace sluice::split {

template <class Key>
class TimedTable {
public:
    explicit TimedTable(std::size_t most) : most_(most) {}

    bool has(const Key& key, Instant now) const {
        const auto at = ends_.find(key);
        return at != ends_.end() && now < at->second;
    }
    // A record that is there lives on until then; a new one needs room. False: no room.
    bool put(const Key& key, Instant now, Duration life) {
        if (!has(key, now)) {
            if (ends_.size() >= most_) drop_ended(now);
            if (ends_.size() >= most_) return false;
        }
        ends_[key] = now + life;
        return true;
    }
    void remove(const Key& key) { ends_.erase(key); }
    std::size_t size(Instant now) {
        drop_ended(now);
        return ends_.size();
    }

private:
    void drop_ended(Instant now) {
        std::erase_if(ends_, [now](const auto& record) { return record.second <= now; });
    }

    std::size_t most_;
    std::map<Key, Instant> ends_;
};

}  // namespace sluice::split
