#pragma once
// One session's words of a CPE, gathered: its Inform, then what it answered to GetParameterValues;
// and the Contact that the planner makes its mind up from. What a device does not say this time
// stands as it was (`known`), unless it was asked and has it no more.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "acs-plugin/mapping/parameter_mapping.hpp"
#include "acs-plugin/service/planner.hpp"
#include "engine/cwmp/messages.hpp"
#include "engine/inventory/address.hpp"

namespace sluice::mapping {

// "OUI-ProductClass-Serial", as the planner will know it.
std::string identity_of(const cwmp::DeviceId& device);

class Reading {
public:
    // `mapping` outlives it.
    explicit Reading(const ParameterMapping& mapping) : mapping_(&mapping) {}

    // `known` as below: whose data model it is, where an Inform without parameters does not say.
    void take(const cwmp::Inform& inform, cwmp::Namespace ns,
              const service::DeviceRow* known = nullptr);
    void take(const cwmp::GetParameterValuesResponse& answer);
    // The asking is over: what is not here now is nowhere.
    void was_asked() { was_asked_ = true; }

    // What to ask for: the paths that this CPE lacks, none where `known` says that nothing can
    // have changed. One of them that it does not know fails the whole request (9005): then each
    // is to be asked alone.
    std::vector<std::string> paths_to_ask(const service::DeviceRow* known) const;

    // `known`: what is remembered of it; null: nothing. `lan`: where a FileServerURL may lead.
    service::Contact contact(const service::DeviceRow* known, const std::string& source_address,
                             const std::vector<inventory::Prefix>& lan) const;

    const std::string& root() const { return root_; }
    bool may_send_second_envelope() const;
    bool is_boot() const { return is_boot_; }

private:
    struct Found {
        const std::string* value = nullptr;
        std::uint64_t factor = 1;
    };
    void take(const std::vector<cwmp::ParameterValue>& parameters);
    bool is_wanted(std::string_view name) const;
    Found find(Field field) const;
    std::string text(Field field, std::size_t longest) const;
    bool is_agent() const { return is_agent_; }
    void fill_report(const service::DeviceRow* known, const std::vector<inventory::Prefix>& lan,
                     inventory::DeviceReport& out) const;
    void fill_file_server(const service::DeviceRow* known,
                          const std::vector<inventory::Prefix>& lan,
                          inventory::DeviceReport& out) const;
    void fill_evidence(const service::DeviceRow* known, service::Contact& out) const;

    const ParameterMapping* mapping_;
    cwmp::DeviceId device_;
    cwmp::Namespace ns_ = cwmp::Namespace::cwmp_1_0;
    std::uint32_t max_envelopes_ = 1;
    bool is_boot_ = false;
    bool is_agent_ = false;
    bool was_asked_ = false;
    std::string root_ = "Device.";
    std::map<std::string, std::string, std::less<>> values_;  // without the root
};

}  // namespace sluice::mapping
