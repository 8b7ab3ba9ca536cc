#pragma once
// Where files come from that a node should give and has not: another node (acs-plugin/cluster). An
// interface, so that an origin without others has none. On the io_context's thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "acs-plugin/origin/shelf.hpp"
#include "acs-plugin/service/rows.hpp"

namespace sluice::origin {

// An image on its way here: of as many bytes as it will have, and the first of them verified.
struct Coming {
    std::string id;
    std::shared_ptr<const OpenFile> file;
    std::uint64_t verified = 0;
    bool is_over = false;  // no more comes of it
};

class Supply {
public:
    virtual ~Supply() = default;
    // Begins to bring it, unless that is under way. `there`, once, from inside or later: true, the
    // shelf has its layer, and has it or coming() does; false: not now, it is to be asked for
    // again.
    virtual void bring(const service::ImageRow& image, std::function<void(bool)> there) = 0;
    // Null: it is not on its way, or nothing of it is verified yet.
    virtual std::shared_ptr<const Coming> coming(std::string_view id) const = 0;
    // `stepped` hears of each image of which more is there, or that is over.
    virtual void watch(std::function<void(const std::string& id)> stepped) = 0;
};

}  // namespace sluice::origin
