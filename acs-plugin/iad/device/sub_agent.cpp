// Net-SNMP first: it wants its own macros.
#include "acs-plugin/iad/net_snmp.hpp"
//
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <sys/eventfd.h>
#include <unistd.h>
#include <vector>

#include "acs-plugin/iad/device/sub_agent.hpp"

namespace sluice::iad {
namespace {

// One object of the MIB as the wire has it.
struct Value {
    u_char type = ASN_NULL;
    long number = 0;
    std::string text;

    static Value of(std::uint32_t n) { return {ASN_UNSIGNED, static_cast<long>(n), {}}; }
    static Value choice(int n) { return {ASN_INTEGER, n, {}}; }
    static Value truth(bool is) { return choice(is ? 1 : 2); }
    static Value of(std::string text) { return {ASN_OCTET_STR, 0, std::move(text)}; }
    static Value of(const Bytes& bytes) { return of(std::string(as_text(bytes))); }

    void give(netsnmp_variable_list* to) const {
        if (type == ASN_OCTET_STR)
            snmp_set_var_typed_value(to, type, text.data(), text.size());
        else
            snmp_set_var_typed_integer(to, type, number);
    }
};

std::vector<Value> values_of(const Facts& facts) {
    return {Value::of(facts.version), Value::of(facts.kept_version),
            Value::truth(facts.keeps_image), Value::truth(facts.is_healthy),
            Value::of(facts.configuration)};
}
std::vector<Value> values_of(const FileServer& s) {
    return {Value::choice(static_cast<int>(s.protocol)),
            Value::of(s.host),
            Value::of(s.port),
            Value::of(s.user),
            Value::of(std::string()),
            Value::of(s.block_size)};
}
std::vector<Value> values_of(const Order& o) {
    return {Value::of(o.number), Value::choice(static_cast<int>(o.command)),
            Value::of(o.file),   Value::of(o.length),
            Value::of(o.digest), Value::of(o.source),
            Value::of(o.program)};
}
std::vector<Value> values_of(const Outcome& o) {
    return {Value::of(o.number),
            Value::choice(static_cast<int>(o.command)),
            Value::choice(static_cast<int>(o.state)),
            Value::of(o.progress),
            Value::of(o.reason),
            Value::of(o.length),
            Value::of(o.digest)};
}

std::vector<oid> name_of(Group group) {
    std::vector<oid> name(kRoot.begin(), kRoot.end());
    name.insert(name.end(), {1, static_cast<oid>(group)});
    return name;
}

// The object asked for: the number behind its group's.
std::size_t object_of(const netsnmp_variable_list* variable) {
    const auto at = kRoot.size() + 2;
    return variable->name_length > at ? variable->name[at] : 0;
}

std::string text_of(const netsnmp_variable_list* v) {
    return {reinterpret_cast<const char*>(v->val.string), v->val_len};
}

// What one SET wants, taken apart and checked; nothing is used before all of it is good.
struct Wanted {
    std::optional<Order> order;
    std::optional<FileServer> server;
};

int read_into(FileServer& s, std::size_t object, const netsnmp_variable_list* v) {
    const bool is_text = v->type == ASN_OCTET_STR;
    if (is_text != (object == 2 || object == 4 || object == 5)) return SNMP_ERR_WRONGTYPE;
    const auto number = is_text ? 0UL : static_cast<unsigned long>(*v->val.integer);
    const auto text = is_text ? text_of(v) : std::string();
    switch (object) {
        case 1:
            if (number != 1 && number != 2) return SNMP_ERR_WRONGVALUE;
            s.protocol = static_cast<Protocol>(number);
            return SNMP_ERR_NOERROR;
        case 2:
            if (text.size() > 253) return SNMP_ERR_WRONGLENGTH;
            // Nothing that would be more than a host in a URL.
            if (text.find_first_of("/@?# \t\r\n[]") != std::string::npos)
                return SNMP_ERR_WRONGVALUE;
            s.host = text;
            return SNMP_ERR_NOERROR;
        case 3:
            if (number > 65535) return SNMP_ERR_WRONGVALUE;
            s.port = static_cast<std::uint16_t>(number);
            return SNMP_ERR_NOERROR;
        case 4:
        case 5:
            if (text.size() > 64) return SNMP_ERR_WRONGLENGTH;
            (object == 4 ? s.user : s.password) = text;
            return SNMP_ERR_NOERROR;
        case 6:
            if (number < 8 || number > 65464) return SNMP_ERR_WRONGVALUE;
            s.block_size = static_cast<std::uint32_t>(number);
            return SNMP_ERR_NOERROR;
        default:
            return SNMP_ERR_NOTWRITABLE;
    }
}

int read_into(Order& o, std::size_t object, const netsnmp_variable_list* v) {
    const bool is_number = object == 1 || object == 2 || object == 4;
    if (is_number != (v->type != ASN_OCTET_STR)) return SNMP_ERR_WRONGTYPE;
    const auto number = is_number ? static_cast<std::uint32_t>(*v->val.integer) : 0U;
    const auto text = is_number ? std::string() : text_of(v);
    switch (object) {
        case 1:
            o.number = number;
            return SNMP_ERR_NOERROR;
        case 2:
            if (number >= kCommandNames.size()) return SNMP_ERR_WRONGVALUE;
            o.command = static_cast<Command>(number);
            return SNMP_ERR_NOERROR;
        case 3:
        case 6:
            if (!text.empty() && !is_file_name(text)) return SNMP_ERR_WRONGVALUE;
            (object == 3 ? o.file : o.source) = text;
            return SNMP_ERR_NOERROR;
        case 4:
            o.length = number;
            return SNMP_ERR_NOERROR;
        case 5:
            if (!text.empty() && text.size() != 32) return SNMP_ERR_WRONGLENGTH;
            o.digest.assign(text.begin(), text.end());
            return SNMP_ERR_NOERROR;
        case 7:
            if (text.size() > kMaxProgram) return SNMP_ERR_WRONGLENGTH;
            o.program = text;
            return SNMP_ERR_NOERROR;
        default:
            return SNMP_ERR_NOTWRITABLE;
    }
}

}  // namespace

struct SubAgent::Impl {
    explicit Impl(Device& d) : device(d) {}
    ~Impl() {
        if (wake >= 0) ::close(wake);
    }

    Device& device;
    FileServer server;
    Order draft;  // the order's objects as they were set last
    Wanted wanted;
    int wake = -1;
    std::mutex mutex;
    std::vector<std::function<void()>> posted;

    std::vector<Value> values(Group group) const {
        switch (group) {
            case Group::device:
                return values_of(device.facts());
            case Group::server:
                return values_of(server);
            case Group::order:
                return values_of(draft);
            case Group::outcome:
                return values_of(device.outcome());
        }
        return {};
    }

    // RESERVE2: every value is good, and the order could begin. Called for each object by itself,
    // in between RESERVE1 and COMMIT of them all.
    int check(Group group, netsnmp_request_info* requests) {
        if (group == Group::server && !wanted.server) wanted.server = server;
        // An order is said whole: what is not in the SET is not in the order.
        if (group == Group::order && !wanted.order) wanted.order = Order{};
        for (auto* r = requests; r != nullptr; r = r->next) {
            const auto object = object_of(r->requestvb);
            const int error = group == Group::server
                                  ? read_into(*wanted.server, object, r->requestvb)
                                  : read_into(*wanted.order, object, r->requestvb);
            if (error != SNMP_ERR_NOERROR) {
                netsnmp_set_request_error(nullptr, r, error);
                return error;
            }
        }
        const bool is_other = wanted.order && wanted.order->number != 0 &&
                              wanted.order->number != device.order().number;
        if (is_other && device.outcome().state == State::running) {
            netsnmp_set_request_error(nullptr, requests, SNMP_ERR_INCONSISTENTVALUE);
            return SNMP_ERR_INCONSISTENTVALUE;
        }
        return SNMP_ERR_NOERROR;
    }

    void commit(Group group) {
        if (group == Group::server && wanted.server) server = *std::exchange(wanted.server, {});
        if (group != Group::order || !wanted.order) return;
        draft = *std::exchange(wanted.order, {});
        // The server's objects of the same SET may be committed after these.
        post([this] {
            if (draft.command != Command::none) device.take(draft, server);
        });
    }

    int handle(Group group, netsnmp_agent_request_info* info, netsnmp_request_info* requests) {
        switch (info->mode) {
            case MODE_GET:
                for (auto* r = requests; r != nullptr; r = r->next) {
                    const auto all = values(group);
                    const auto object = object_of(r->requestvb);
                    if (object >= 1 && object <= all.size()) all[object - 1].give(r->requestvb);
                }
                return SNMP_ERR_NOERROR;
            case MODE_SET_RESERVE1:
                wanted = {};
                return SNMP_ERR_NOERROR;
            case MODE_SET_RESERVE2:
                return check(group, requests);
            case MODE_SET_COMMIT:
                commit(group);
                return SNMP_ERR_NOERROR;
            case MODE_SET_FREE:
            case MODE_SET_UNDO:
                wanted = {};
                return SNMP_ERR_NOERROR;
            default:
                return SNMP_ERR_NOERROR;
        }
    }

    void post(std::function<void()> work) {
        {
            const std::lock_guard lock(mutex);
            posted.push_back(std::move(work));
        }
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(wake, &one, sizeof one);
    }
};

namespace {

SubAgent::Impl* the_agent = nullptr;  // Net-SNMP's handlers carry no state of ours

int on_request(netsnmp_mib_handler*, netsnmp_handler_registration* registration,
               netsnmp_agent_request_info* info, netsnmp_request_info* requests) {
    const auto group = static_cast<Group>(registration->rootoid[kRoot.size() + 1]);
    return the_agent == nullptr ? SNMP_ERR_GENERR : the_agent->handle(group, info, requests);
}

bool enlist(Group group, const char* name, int objects, bool is_writable) {
    const auto root = name_of(group);
    auto* registration =
        netsnmp_create_handler_registration(name, on_request, root.data(), root.size(),
                                            is_writable ? HANDLER_CAN_RWRITE : HANDLER_CAN_RONLY);
    return netsnmp_register_scalar_group(registration, 1, objects) == MIB_REGISTERED_OK;
}

void add(netsnmp_variable_list** to, Group group, std::size_t object, const Value& value) {
    auto name = name_of(group);
    name.insert(name.end(), {object, 0});
    const void* bytes = value.type == ASN_OCTET_STR ? static_cast<const void*>(value.text.data())
                                                    : static_cast<const void*>(&value.number);
    snmp_varlist_add_variable(
        to, name.data(), name.size(), value.type, bytes,
        value.type == ASN_OCTET_STR ? value.text.size() : sizeof value.number);
}

}  // namespace

Result<std::unique_ptr<SubAgent>> SubAgent::open(const std::string& socket, Device& device) {
    auto impl = std::make_unique<Impl>(device);
    impl->wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (impl->wake < 0) return Error{std::string("eventfd: ") + std::strerror(errno)};
    ::setenv("MIBS", "", 1);  // no text of a MIB is read: numbers are enough
    snmp_disable_stderrlog();
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_ROLE, 1);
    netsnmp_ds_set_string(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_X_SOCKET, socket.c_str());
    netsnmp_ds_set_int(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_AGENTX_PING_INTERVAL, 2);
    if (init_agent("sluice-iad") != 0) return Error{"the sub-agent cannot be set up"};
    the_agent = impl.get();
    const bool is_enlisted = enlist(Group::device, "sluiceIadDevice", 5, false) &&
                             enlist(Group::server, "sluiceIadServer", 6, true) &&
                             enlist(Group::order, "sluiceIadOrder", 7, true) &&
                             enlist(Group::outcome, "sluiceIadOutcome", 7, false);
    if (!is_enlisted) return Error{"the sub-agent's objects cannot be registered"};
    init_snmp("sluice-iad");
    return std::unique_ptr<SubAgent>(new SubAgent(std::move(impl)));
}

SubAgent::SubAgent(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

SubAgent::~SubAgent() {
    the_agent = nullptr;
    snmp_shutdown("sluice-iad");
    shutdown_agent();
}

void SubAgent::notify(Notice what, const Outcome& outcome, const Facts& facts) {
    static const oid kTrapOid[] = {1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0};  // snmpTrapOID.0
    std::vector<oid> name(kRoot.begin(), kRoot.end());
    name.insert(name.end(), {0, static_cast<oid>(what)});
    netsnmp_variable_list* all = nullptr;
    snmp_varlist_add_variable(&all, kTrapOid, OID_LENGTH(kTrapOid), ASN_OBJECT_ID, name.data(),
                              name.size() * sizeof(oid));
    const auto said = values_of(outcome), known = values_of(facts);
    const auto say = [&](std::initializer_list<std::size_t> objects) {
        for (const auto object : objects) add(&all, Group::outcome, object, said[object - 1]);
    };
    if (what == Notice::progressed) say({1, 2, 3, 4});
    if (what == Notice::ended) say({1, 2, 3, 5, 6, 7});
    if (what == Notice::started) {
        add(&all, Group::device, 1, known[0]);
        add(&all, Group::device, 4, known[3]);
    }
    send_v2trap(all);
    snmp_free_varbind(all);
}

void SubAgent::serve(Duration wait) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(wait).count();
    timeval timeout{us / 1'000'000, us % 1'000'000};
    netsnmp_large_fd_set fds;
    netsnmp_large_fd_set_init(&fds, FD_SETSIZE);
    int count = 0, block = 0;  // 0: `timeout` counts, where nothing is due earlier
    snmp_select_info2(&count, &fds, &timeout, &block);
    NETSNMP_LARGE_FD_SET(impl_->wake, &fds);
    count = std::max(count, impl_->wake + 1);
    const int ready = netsnmp_large_fd_set_select(count, &fds, nullptr, nullptr, &timeout);
    if (ready > 0) snmp_read2(&fds);
    if (ready == 0) snmp_timeout();
    run_alarms();
    netsnmp_check_outstanding_agent_requests();
    netsnmp_large_fd_set_cleanup(&fds);

    std::uint64_t drained = 0;
    [[maybe_unused]] const auto got = ::read(impl_->wake, &drained, sizeof drained);
    std::vector<std::function<void()>> work;
    {
        const std::lock_guard lock(impl_->mutex);
        work.swap(impl_->posted);
    }
    for (const auto& each : work) each();
}

void SubAgent::post(std::function<void()> work) {
    impl_->post(std::move(work));
}

}  // namespace sluice::iad
