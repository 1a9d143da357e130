package systemd

import (
	"context"
	"time"
)

// What PID 1 logs of each unit, by the MESSAGE_ID of sd-messages.h: that its
// processes ended, well or not.
const (
	endedWell  = "7ad2d189f7e94e70a38c781354912448"
	endedBadly = "d9b373ed55a64feb8242e02dbe79a49c"
)

// history is what PID 1 logged of a unit in this boot, oldest first: the only
// record of who ended it. systemd forgets a unit that is down and not failed, and
// never tells over D-Bus whether it was stopped or ended by itself. A line can be
// missing: PID 1 does not wait for a journal that is behind.
type history []entry

// historyOf reads the last lines about a unit, of those that match. PID 1 logs
// them at level info: with LogLevel=warning there is no history.
func historyOf(ctx context.Context, unit string, lines int, matches ...string) (history, error) {
	// _PID is the journal's own; UNIT alone could be written by anybody.
	return readJournal(ctx, lines, append([]string{"--boot", "_PID=1", "UNIT=" + unit}, matches...)...)
}

// recentLines are enough to hold the last start and stop of a unit: each logs at
// most about ten.
const recentLines = 40

// lastJob is the newest job that finished. A restart finishes twice: first as
// JOB_TYPE=restart when the unit is down, then as JOB_TYPE=start.
func (h history) lastJob() (job entry, ok bool) {
	return h.last(func(e entry) bool { return e.JobResult != "" })
}

// lastStop is the stop that is the newest of all jobs, also where only its begin
// was logged, and was not followed by anything of another invocation: that is of
// a start whose line is missing.
func (h history) lastStop() (stop entry, ok bool) {
	job, _ := h.last(func(e entry) bool { return e.JobType != "" })
	newest, _ := h.last(func(e entry) bool { return e.Invocation != "" })
	return job, job.isStop() && job.Invocation == newest.Invocation
}

// ended is when the unit's processes last ended; 0 if unknown.
func (h history) ended() time.Duration {
	end, _ := h.last(func(e entry) bool { return e.MessageID == endedWell || e.MessageID == endedBadly })
	return end.at()
}

// begin is when an invocation was started.
func (h history) begin(invocation string) (time.Duration, bool) {
	start, ok := h.last(func(e entry) bool { return e.JobType == "start" && e.Invocation == invocation })
	return start.at(), ok
}

// startsSince counts the starts that finished after a moment, however they did.
func (h history) startsSince(moment time.Duration) int {
	n := 0
	for _, e := range h {
		if e.JobType == "start" && e.JobResult != "" && e.at() > moment {
			n++
		}
	}
	return n
}

func (h history) last(is func(entry) bool) (entry, bool) {
	for i := len(h) - 1; i >= 0; i-- {
		if is(h[i]) {
			return h[i], true
		}
	}
	return entry{}, false
}

// at is the entry's time by CLOCK_MONOTONIC.
func (e entry) at() time.Duration { return microseconds(uint64(e.Mono)) }

// isStop is whether the entry is of a job to stop that began or is done. A restart
// begins like one, but goes on.
func (e entry) isStop() bool {
	return e.JobType == "stop" && (e.JobResult == "done" || e.JobResult == "")
}

// wasSkipped is whether a start was done without starting anything, because a
// condition of the unit does not hold: then there is no invocation.
func (e entry) wasSkipped() bool {
	return e.JobType == "start" && e.JobResult == "done" && e.Invocation == ""
}
