#pragma once
// Where conversions run at a server that has other things to do: each on a thread of its own, so
// many at a time. Who asks for more waits with his configuration where it is (acs-plugin/upgrade
// does): here is no queue. What runs when it goes is killed, and says nothing any more.

#include <functional>
#include <memory>

#include "acs-plugin/conversion/conversion.hpp"

namespace sluice::conversion {

class Workshop {
public:
    explicit Workshop(std::size_t at_once);
    ~Workshop();
    Workshop(const Workshop&) = delete;
    Workshop& operator=(const Workshop&) = delete;

    using Done = std::function<void(Result<std::string>)>;
    // `limit` counts from here. `done` once, on a thread of the workshop's; at once, with an error,
    // where as many run as may.
    void run(Conversion by, std::string configuration, Duration limit, Done done);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::conversion
