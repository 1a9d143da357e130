package simulate

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"nightshift/remediate"
)

// host is how things are in truth.
type host struct {
	w *world

	mu    sync.Mutex
	units map[string]*unit
	vms   map[string]*machine
	// hog is the unit whose memory is the trouble; empty when there is none.
	hog string
	// faults are of probes and of what can be asked, until a time.
	faults map[string]fault
	serial int
	// times counts what was done, for what leaves no other trace.
	times map[string]int
}

// unit is how a unit is.
type unit struct {
	broken bool
	// mends is what mends it: a restart of that unit, or nothing; it heals by
	// itself at a time.
	mends string
	heals time.Time
	// starts counts how often it was started anew, kept how often by its keeper
	// since anybody did.
	starts, kept int
	stopped      bool
	settling     time.Time
	ghost        bool
}

// machine is how a virtual machine is.
type machine struct {
	alive, paused, stuck bool
	// held is whether it was powered down on purpose: then nobody else starts it.
	held bool
	// disk is the image it is on, good the last-known-good, and bad the images
	// on which it is not healthy.
	disk, good string
	grade      remediate.Grade
	bad        map[string]bool
	starts     int
	resets     int
	guestActs  time.Time
}

// fault is what is wrong with an answer.
type fault struct {
	kind  string // lies, unknown, hangs
	until time.Time
}

func newHost(w *world) *host {
	h := &host{w: w, units: map[string]*unit{}, vms: map[string]*machine{}, faults: map[string]fault{}, times: map[string]int{}}
	for name := range w.config.Inventory.Units {
		h.units[name] = &unit{starts: 1, ghost: name == "ghost.service"}
	}
	for name := range w.config.Inventory.VMs {
		h.vms[name] = &machine{alive: true, disk: "first", good: "first", grade: remediate.BootProved, bad: map[string]bool{}}
	}
	return h
}

// change changes how things are.
func (h *host) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// unhealthy is the truth about a probe's subject.
func (h *host) unhealthy(probe string) bool {
	if name, ok := remediate.ProbedUnit(probe); ok {
		return h.unitUnhealthy(name)
	}
	if name, ok := remediate.ProbedVM(probe); ok {
		return !h.vms[name].alive || h.vms[name].paused
	}
	switch probe {
	case "front":
		return h.unitUnhealthy("web.service")
	case "memory":
		return h.hog != ""
	}
	vm := h.vms[strings.TrimSuffix(probe, "-port")]
	return vm != nil && vm.unhealthy()
}

func (m *machine) unhealthy() bool { return !m.alive || m.paused || m.stuck || m.bad[m.disk] }

func (h *host) unitUnhealthy(name string) bool {
	u := h.units[name]
	if u == nil || u.ghost || u.broken || u.stopped {
		return true
	}
	return slices.ContainsFunc(h.w.config.Inventory.Units[name].Needs, h.unitUnhealthy)
}

// restarts starts a unit anew, and with it sometimes what hangs on it. By a keeper
// it is when systemd does it by itself.
func (h *host) restarts(name string, byKeeper bool) {
	u := h.units[name]
	if u == nil || u.ghost {
		return
	}
	u.starts++
	u.stopped = false
	if u.kept++; !byKeeper {
		u.kept = 0
	}
	for _, o := range h.units {
		if o.broken && o.mends == name {
			o.broken = false
		}
	}
	for _, other := range h.hangOn(name) {
		h.units[other].starts++
		h.units[other].kept = 0
	}
	if h.hog == name {
		h.hog = ""
	}
}

// hangOn are the units that a restart of one takes along just now.
func (h *host) hangOn(name string) []string {
	var along []string
	for other, o := range h.units {
		if needs := h.w.config.Inventory.NeedsOf(other); slices.Contains(needs, name) && o.starts%2 == 0 {
			along = append(along, other)
		}
	}
	return along
}

// heals lets pass what passes by itself.
func (h *host) heals(now time.Time) {
	for _, u := range h.units {
		if u.broken && !u.heals.IsZero() && now.After(u.heals) {
			u.broken = false
		}
	}
	for what, f := range h.faults {
		if now.After(f.until) {
			delete(h.faults, what)
		}
	}
}

// reboots starts everything anew.
func (h *host) reboots() {
	for _, u := range h.units {
		u.starts++
		u.kept, u.stopped = 0, false
		u.broken = u.broken && u.mends == ""
	}
	for _, vm := range h.vms {
		vm.alive, vm.paused, vm.stuck = !vm.held, false, false
		vm.starts++
	}
	h.hog = ""
}

// bad is the fault of what is asked just now.
func (h *host) bad(what string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f, ok := h.faults[what]; ok && time.Now().Before(f.until) {
		return f.kind
	}
	return ""
}

// names are the units in order, for dice.
func (h *host) names() []string {
	var names []string
	for name := range h.units {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(a, b) })
	return names
}
