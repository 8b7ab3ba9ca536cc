#pragma once
// What the ACS's transfer RPCs mean to this device: judged here, remembered in the device state,
// done by order_runner. The caller makes the state durable before an answer leaves.

#include "agent/management/device_model.hpp"
#include "agent/management/device_state.hpp"
#include "engine/base/time.hpp"
#include "engine/cwmp/messages.hpp"

namespace sluice::agent::management {

// The response with Status 1, or a Fault. An order that this device has already, or has
// finished and not yet delivered, is not taken again, and answered as if it were.
cwmp::Message take_download(const cwmp::Download& request, DeviceModel& model, DeviceState& state,
                            UtcTime now);
cwmp::Message take_upload(const cwmp::Upload& request, DeviceState& state, UtcTime now);
// The windows are of this device's clock; a whole fleet's "at any time" is spread over a quarter of
// the window.
cwmp::Message take_schedule(const cwmp::ScheduleDownload& request, const DeviceModel& model,
                            DeviceState& state, UtcTime now);

// The order that CancelTransfer names, if it may still be taken back: it has written no slot.
// Null: none. Forgotten by undo_order, it has no TransferComplete.
const Order* order_to_cancel(std::string_view command_key, const DeviceState& state);

// As if it had never come: it could not be kept, or was taken back.
void undo_order(std::uint32_t number, DeviceState& state);

Order* find_order(DeviceState& state, std::uint32_t number);
// The one that has to do with slots and reboots; there is never more than one.
Order* find_upgrade_under_way(DeviceState& state);

// The order's result becomes its transfer's; of an order in its trial, whose success stands there
// already, in the place of that, if it was not delivered yet: it fell back in the end.
void set_result(DeviceState& state, const Order& order, const cwmp::FaultStruct& fault,
                UtcTime now);
void forget_order(DeviceState& state, std::uint32_t number);

}  // namespace sluice::agent::management
