// Net-SNMP first: it wants its own macros.
#include "acs-plugin/iad/net_snmp.hpp"
//
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstdlib>
#include <cstring>

#include "acs-plugin/iad/station/snmp.hpp"

namespace sluice::iad {
namespace {

constexpr oid kTrapOid[] = {1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0};  // snmpTrapOID.0

std::vector<oid> name_of(Group group, std::size_t object) {
    std::vector<oid> name(kRoot.begin(), kRoot.end());
    name.insert(name.end(), {1, static_cast<oid>(group), object, 0});
    return name;
}

// The object's number where the name is of this group; 0: it is not.
std::size_t object_of(Group group, const netsnmp_variable_list& v) {
    const auto expected = name_of(group, 0);
    if (v.name_length != expected.size()) return 0;
    if (!std::equal(expected.begin(), expected.end() - 2, v.name)) return 0;
    return v.name[v.name_length - 2];
}

std::uint32_t number_of(const netsnmp_variable_list& v) {
    const bool is_number = v.type == ASN_INTEGER || v.type == ASN_UNSIGNED;
    return is_number ? static_cast<std::uint32_t>(*v.val.integer) : 0;
}
Bytes bytes_of(const netsnmp_variable_list& v) {
    if (v.type != ASN_OCTET_STR) return {};
    return {v.val.string, v.val.string + v.val_len};
}
std::string text_of(const netsnmp_variable_list& v) {
    return std::string(as_text(bytes_of(v))).substr(0, kMaxReason);
}

void read_into(Facts& out, const netsnmp_variable_list& v) {
    switch (object_of(Group::device, v)) {
        case 1:
            out.version = text_of(v);
            break;
        case 2:
            out.kept_version = text_of(v);
            break;
        case 3:
            out.keeps_image = number_of(v) == 1;
            break;
        case 4:
            out.is_healthy = number_of(v) == 1;
            break;
        case 5:
            out.configuration = bytes_of(v);
            break;
        default:
            break;
    }
}

void read_into(Outcome& out, const netsnmp_variable_list& v) {
    switch (object_of(Group::outcome, v)) {
        case 1:
            out.number = number_of(v);
            break;
        case 2:
            out.command = static_cast<Command>(
                std::min<std::uint32_t>(number_of(v), kCommandNames.size() - 1));
            break;
        case 3:
            out.state = static_cast<State>(
                std::min<std::uint32_t>(number_of(v), static_cast<std::uint32_t>(State::refused)));
            break;
        case 4:
            out.progress = std::min<std::uint32_t>(number_of(v), 100);
            break;
        case 5:
            out.reason = text_of(v);
            break;
        case 6:
            out.length = number_of(v);
            break;
        case 7:
            out.digest = bytes_of(v);
            break;
        default:
            break;
    }
}

Result<void> set_security(netsnmp_session& s, const Security& by) {
    if (!by.community.empty()) {
        s.version = SNMP_VERSION_2c;
        s.community = reinterpret_cast<u_char*>(const_cast<char*>(by.community.data()));
        s.community_len = by.community.size();
        return success();
    }
    static const std::array<oid, 10> kSha256 = {1, 3, 6, 1, 6, 3, 10, 1, 1, 5};
    const bool is_sha256 = by.auth == "SHA-256";
    const oid* auth = is_sha256 ? kSha256.data() : usmHMACSHA1AuthProtocol;
    s.version = SNMP_VERSION_3;
    s.securityName = const_cast<char*>(by.user.c_str());
    s.securityNameLen = by.user.size();
    s.securityLevel = SNMP_SEC_LEVEL_AUTHPRIV;
    s.securityAuthProto = const_cast<oid*>(auth);
    s.securityAuthProtoLen = 10;
    s.securityPrivProto = const_cast<oid*>(usmAESPrivProtocol);
    s.securityPrivProtoLen = 10;
    s.securityAuthKeyLen = USM_AUTH_KU_LEN;
    s.securityPrivKeyLen = USM_PRIV_KU_LEN;
    const auto key = [&](const std::string& password, u_char* into, std::size_t* length) {
        return generate_Ku(auth, 10, reinterpret_cast<const u_char*>(password.data()),
                           password.size(), into, length) == SNMPERR_SUCCESS;
    };
    if (!key(by.auth_password, s.securityAuthKey, &s.securityAuthKeyLen) ||
        !key(by.priv_password, s.securityPrivKey, &s.securityPrivKeyLen))
        return Error{"SNMPv3: a password must have at least 8 characters"};
    return success();
}

using Pdu = std::unique_ptr<netsnmp_pdu, decltype(&snmp_free_pdu)>;

void add(netsnmp_pdu* pdu, Group group, std::size_t object, const std::string& text) {
    const auto name = name_of(group, object);
    snmp_pdu_add_variable(pdu, name.data(), name.size(), ASN_OCTET_STR, text.data(), text.size());
}
void add(netsnmp_pdu* pdu, Group group, std::size_t object, u_char type, long value) {
    const auto name = name_of(group, object);
    snmp_pdu_add_variable(pdu, name.data(), name.size(), type, &value, sizeof value);
}

}  // namespace

void open_snmp() {
    ::setenv("MIBS", "", 1);  // no text of a MIB is read: numbers are enough
    snmp_disable_stderrlog();
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
    init_snmp("sluice-iad-manager");
}

// --- asking -------------------------------------------------------------------------------------

struct Peer::Impl {
    Security security;
    void* session = nullptr;  // opened when first needed: for v3 the device must be there for it

    ~Impl() {
        if (session != nullptr) snmp_sess_close(session);
    }

    Result<void> open(const std::string& address) {
        if (session != nullptr) return success();
        netsnmp_session s;
        snmp_sess_init(&s);
        SLUICE_CHECK(set_security(s, security));
        s.peername = const_cast<char*>(address.c_str());
        s.timeout = std::chrono::duration_cast<std::chrono::microseconds>(security.timeout).count();
        s.retries = security.retries;
        session = snmp_sess_open(&s);
        if (session == nullptr) return Error{address + ": " + snmp_api_errstring(snmp_errno)};
        return success();
    }

    Result<Pdu> ask(const std::string& address, Pdu request) {
        SLUICE_CHECK(open(address));
        netsnmp_pdu* answer = nullptr;
        const int status = snmp_sess_synch_response(session, request.release(), &answer);
        Pdu out(answer, &snmp_free_pdu);
        if (status != STAT_SUCCESS || !out) {
            // A device that started again has other engine boots: discover it anew.
            snmp_sess_close(std::exchange(session, nullptr));
            return Error{address + (status == STAT_TIMEOUT ? ": no answer" : ": no good answer")};
        }
        if (out->errstat != SNMP_ERR_NOERROR)
            return Error{address + ": " + snmp_errstring(static_cast<int>(out->errstat))};
        return out;
    }

    template <class T>
    Result<T> read(const std::string& address, Group group, std::size_t objects) {
        Pdu request(snmp_pdu_create(SNMP_MSG_GET), &snmp_free_pdu);
        for (std::size_t i = 1; i <= objects; ++i) {
            const auto name = name_of(group, i);
            snmp_add_null_var(request.get(), name.data(), name.size());
        }
        SLUICE_TRY(const auto answer, ask(address, std::move(request)));
        T out;
        for (const auto* v = answer->variables; v != nullptr; v = v->next_variable) {
            if (v->type == SNMP_NOSUCHOBJECT || v->type == SNMP_NOSUCHINSTANCE)
                return Error{address + ": does not have SLUICE-IAD-MIB (now)"};
            read_into(out, *v);
        }
        return out;
    }
};

Peer::Peer(std::string address, Security security)
    : address_(std::move(address)), impl_(std::make_unique<Impl>()) {
    impl_->security = std::move(security);
}
Peer::~Peer() = default;

Result<Facts> Peer::facts() {
    return impl_->read<Facts>(address_, Group::device, 5);
}

Result<Outcome> Peer::outcome() {
    return impl_->read<Outcome>(address_, Group::outcome, 7);
}

Result<void> Peer::give(const FileServer& server, const Order& order) {
    Pdu request(snmp_pdu_create(SNMP_MSG_SET), &snmp_free_pdu);
    auto* pdu = request.get();
    add(pdu, Group::server, 1, ASN_INTEGER, static_cast<long>(server.protocol));
    add(pdu, Group::server, 2, server.host);
    add(pdu, Group::server, 3, ASN_UNSIGNED, server.port);
    add(pdu, Group::server, 4, server.user);
    add(pdu, Group::server, 5, server.password);
    add(pdu, Group::server, 6, ASN_UNSIGNED, server.block_size);
    add(pdu, Group::order, 1, ASN_UNSIGNED, order.number);
    add(pdu, Group::order, 2, ASN_INTEGER, static_cast<long>(order.command));
    add(pdu, Group::order, 3, order.file);
    add(pdu, Group::order, 4, ASN_UNSIGNED, order.length);
    add(pdu, Group::order, 5, std::string(as_text(order.digest)));
    add(pdu, Group::order, 6, order.source);
    add(pdu, Group::order, 7, order.program);
    SLUICE_TRY(const auto answer, impl_->ask(address_, std::move(request)));
    return success();
}

// --- being told ---------------------------------------------------------------------------------

struct Listener::Impl {
    Security security;
    std::function<void(const Heard&)> told;
    ListenerCounters counters;
    std::uint64_t parsed = 0;
    netsnmp_session* session = nullptr;

    ~Impl() {
        if (session != nullptr) snmp_close(session);
    }

    void on_pdu(const netsnmp_pdu& pdu) {
        ++parsed;
        const bool is_notification =
            pdu.command == SNMP_MSG_TRAP2 || pdu.command == SNMP_MSG_INFORM;
        if (!is_notification) {
            ++counters.not_ours;
            return;
        }
        if (!is_authentic(pdu)) {
            ++counters.not_authentic;
            return;
        }
        Heard heard;
        if (!read(pdu, heard)) {
            ++counters.not_ours;
            return;
        }
        ++counters.taken;
        told(heard);
    }

    bool is_authentic(const netsnmp_pdu& pdu) const {
        if (security.community.empty())
            return pdu.version == SNMP_VERSION_3 && pdu.securityLevel == SNMP_SEC_LEVEL_AUTHPRIV &&
                   std::string_view(pdu.securityName, pdu.securityNameLen) == security.user;
        return pdu.version == SNMP_VERSION_2c &&
               equal_in_constant_time({pdu.community, pdu.community_len},
                                      as_bytes(security.community));
    }

    static bool read(const netsnmp_pdu& pdu, Heard& out) {
        bool is_ours = false;
        for (const auto* v = pdu.variables; v != nullptr; v = v->next_variable) {
            read_into(out.outcome, *v);
            if (object_of(Group::device, *v) == 1) out.version = text_of(*v);
            const bool names_trap =
                v->type == ASN_OBJECT_ID &&
                snmp_oid_compare(v->name, v->name_length, kTrapOid, OID_LENGTH(kTrapOid)) == 0;
            if (!names_trap) continue;
            const auto length = v->val_len / sizeof(oid);
            const auto* name = v->val.objid;
            is_ours = length == kRoot.size() + 2 && std::equal(kRoot.begin(), kRoot.end(), name) &&
                      name[kRoot.size()] == 0 && name[kRoot.size() + 1] >= 1 &&
                      name[kRoot.size() + 1] <= 3;
            if (is_ours) out.notice = static_cast<Notice>(name[kRoot.size() + 1]);
        }
        out.from = sender_of(pdu);
        return is_ours;
    }

    static std::string sender_of(const netsnmp_pdu& pdu) {
        if (pdu.transport_data == nullptr ||
            pdu.transport_data_length < static_cast<int>(sizeof(sockaddr_in)))
            return {};
        const auto* address = static_cast<const sockaddr_in*>(pdu.transport_data);
        std::array<char, INET_ADDRSTRLEN> text{};
        if (address->sin_family != AF_INET ||
            ::inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size()) == nullptr)
            return {};
        return text.data();
    }
};

namespace {

int on_datagram(netsnmp_session* session, netsnmp_transport*, void*, int) {
    ++static_cast<Listener::Impl*>(session->callback_magic)->counters.datagrams;
    return 1;
}

int on_message(int operation, netsnmp_session* session, int, netsnmp_pdu* pdu, void* magic) {
    if (operation != NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE) return 1;
    auto& self = *static_cast<Listener::Impl*>(magic);
    const auto before = self.counters.taken;
    self.on_pdu(*pdu);
    // Only what was taken is acknowledged: the others go on asking, or give up.
    if (pdu->command == SNMP_MSG_INFORM && self.counters.taken > before) {
        if (auto* answer = snmp_clone_pdu(pdu)) {
            answer->command = SNMP_MSG_RESPONSE;
            answer->errstat = answer->errindex = 0;
            if (snmp_send(session, answer) == 0) snmp_free_pdu(answer);
        }
    }
    return 1;
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(const std::string& address,
                                                 const Security& security,
                                                 std::function<void(const Heard&)> told) {
    auto impl = std::make_unique<Impl>();
    impl->security = security;
    impl->told = std::move(told);
    if (security.community.empty()) {
        // Informs name our engine as the authority: the user must be known under it.
        auto user = "\"" + security.user + "\" " + security.auth + " \"" + security.auth_password +
                    "\" AES \"" + security.priv_password + "\"";
        usm_parse_create_usmUser("createUser", user.data());
    }
    auto* transport = netsnmp_transport_open_server("snmptrap", address.c_str());
    if (transport == nullptr) return Error{address + ": cannot be listened at"};
    netsnmp_session s;
    snmp_sess_init(&s);
    s.peername = SNMP_DEFAULT_PEERNAME;
    s.version = SNMP_DEFAULT_VERSION;
    s.community_len = SNMP_DEFAULT_COMMUNITY_LEN;
    s.retries = SNMP_DEFAULT_RETRIES;
    s.timeout = SNMP_DEFAULT_TIMEOUT;
    s.callback = on_message;
    s.callback_magic = impl.get();
    s.authenticator = nullptr;
    s.isAuthoritative = SNMP_SESS_UNKNOWNAUTH;
    impl->session = snmp_add(&s, transport, on_datagram, nullptr);
    if (impl->session == nullptr) return Error{address + ": cannot be listened at"};
    return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() = default;

// What came and never was a message of ours, the library dropped: it was no SNMP, or no key fitted.
ListenerCounters Listener::counters() const {
    auto out = impl_->counters;
    const auto bad = snmp_get_statistic(STAT_SNMPINASNPARSEERRS);
    const auto dropped = out.datagrams - std::min(out.datagrams, impl_->parsed);
    out.malformed = std::min<std::uint64_t>(bad, dropped);
    out.not_authentic += dropped - out.malformed;
    return out;
}

void serve_snmp(Duration wait) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(wait).count();
    timeval timeout{us / 1'000'000, us % 1'000'000};
    netsnmp_large_fd_set fds;
    netsnmp_large_fd_set_init(&fds, FD_SETSIZE);
    int count = 0, block = 0;
    snmp_select_info2(&count, &fds, &timeout, &block);
    const int ready = netsnmp_large_fd_set_select(count, &fds, nullptr, nullptr, &timeout);
    if (ready > 0) snmp_read2(&fds);
    if (ready == 0) snmp_timeout();
    run_alarms();
    netsnmp_large_fd_set_cleanup(&fds);
}

}  // namespace sluice::iad
