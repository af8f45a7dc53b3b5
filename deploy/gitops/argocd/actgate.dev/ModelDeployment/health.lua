-- Health of a ModelDeployment, as Argo CD shows it and waits for it.
local function condition(kind)
  for _, item in ipairs((obj.status or {}).conditions or {}) do
    if item.type == kind then
      return item
    end
  end
  return {}
end

-- Each text stands in one condition, and others say which one: "see WorkloadAvailable".
local function message(item)
  for _, other in ipairs(obj.status.conditions or {}) do
    if item.message == "see " .. other.type then
      return other.message
    end
  end
  return item.message
end

if obj.metadata.deletionTimestamp ~= nil then
  return { status = "Progressing", message = "Being deleted" }
end

-- A status that speaks of an older spec says nothing about this one.
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "Waiting for the actgate operator" }
end

local reconciling, stalled, ready = condition("Reconciling"), condition("Stalled"), condition("Ready")
if stalled.status == "True" and reconciling.status ~= "True" then
  return { status = "Degraded", message = message(stalled) }
end
if obj.spec.suspend == true then
  return { status = "Suspended", message = message(ready) or "spec.suspend is true" }
end
if reconciling.status == "True" then
  return { status = "Progressing", message = message(reconciling) }
end
if ready.status == "True" then
  return { status = "Healthy", message = message(ready) }
end
return { status = "Progressing", message = message(ready) or "Waiting for the actgate operator" }
