package guard

import (
	"time"

	"nightshift/remediate"
)

// Facts is all that the gates know of one rung of one incident. They are stored
// with the judgement, so that it can be made again.
type Facts struct {
	// Now is when they were read.
	Now remediate.Instant `json:"now"`
	// Frozen is the freeze that holds, by the log or by a file.
	Frozen *remediate.Freeze `json:"frozen,omitzero"`
	// Aside is the last time that the host of this VM had its turn, if ever.
	Aside *remediate.StoodAside `json:"aside,omitzero"`
	// Autonomy is the least of the mode, the playbook's, its file's ceiling, the
	// rung's and the targets' own.
	Autonomy remediate.Autonomy `json:"autonomy"`
	// Risk is the greatest of what would be done.
	Risk remediate.Risk `json:"risk"`
	// TargetKnown is whether the inventory knows what the incident is about.
	TargetKnown bool `json:"targetKnown"`
	// AlertAge is how long ago its notification came.
	AlertAge time.Duration `json:"alertAge"`
	// Unhealthy is whether a probe of ours agreed with the alert since.
	Unhealthy bool `json:"unhealthy"`
	// Truncated is whether the notification, or the alert itself, had been cut.
	Truncated bool `json:"truncated,omitzero"`
	// Begun is whether the incident has acted before, Climbing whether it is in
	// the middle of a rung, so that it has its place among those that act.
	Begun    bool `json:"begun,omitzero"`
	Climbing bool `json:"climbing,omitzero"`
	// Untried is whether it is, and nothing of the rung was done yet: its first step
	// was interrupted before it happened.
	Untried bool `json:"untried,omitzero"`
	// PlanDigest is of the rung that would be climbed, Approved of what a person
	// said yes to, and ApprovedAt when.
	PlanDigest string            `json:"planDigest"`
	Approved   string            `json:"approved,omitzero"`
	ApprovedAt remediate.Instant `json:"approvedAt,omitzero"`
	// Asked is whether a person asked for it, where no alert did; Opened when the
	// incident began.
	Asked  bool              `json:"asked,omitzero"`
	Opened remediate.Instant `json:"opened,omitzero"`
	// Swaps is whether a VM's disks would go back or be exchanged, Grade how far
	// what would take their place is proved.
	Swaps bool            `json:"swaps,omitzero"`
	Grade remediate.Grade `json:"grade,omitzero"`

	// Holder is another incident that has the same target, and came first.
	Holder remediate.ID `json:"holder,omitzero"`
	// Acting are the other incidents that act just now; MaxActing how many may
	// at once on this host.
	Acting    []ActingIncident `json:"acting,omitzero"`
	MaxActing int              `json:"maxActing"`

	// Touches is what would be touched.
	Touches []Touched `json:"touches"`
	// Attempts are the playbook's bounds.
	Attempts remediate.Attempts `json:"attempts"`

	// FreezeTold is whether people heard already that the freeze keeps something from
	// being done, StormTold the same of a storm.
	FreezeTold bool `json:"freezeTold,omitzero"`
	StormTold  bool `json:"stormTold,omitzero"`
	// Maintenance is the name of that which goes on, and Silence a person's that covers
	// the alert.
	Maintenance string             `json:"maintenance,omitzero"`
	Silence     *remediate.Silence `json:"silence,omitzero"`
	// SilentSource is where the alert comes from, if nothing is heard of that.
	SilentSource string `json:"silentSource,omitzero"`
	// StartupGrace is how long after the host's boot nothing begins.
	StartupGrace time.Duration `json:"startupGrace,omitzero"`
	// Storm is that which goes on.
	Storm *remediate.Storm `json:"storm,omitzero"`
	// Windows are the bounds of what is done in a time.
	Windows []Window `json:"windows,omitzero"`
	// Breakers are those that are open, of what would be touched and of the playbook.
	Breakers []remediate.Breaker `json:"breakers,omitzero"`
	// Flaps is how often the alerts of this target and playbook began to fire in the
	// time of Flapping.
	Flaps    int            `json:"flaps,omitzero"`
	Flapping remediate.Rate `json:"flapping,omitzero"`
	// Unplanned is what the step would take along by now though the plan does not say
	// so, TakesUnread why it can't be told what it would take along.
	Unplanned   []remediate.Target `json:"unplanned,omitzero"`
	TakesUnread string             `json:"takesUnread,omitzero"`
	// Groups are those of which units would be taken down.
	Groups []Group `json:"groups,omitzero"`
}

// Window is a bound, and how much of it was used.
type Window struct {
	// Of says what is bounded: a target, "playbook:NAME" or "host".
	Of  string        `json:"of"`
	Max int           `json:"max"`
	Per time.Duration `json:"per"`
	// Made are the attempts within Per, New those that this would add.
	Made int `json:"made"`
	New  int `json:"new"`
}

// Group is how the units of a group stand, and what would become of them.
type Group struct {
	Name string `json:"name"`
	// Min is how many have to stay healthy.
	Min int `json:"min"`
	// Healthy and Unknown count its units by what their probes say.
	Healthy int `json:"healthy"`
	Unknown int `json:"unknown,omitzero"`
	// Takes is how many healthy ones would be down at the same time, Unsure how many
	// would of which it is not known whether they are healthy.
	Takes  int `json:"takes,omitzero"`
	Unsure int `json:"unsure,omitzero"`
}

// ActingIncident is another incident that is acting, and on what.
type ActingIncident struct {
	ID       remediate.ID       `json:"id"`
	Touching []remediate.Target `json:"touching"`
}

// Touched is one thing that would be acted on.
type Touched struct {
	On remediate.Target `json:"on"`
	// With is what it is only taken along with; zero where a step names it.
	With remediate.Target `json:"with,omitzero"`
	// Situation is how it stands.
	Situation remediate.Situation `json:"situation"`
	// KnownInvocation is the one that the incident saw or started; empty when it
	// has seen none.
	KnownInvocation string `json:"knownInvocation,omitzero"`
	// OurInvocation is the one that our own last act left behind.
	OurInvocation string `json:"ourInvocation,omitzero"`
	// InInventory is whether it may be acted on at all, Allowed whether its
	// being on the deny list is overruled.
	InInventory bool `json:"inInventory"`
	Allowed     bool `json:"allowed,omitzero"`
	// Recent is how many attempts were made on it in the playbook's window by
	// other rungs, Oldest when the first of them was.
	Recent int               `json:"recent,omitzero"`
	Oldest remediate.Instant `json:"oldest,omitzero"`
	// Alone is the greatest risk on it that needs no person.
	Alone remediate.Risk `json:"alone"`
	// WaitForGuest is how long after Opened the agent inside a VM has its turn.
	WaitForGuest time.Duration `json:"waitForGuest,omitzero"`
	// LastSwap is when a VM's disks were exchanged last, but by the rung that is
	// being climbed, and SwapEvery the least time in between.
	LastSwap  remediate.Instant `json:"lastSwap,omitzero"`
	SwapEvery time.Duration     `json:"swapEvery,omitzero"`
	// LastEnded is when another incident's last attempt on it was over.
	LastEnded remediate.Instant `json:"lastEnded,omitzero"`
}
