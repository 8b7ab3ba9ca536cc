#pragma once
// Payload on its way from the origin to devices: each as fast as its site, its rollout and the
// origin as a whole may, and no further than the file is here; every byte that went to the kernel
// told to the token book. Single-threaded, with the server whose exchanges they are.

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "acs-plugin/origin/origin.hpp"
#include "acs-plugin/origin/rates.hpp"
#include "acs-plugin/origin/supply.hpp"
#include "engine/http/range.hpp"

namespace sluice::origin {

// A file to give: all of it, or as much as has come.
struct Source {
    std::shared_ptr<const OpenFile> file;
    std::shared_ptr<const Coming> coming;  // null: all of it is here
};

class Transfers {
public:
    // All outlive it.
    Transfers(boost::asio::io_context& io, const OriginOptions& options, TokenBook& tokens,
              OriginCounters& counters, net::HttpServer& http);
    ~Transfers();

    std::size_t count() const { return all_.size(); }
    // The exchange's head was started; its body is these bytes.
    void begin(net::ExchangeId id, const service::Grant& grant, Source source,
               const http::ByteRange& bytes);
    // As net::HttpHandler's; of exchanges that are none of these nothing happens.
    void on_sent(net::ExchangeId id, std::uint32_t bytes);
    void on_closed(net::ExchangeId id);
    // More of that image is here, or no more comes.
    void on_step(const std::string& image);

private:
    struct Each {
        service::Grant grant;
        Passage passage;
        Source source;
        std::uint64_t at = 0, end = 0;  // not handed over yet
        std::uint32_t on_its_way = 0;   // handed over and not sent
        bool is_counted = false;
        bool is_starved = false;  // waits for bytes to come
    };
    Passage passage_of(const service::Grant& grant) const;
    void hand_over(net::ExchangeId id);
    void starve(net::ExchangeId id, Each& each);
    void arm_timer();
    Instant now() const { return options_.clock(); }

    const OriginOptions& options_;
    TokenBook& tokens_;
    OriginCounters& counters_;
    net::HttpServer& http_;
    RateLadder rates_;
    std::unordered_map<std::uint32_t, Each> all_;
    struct Timer;
    std::unique_ptr<Timer> timer_;
    Instant timer_at_ = Instant::never();
};

}  // namespace sluice::origin
