package systemd

import (
	"cmp"
	"encoding/hex"
	"strings"
	"time"
)

// The states that systemd(1) and org.freedesktop.systemd1(5) name, as far as
// anything is decided by them.
const (
	active       = "active"
	reloading    = "reloading"
	inactive     = "inactive"
	deactivating = "deactivating"
	failed       = "failed"
	autoRestart  = "auto-restart"
	loaded       = "loaded"
	success      = "success"
	limitHit     = "start-limit-hit"
	typeOneshot  = "oneshot"
)

// state is what was read of one unit in one call.
type state struct {
	// name is the unit's own; it may have been asked for by an alias. PID 1 logs
	// under its own name only.
	name                                           string
	loadState, activeState, subState, result, kind string
	// invocation is the InvocationID in hex; empty when the unit was never
	// started, or systemd has forgotten it: it unloads a unit that is inactive,
	// not failed, and wanted by no other.
	invocation   string
	job          uint32 // 0: none is queued
	restarts     uint32 // automatic ones since the last start that was asked for
	exitStatus   int32
	mainPID      int  // 0: there is none
	conditions   bool // whether those of its last start held
	controlGroup string
	// changed is when the state last changed, by CLOCK_MONOTONIC; 0: never.
	changed time.Duration
	// ended is when it last went down, by the same clock; 0: never, or forgotten.
	ended time.Duration
	limit startLimit
	// needs are the units that take this one down with them.
	needs []string
}

// startLimit is StartLimitBurst= and StartLimitIntervalSec=: systemd.unit(5).
type startLimit struct {
	burst    int
	interval time.Duration
}

// exists is whether starts are counted at all.
func (l startLimit) exists() bool { return l.burst > 0 && l.interval > 0 }

// isActive is whether the unit runs; one that reloads does.
func (s state) isActive() bool { return s.activeState == active || s.activeState == reloading }

// isDown is whether it does not run and nothing is about to change that.
func (s state) isDown() bool { return s.activeState == inactive || s.activeState == failed }

// waitsToRestart is whether systemd is about to start it again by itself, because
// it ended (auto-restart, and auto-restart-queued of newer versions).
func (s state) waitsToRestart() bool { return strings.HasPrefix(s.subState, autoRestart) }

// String is how systemctl says it: active (running).
func (s state) String() string {
	if s.loadState != loaded && s.isDown() {
		return s.loadState
	}
	return s.activeState + " (" + s.subState + ")"
}

// properties are those of a unit, by their D-Bus names.
type properties map[string]any

// takeDown are the dependencies by which the end of a unit is the end of those
// that name it: systemd.unit(5).
var takeDown = []string{"Requires", "Requisite", "BindsTo", "PartOf"}

// parse picks what is needed; what a type of unit does not have stays zero.
func (p properties) parse(name string) state {
	s := state{
		name:         cmp.Or(get[string](p, "Id"), name),
		loadState:    get[string](p, "LoadState"),
		activeState:  get[string](p, "ActiveState"),
		subState:     get[string](p, "SubState"),
		result:       get[string](p, "Result"),
		kind:         get[string](p, "Type"),
		invocation:   hex.EncodeToString(get[[]byte](p, "InvocationID")),
		restarts:     get[uint32](p, "NRestarts"),
		exitStatus:   get[int32](p, "ExecMainStatus"),
		mainPID:      int(get[uint32](p, "MainPID")),
		conditions:   get[bool](p, "ConditionResult"),
		controlGroup: get[string](p, "ControlGroup"),
		changed:      microseconds(get[uint64](p, "StateChangeTimestampMonotonic")),
		ended:        microseconds(get[uint64](p, "InactiveEnterTimestampMonotonic")),
		limit: startLimit{
			burst:    int(get[uint32](p, "StartLimitBurst")),
			interval: microseconds(get[uint64](p, "StartLimitIntervalUSec")),
		},
	}
	// Job is (id, object path).
	if job := get[[]any](p, "Job"); len(job) > 0 {
		s.job, _ = job[0].(uint32)
	}
	for _, kind := range takeDown {
		s.needs = append(s.needs, get[[]string](p, kind)...)
	}
	return s
}

// get is a property of the type it is documented to have, or that type's zero.
func get[T any](p properties, name string) T {
	value, _ := p[name].(T)
	return value
}

// microseconds is a time of systemd as a duration; none is the longest there is.
func microseconds(us uint64) time.Duration {
	const most = uint64(1<<63-1) / 1000
	return time.Duration(min(us, most)) * time.Microsecond
}
