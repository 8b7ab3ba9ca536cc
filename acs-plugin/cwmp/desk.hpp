#pragma once
// Where the endpoint takes what devices say, and gets what to tell them: the planner with its store
// behind it (acs-plugin/acs), on this node or on another. Nothing comes back from here before what
// it follows from is durable.
//
// Every callback is called once, from inside the call or later, on the caller's thread; what was
// asked first is done first. A desk whose planner is away (another node that does not answer) says
// so: the session then ends with 503, and the device's own retry rules bring it back.

#include <functional>
#include <optional>
#include <string>

#include "acs-plugin/service/orders.hpp"
#include "acs-plugin/service/planner.hpp"
#include "acs-plugin/service/rows.hpp"

namespace sluice::cwmp::acs {

enum class DeskWord : std::uint8_t {
    taken,
    refused,  // a report out of bounds: `why` says which
    away,
};

class Desk {
public:
    struct Found {
        DeskWord word = DeskWord::taken;
        std::optional<service::DeviceRow> row;  // nothing: a device nobody has seen
    };
    struct Told {
        DeskWord word = DeskWord::taken;
        std::string why;
    };
    struct Order {
        DeskWord word = DeskWord::taken;
        std::optional<service::DeviceOrder> order;  // nothing: nothing is to be done
    };

    virtual ~Desk() = default;
    // What is known of it.
    virtual void find(const std::string& identity, std::function<void(Found)> then) = 0;
    // InformResponse promises nothing and does not wait for the medium.
    virtual void on_contact(const service::Contact& contact, std::function<void(Told)> then) = 0;
    // False: not written down; the device must come again.
    virtual void on_transfer_complete(const std::string& identity, const std::string& command_key,
                                      std::uint32_t fault, const std::string& why,
                                      std::function<void(bool)> recorded) = 0;
    virtual void next_order(const std::string& identity, std::function<void(Order)> give) = 0;
    virtual void on_order_answer(const std::string& identity,
                                 const service::OrderAnswer& answer) = 0;
};

}  // namespace sluice::cwmp::acs
