-- Runs the scripts of a layout for TouchOSC as that program does: each in its own environment, with `self`, sendOSC,
-- getMillis and Color. Returns add(name, script, parent, frame), which adds a control; call(name, function, …), which calls a
-- function of the control's script; and a table of the controls by name.

local send, clock = ...
local controls, environments = {}, {}

local function add(name, script, parent, frame)
  local control = {name = name, tag = '', values = {}, frame = frame, parent = controls[parent]}
  local environment = {self = control, sendOSC = send, getMillis = clock, Color = function(...) return {...} end}
  function control:findByName(wanted) return controls[wanted] end
  function control:notify(key, value) environment.onReceiveNotify(key, value) end
  controls[name], environments[name] = control, setmetatable(environment, {__index = _G})
  setfenv(assert(loadstring(script, name)), environment)()
end

return add, function(name, what, ...) environments[name][what](...) end, controls
