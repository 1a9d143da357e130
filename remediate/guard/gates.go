package guard

import (
	"strings"
	"time"

	"nightshift/remediate"
)

// StaleAfter is the age of a notification beyond which it may not be acted on
// unless a probe agrees now: Alertmanager sends a firing group again each 5
// minutes by default, so twice that means that nobody has spoken since.
const StaleAfter = 10 * time.Minute

// settleAgain is the pause before a unit that is being started by its own keeper
// is looked at again; RestartSec= is 100 ms by default (systemd.service(5)).
const settleAgain = 2 * time.Second

func frozen(f Facts) (remediate.Verdict, bool) {
	if f.Frozen == nil {
		return remediate.Verdict{}, false
	}
	v := say(remediate.ReasonFrozen, "frozen by %s: %s", f.Frozen.By, f.Frozen.Reason)
	v.Quiet = f.FreezeTold
	return v, true
}

func observeOnly(f Facts) (remediate.Verdict, bool) {
	return say(ReasonObserveOnly, "may only observe"), f.Autonomy != remediate.Act && f.Autonomy != remediate.Approve
}

func unknownTarget(f Facts) (remediate.Verdict, bool) {
	if !f.TargetKnown {
		return say(remediate.ReasonUnknownTarget, "the inventory does not name what the alert is about"), true
	}
	for _, t := range f.Touches {
		if !t.InInventory && !t.With.IsZero() {
			return say(remediate.ReasonUnknownTarget, "%s would take along %s, which the inventory does not name", t.With.Name, t.On.Name), true
		}
		if !t.InInventory {
			return say(ReasonNotListed, "%s is not in the inventory", t.On.Name), true
		}
		if t.Situation.Known && !t.Situation.Exists {
			return say(ReasonNotListed, "%s does not exist on this host", t.On.Name), true
		}
	}
	return remediate.Verdict{}, false
}

// stale lets an old alert act only with a probe that agrees now.
func stale(f Facts) (remediate.Verdict, bool) {
	return say(ReasonStale, "the notification came %s ago", f.AlertAge.Round(time.Second)),
		f.AlertAge > StaleAfter && !f.Unhealthy && !f.Begun
}

func truncated(f Facts) (remediate.Verdict, bool) {
	return say(ReasonTruncated, "the notification or the alert was cut"), f.Truncated
}

// person tells by the invocation that somebody else started the thing since the
// incident saw it, or by a job that somebody stopped it.
func person(f Facts) (remediate.Verdict, bool) {
	for _, t := range f.Touches {
		switch s := t.Situation; {
		case s.StoppedByJob && !s.Active:
			return say(remediate.ReasonPersonAtWork, "somebody stopped %s", t.On.Name), true
		case t.startedByOthers():
			return say(remediate.ReasonPersonAtWork, "somebody started %s anew", t.On.Name), true
		}
	}
	return remediate.Verdict{}, false
}

// startedByOthers tells a start that is neither ours nor its own keeper's: a unit
// that Restart= brought back has restarts to its count.
func (t Touched) startedByOthers() bool {
	s := t.Situation
	return t.KnownInvocation != "" && s.Invocation != "" && s.Restarts == 0 && !s.Settling &&
		s.Invocation != t.KnownInvocation && s.Invocation != t.OurInvocation
}

func busy(f Facts) (remediate.Verdict, bool) {
	if f.Holder != "" {
		v := say(remediate.ReasonTargetTaken, "incident %s has the same target", f.Holder)
		v.On = f.Holder
		return v, true
	}
	if other, ok := f.inTheWay(); ok {
		v := say(ReasonBusy, "incident %s is acting", other)
		v.On = other
		return v, true
	}
	for _, t := range f.Touches {
		switch {
		case !t.Situation.Known:
			return f.soon(say(ReasonUnreadable, "cannot read how %s stands: %s", t.On.Name, t.Situation.Detail)), true
		case t.Situation.Settling && t.With.IsZero(): // what hangs on a unit that is down may be tried in vain for ever
			return f.soon(say(ReasonSettling, "%s is %s", t.On.Name, t.Situation.State)), true
		}
	}
	return remediate.Verdict{}, false
}

func (f Facts) soon(v remediate.Verdict) remediate.Verdict {
	v.Until = f.Now.Add(settleAgain)
	return v
}

// inTheWay is an incident that acts on what this one would touch, or any that
// acts when the host has as many as it may. One in the middle of a rung has its
// place already: two such would wait for each other.
func (f Facts) inTheWay() (remediate.ID, bool) {
	for _, other := range f.Acting {
		for _, theirs := range other.Touching {
			for _, ours := range f.Touches {
				if theirs.Overlaps(ours.On) {
					return other.ID, true
				}
			}
		}
	}
	if !f.Climbing && len(f.Acting) > 0 && len(f.Acting) >= f.MaxActing {
		return f.Acting[0].ID, true
	}
	return "", false
}

// cooldown and attempts bound what the agent does by itself; a person who asks knows
// why.
func cooldown(f Facts) (remediate.Verdict, bool) {
	for _, t := range f.Touches {
		over := t.LastEnded.Add(f.Attempts.Cooldown)
		if !t.LastEnded.IsZero() && f.Now.Before(over) && !f.Asked {
			v := say(ReasonCooldown, "%s was acted on %s ago, and cools down for %s",
				t.On.Name, f.Now.Since(t.LastEnded).Round(time.Second), f.Attempts.Cooldown)
			v.Until = over
			return v, true
		}
	}
	return remediate.Verdict{}, false
}

func attempts(f Facts) (remediate.Verdict, bool) {
	for _, t := range f.Touches {
		if t.Recent >= f.Attempts.Max && !f.Asked {
			return say(ReasonAttempts, "%s was acted on %d times in %s", t.On.Name, t.Recent, f.Attempts.Per), true
		}
	}
	return remediate.Verdict{}, false
}

// denied are the units whose restart takes more along than it mends, by the
// beginning of their names: the message bus, systemd's own, the way in, the
// network, and what this agent hears and speaks through.
var denied = []string{
	"dbus", "messagebus", "systemd-", "ssh", "network", "NetworkManager", "wicked", "connman", "dhcpcd", "nats", "alertmanager",
	"prometheus-alertmanager", "nightshift", "polkit", "user@", "getty@", "init.scope",
}

// Denied reports whether a unit is on the deny list: only `allow: true` beside
// its name in the inventory overrules that.
func Denied(unit string) bool {
	for _, prefix := range denied {
		if strings.HasPrefix(unit, prefix) {
			return true
		}
	}
	return false
}

func denyList(f Facts) (remediate.Verdict, bool) {
	for _, t := range f.Touches {
		if t.On.Kind == remediate.UnitKind && Denied(t.On.Name) && !t.Allowed {
			return say(ReasonDenied, "%s%s is on the deny list, and `allow: true` is not set", t.On.Name, t.taken()), true
		}
	}
	return remediate.Verdict{}, false
}

// longestTurn is more than any host asks for at once (an hour, MaxAside of the
// link to it): a turn that ends later was agreed by a clock that was wrong.
const longestTurn = 2 * time.Hour

// aside leaves the acting to the host of this VM while that acts on it, or watches
// it boot.
func aside(f Facts) (remediate.Verdict, bool) {
	if f.Aside == nil || !f.Now.Before(f.Aside.Until) || f.Aside.Until.Since(f.Now) > longestTurn {
		return remediate.Verdict{}, false
	}
	v := say(ReasonHostsTurn, "%s has its turn for %s", f.Aside.By, f.Aside.Until.Since(f.Now).Round(time.Second))
	v.Until = f.Aside.Until
	return v, true
}

// guestAgain is the pause before the agent inside a VM is looked for again: it is
// gone, or has given up, long before its turn is over.
const guestAgain = 10 * time.Second

// guest lets the agent inside a VM have its turn. Once the ladder was begun, or a
// person asked, it is over.
func guest(f Facts) (remediate.Verdict, bool) {
	for _, t := range f.Touches {
		over := f.Opened.Add(t.WaitForGuest)
		if t.Situation.GuestActs && f.Now.Before(over) && !f.Begun && !f.Asked {
			v := say(ReasonGuestsTurn, "the agent inside %s has its turn for %s", t.On.Name, over.Since(f.Now).Round(time.Second))
			v.Until = f.Now.Add(min(guestAgain, over.Since(f.Now)))
			return v, true
		}
	}
	return remediate.Verdict{}, false
}

// swapped refuses to exchange a VM's disks a second time within a while, unless a
// person asks for that: going back did not help, so people look.
func swapped(f Facts) (remediate.Verdict, bool) {
	for _, t := range f.Touches {
		if f.Swaps && !f.Asked && !t.LastSwap.IsZero() && f.Now.Since(t.LastSwap) < t.SwapEvery {
			return say(ReasonRolledBack, "%s was rolled back %s ago, and that is done once in %s",
				t.On.Name, f.Now.Since(t.LastSwap).Round(time.Second), t.SwapEvery), true
		}
	}
	return remediate.Verdict{}, false
}

// approval holds what is more than may be done alone, until a person approved
// exactly this rung. A disk goes back without a person only to what was proved by
// a boot. A yes lasts for a while only, unless something of the climb was done.
func approval(f Facts) (remediate.Verdict, bool) {
	needed := f.Autonomy == remediate.Approve || f.Risk > f.alone() || f.Swaps && f.Grade != remediate.BootProved
	approved := f.Approved == f.PlanDigest && f.Approved != "" && (f.Climbing && !f.Untried || f.Now.Since(f.ApprovedAt) < remediate.ApprovalLasts)
	return say(ReasonApproval, "a person has to approve it (risk %s)", f.Risk), needed && !approved
}

// alone is the greatest risk that needs no person: the least of what is touched.
func (f Facts) alone() remediate.Risk {
	least := remediate.Rollback
	for _, t := range f.Touches {
		least = min(least, t.Alone)
	}
	return least
}
