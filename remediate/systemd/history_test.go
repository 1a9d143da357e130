package systemd

import (
	"testing"
)

// What PID 1 logs of a unit, as systemd 252 was seen to.
func started(of string, at micros) entry {
	return entry{Mono: at, JobType: "start", JobResult: "done", Invocation: of}
}
func stopping(of string, at micros) entry {
	return entry{Mono: at, JobType: "stop", Invocation: of}
}
func stopped(of string, at micros) entry {
	return entry{Mono: at, JobType: "stop", JobResult: "done", Invocation: of}
}
func stoppedToRestart(of string, at micros) entry {
	return entry{Mono: at, JobType: "restart", JobResult: "done", Invocation: of}
}
func endedAlone(of string, at micros) entry {
	return entry{Mono: at, MessageID: endedWell, Invocation: of}
}

// PID 1 does not wait for a journal that is behind, so any line can be missing.
func TestReadingAStopFromTheHistory(t *testing.T) {
	for what, c := range map[string]struct {
		log  history
		want bool
	}{
		"nothing is known":                      {nil, false},
		"it runs":                               {history{started("a", 1)}, false},
		"it was stopped":                        {history{started("a", 1), stopping("a", 2), endedAlone("a", 3), stopped("a", 4)}, true},
		"it ended by itself":                    {history{started("a", 1), endedAlone("a", 3)}, false},
		"it was restarted and ended":            {history{started("a", 1), stopping("a", 2), stoppedToRestart("a", 3), started("b", 4), endedAlone("b", 5)}, false},
		"the end of the stop is missing":        {history{started("a", 1), stopping("a", 2), endedAlone("a", 3)}, true},
		"the begin of the stop is missing":      {history{started("a", 1), endedAlone("a", 3), stopped("a", 4)}, true},
		"it was stopped, started unseen, ended": {history{started("a", 1), stopped("a", 2), endedAlone("b", 5)}, false},
		"the restart could not start it":        {history{stopping("a", 2), stoppedToRestart("a", 3), {JobType: "start", JobResult: "failed", Invocation: "b"}}, false},
		"it was skipped after a stop":           {history{stopped("a", 2), {JobType: "start", JobResult: "done"}}, false},
	} {
		if _, got := c.log.lastStop(); got != c.want {
			t.Errorf("when %s, a stop is %v", what, got)
		}
	}
}

func TestCountingStarts(t *testing.T) {
	log := history{
		started("a", 10), {Mono: 19, JobType: "start", Invocation: "b"}, started("b", 20),
		{Mono: 30, JobType: "start", JobResult: "failed", Invocation: "c"}, stopped("c", 40),
	}
	for moment, want := range map[micros]int{0: 3, 10: 2, 20: 1, 30: 0} {
		if got := log.startsSince(microseconds(uint64(moment))); got != want {
			t.Errorf("since %d: %d starts, expected %d", moment, got, want)
		}
	}
}
