package remediate

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Risk orders actions by what they can cost. What a risk may do without a
// person is the guard's to say.
type Risk int

// The risks, from least to most.
const (
	Observe  Risk = iota // probe, evidence
	Limit                // reload, reset-failed, limits: nothing is interrupted
	Restart              // start, restart, oneshot units: an interruption
	Reset                // stop, a VM's reset: what was in memory is lost
	Rollback             // what was on a disk is lost
)

var riskNames = [...]string{"observe", "limit", "restart", "reset", "rollback"}

func (r Risk) String() string { return riskNames[r] }

// MarshalText writes the name of the risk.
func (r Risk) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (r *Risk) UnmarshalText(text []byte) error {
	for i, name := range riskNames {
		if name == string(text) {
			*r = Risk(i)
			return nil
		}
	}
	return fmt.Errorf("cannot read risk %q: expected observe, limit, restart, reset or rollback", text)
}

// Verb names what a step does.
type Verb string

// The verbs: a closed list. For units, each is the word that systemctl(1) has for
// it, except oneshot, which starts a unit of Type=oneshot and reads its Result.
const (
	VerbRestart     Verb = "restart"
	VerbStart       Verb = "start"
	VerbStop        Verb = "stop"
	VerbReload      Verb = "reload"
	VerbResetFailed Verb = "reset-failed"
	VerbOneshot     Verb = "oneshot"
)

// The verbs for what a unit may use. What they set, and for how long, is what the
// step's profile gives the unit.
const (
	VerbLimit   Verb = "limit"   // give it the limits of a profile, until they end by themselves
	VerbUnlimit Verb = "unlimit" // give back what it had before, now
)

// The verbs for virtual machines, whose disks are images that can be exchanged
// while they are down.
const (
	VerbCont       Verb = "cont"       // let a paused guest go on: QMP's word
	VerbReset      Verb = "reset"      // as by its reset button: QMP's system_reset
	VerbPowerDown  Verb = "power-down" // gracefully, then by quit, then by its unit; held, and proved stopped
	VerbSwap       Verb = "swap"       // put the disks aside and others in their place, while it is down
	VerbBoot       Verb = "boot"       // release it and start its unit
	VerbCheckpoint Verb = "checkpoint" // keep the disks as they are now, live
	VerbPromote    Verb = "promote"    // make a checkpoint the last-known-good
	VerbProve      Verb = "prove"      // boot a checkpoint on a throw-away overlay until it is healthy
)

// Verbs is each verb with its risk, and whether it is repeat-safe: one that a
// crash left in doubt may be tried once more, because a second time does no
// more harm than the first. A oneshot unit's risk can be raised by its site.
var Verbs = map[Verb]struct {
	Risk       Risk
	RepeatSafe bool
}{
	VerbResetFailed: {Limit, true},
	VerbReload:      {Limit, true},
	VerbStart:       {Restart, true},
	VerbRestart:     {Restart, true},
	VerbOneshot:     {Restart, false},
	VerbStop:        {Reset, true},

	VerbLimit:   {Limit, true},
	VerbUnlimit: {Limit, true},

	VerbCont:       {Limit, true},
	VerbCheckpoint: {Limit, true},
	VerbPromote:    {Limit, true},
	VerbProve:      {Limit, true},
	VerbBoot:       {Restart, true},
	VerbReset:      {Reset, false},
	VerbPowerDown:  {Reset, true},
	VerbSwap:       {Rollback, true},
}

// Step is one action on one target, as a plan holds it.
type Step struct {
	Do Verb   `json:"do"`
	On Target `json:"on"`
	// Risk is the verb's own, or higher where the inventory says so.
	Risk Risk `json:"risk"`
	// Timeout bounds the action; when it passes, what happened is read from the
	// world, never assumed.
	Timeout time.Duration `json:"timeout"`
	// Image is what a swap puts in place, and what a promotion or a proof is of;
	// a new checkpoint has only its name yet.
	Image *Image `json:"image,omitzero"`
	// Profile is whose limits the unit is given, or given back, and Gives says for
	// people what they are: "memory 256MiB, cpu 50%, for 4h".
	Profile string `json:"profile,omitzero"`
	Gives   string `json:"gives,omitzero"`
	// Takes is what the step takes along: units that systemd restarts or stops with
	// this one. It counts as touched.
	Takes []Target `json:"takes,omitzero"`
}

func (s Step) String() string {
	switch {
	case s.Image != nil:
		return string(s.Do) + " " + s.On.Name + " to " + s.Image.Name
	case s.Do == VerbUnlimit && s.Profile != "":
		return string(s.Do) + " " + s.On.Name + " from " + s.Profile
	case s.Profile != "":
		return string(s.Do) + " " + s.On.Name + " to " + s.Profile
	}
	return string(s.Do) + " " + s.On.Name
}

// Witness is what would tell, later and to another process, whether a step
// happened: the InvocationID and boot id of a unit before its restart. It is
// stored with the intent.
type Witness map[string]string

// Result is how an action ended.
type Result string

// The results. They are values of the metric label "result".
const (
	Done     Result = "done"     // the world did it
	Failed   Result = "failed"   // the world tried and could not
	TimedOut Result = "timeout"  // its deadline passed before the world answered
	Canceled Result = "canceled" // somebody else took it back: a person is at work
)

// Results lists them all, for metrics and documentation.
var Results = []Result{Done, Failed, TimedOut, Canceled}

// Receipt is the proof of what an action did.
type Receipt struct {
	Result Result `json:"result"`
	// Detail says it in a sentence, bounded by [Brief].
	Detail string `json:"detail,omitzero"`
	// Facts are what was read afterwards (the new InvocationID, a oneshot
	// unit's Result), by the names the technology gives them.
	Facts map[string]string `json:"facts,omitzero"`
	// Took is how long the action took.
	Took time.Duration `json:"took,omitzero"`
}

// Action is what an actuator does for one verb. The engine calls Witness, makes
// the intent durable, then calls Do; after a crash it calls Happened instead.
type Action interface {
	// Witness reads what would tell whether the step happened.
	Witness(ctx context.Context, step Step) (Witness, error)
	// Do acts, and returns once the outcome is known or ctx ends. A receipt is
	// returned for whatever the world said, also for a failure; the error is
	// [ErrInDoubt] when it can't be told whether the act happened, and any
	// other error says that nothing was done.
	Do(ctx context.Context, step Step, before Witness) (Receipt, error)
	// Happened compares the witness with the world: a receipt when the step
	// happened, [ErrNotDone] when it did not, [ErrInDoubt] when it can't be told.
	Happened(ctx context.Context, step Step, before Witness) (Receipt, error)
}

// FactInvocation names the fact of a receipt, and of a witness, that changes
// exactly when the thing was started anew: systemd's own name for it.
const FactInvocation = "InvocationID"

var (
	// ErrNotDone says that a step has certainly not happened.
	ErrNotDone = errors.New("not done")
	// ErrWithheld says that a step was not done because a freeze came before it.
	ErrWithheld = errors.New("withheld")
	// ErrInDoubt says that it can't be told whether a step happened.
	ErrInDoubt = errors.New("in doubt")
)
