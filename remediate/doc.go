// Package remediate is the vocabulary of the agent and the life of an incident.
//
// An incident is the record of handling one alert. Its playbook is a ladder of
// rungs; each rung is a few steps of one risk, and each rung is verified before
// the next is tried. Before a step a gate may refuse it; before its effect the
// intent is made durable; after its effect probes must stay healthy for a window.
//
// Everything here is pure: no I/O, no clock, no goroutine. What an incident is,
// is the fold of its events; what happens next is [Decide], a function of the
// incident, one input and the time. The packages below this one (engine,
// journal, guard, systemd, probe …) bring the world to it.
package remediate
