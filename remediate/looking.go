package remediate

import "time"

// unknownLasts is how long an incident asks again while its probes can't tell:
// long enough for two samples of a counter at any sane interval, and for a
// service that is just starting.
const unknownLasts = 30 * time.Second

// lookNow cuts a wait short: what was waited for may be over. Work that has begun
// is not disturbed.
func (d *decision) lookNow() {
	switch d.incident.State {
	case Open, Waiting, Held:
		d.next = &Effect{WantLook, d.now}
	default:
		d.leave = true
	}
}

// comeBack takes an incident up that nobody watched for a while: a verification
// begins anew, and whatever was about to be done needs a fresh look first.
func (d *decision) comeBack() {
	i := &d.incident
	switch {
	case i.Intent != nil:
	case i.State == Verifying:
		d.record(Event{Type: VerifyStarted, Watched: &Watched{Rung: i.Rung, Only: i.Watch.Only}})
	case i.State != Escalated:
		d.next = &Effect{WantLook, d.now}
	}
}

// wentBack hands to people what was under way when the disks below the agent were
// exchanged: nothing that it knew of the machine is sure any more.
func (d *decision) wentBack() {
	if d.incident.State != Escalated {
		d.record(d.end(Escalated, ReasonWentBack, "the virtual machine was rolled back under it"))
	}
}

// looked decides what an incident does about what was seen. An act needs both an
// alert that fires and a probe that agrees: unknown is not bad, and an alert
// alone may be stale, false, or about something that is over. Once the first rung
// was climbed and did not help, the probes alone decide: a step may have made the
// alert forget (a Prometheus that is restarted does not know for how long).
func (d *decision) looked(l Looked) {
	i := &d.incident
	worst := Worst(l.Observations[:l.Verify])
	switch {
	case i.Intent != nil, i.State == Verifying, i.State == Escalated:
	case i.State == Held && (worst != Healthy || i.Firing):
	case i.midway(d.now), i.Asked != nil:
		d.plan(l)
	case worst == Healthy && i.begun():
		d.record(Event{Type: VerifyStarted, Watched: &Watched{Rung: i.Rung}})
	case worst == Healthy && !i.Firing:
		d.record(d.end(Cleared, ReasonHealthy, "healthy, and the alert is gone"))
	case worst == Healthy:
		d.lookAgain(ReasonDisagrees, i.Due(d.now), "it stayed so until its time was over")
	case worst == Unknown:
		d.lookAgain(ReasonUnknown, d.now.Add(unknownLasts), "it stayed so until its time was over")
	case !i.Firing && i.Rung == 0:
		d.lookAgain(ReasonAlertGone, i.Due(d.now), "it stayed so until its time was over")
	default:
		d.plan(l)
	}
}

// lookAgain waits for one reason and asks again soon; when the wait for that
// reason is over, people have it, or who asked.
func (d *decision) lookAgain(why Reason, until Instant, detail string) {
	i := &d.incident
	if i.State != Waiting || i.Wait.Reason != why {
		d.record(Event{Type: IncidentWaiting, Waited: &Waited{Reason: why, Until: until}})
		return
	}
	if !d.now.Before(i.Wait.Until) {
		d.record(d.end(d.giveUp(), why, detail))
	}
}

// plan binds the incident to what would be done now, and asks the gates. Once a
// rung was begun the plan stays; before that it follows what is seen.
func (d *decision) plan(l Looked) {
	i := &d.incident
	switch {
	case i.begun():
	case l.PlanError != "":
		d.record(d.end(d.giveUp(), ReasonPlanFailed, l.PlanError))
		return
	case i.Plan == nil || i.Plan.Digest != l.Plan.Digest:
		d.record(Event{Type: IncidentPlanned, Planned: &Planned{
			Plan: l.Plan, Observations: l.Observations, Seen: l.Seen, Invocations: l.Invocations,
		}})
	}
	if i.State != Acting { // its rung was allowed; the gates are asked before its step
		d.next = &Effect{WantJudge, d.now}
	}
}
