-- Runs the scripts of a layout for TouchOSC as that program does: each in an environment of its own, with `self`, sendOSC,
-- getMillis and Color. Returns functions: add(name, script, parent, frame) a control, and call(name, function, …) a script.

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
