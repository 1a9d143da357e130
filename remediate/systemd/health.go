package systemd

import (
	"fmt"
	"time"

	"nightshift/remediate"
)

// sample is what a probe saw of a unit, kept for the next one to compare with.
type sample struct {
	at         time.Time
	invocation string
	restarts   uint32
	oomKills   uint64
}

// sampleAge is how old a sample may be to be compared with: an older one belongs
// to an earlier verification, whose restarts are nothing to this one. Samples of
// one verification are at most 10 s apart unless its playbook says so.
const sampleAge = time.Minute

// judge is the health of a unit by what was read now and by the sample before,
// if there is one. It is a sample itself: only a window of them says that a unit
// is well, because the job of one that dies at once is "done" all the same.
func (s state) judge(now sample, before *sample) (remediate.Health, string) {
	switch {
	case s.isActive():
		return s.judgeActive(now, before)
	case s.loadState != loaded:
		return remediate.Unknown, "cannot run: LoadState=" + s.loadState
	case s.waitsToRestart():
		return remediate.Unhealthy, fmt.Sprintf("%s: Result=%s, restarted %d times", s, s.result, s.restarts)
	case s.job != 0:
		return remediate.Unknown, s.String() + ", a job is queued"
	case s.activeState == failed:
		return remediate.Unhealthy, fmt.Sprintf("%s: Result=%s, ExecMainStatus=%d", s, s.result, s.exitStatus)
	case s.activeState == inactive && s.kind == typeOneshot && s.result == success:
		return remediate.Healthy, "its last run ended well"
	case s.activeState == inactive:
		return remediate.Unhealthy, s.String()
	}
	return remediate.Unknown, s.String() // on the way to another state
}

// judgeActive finds what is wrong with a unit that runs.
func (s state) judgeActive(now sample, before *sample) (remediate.Health, string) {
	switch {
	case s.activeState == reloading:
		return remediate.Unknown, s.String()
	case s.result != "" && s.result != success:
		return remediate.Unhealthy, fmt.Sprintf("%s: Result=%s", s, s.result)
	case before != nil && now.restartedSince(*before):
		return remediate.Unhealthy, fmt.Sprintf("%s: systemd restarted it since the last look, %d times in all", s, s.restarts)
	case before != nil && now.killedSince(*before):
		return remediate.Unhealthy, fmt.Sprintf("%s: the kernel killed a process of it for want of memory", s)
	}
	return remediate.Healthy, s.String()
}

// restartedSince is whether systemd restarted the unit by itself in between. A
// start that somebody asked for counts from 0 again.
func (now sample) restartedSince(before sample) bool {
	return now.restarts > before.restarts || now.restarts < before.restarts && now.restarts > 0
}

// killedSince is whether the kernel killed in between. Each start counts anew.
func (now sample) killedSince(before sample) bool {
	if now.invocation != before.invocation {
		return now.oomKills > 0
	}
	return now.oomKills > before.oomKills
}
