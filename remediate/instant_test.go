package remediate_test

import (
	"testing"
	"time"

	. "nightshift/remediate"
)

func TestSpansUseTheUptimeWithinABootAndTheWallClockAcross(t *testing.T) {
	minute := noon.Add(time.Minute)
	jumped := minute
	jumped.Wall = jumped.Wall.AddDate(10, 0, 0)
	back := minute
	back.Wall = back.Wall.AddDate(-10, 0, 0)
	rebooted := Instant{Wall: noon.Wall.Add(5 * time.Minute), Boot: "b2", Up: time.Second}
	past := Instant{Wall: noon.Wall.Add(-time.Hour), Boot: "b2", Up: time.Second}
	for name, c := range map[string]struct {
		now  Instant
		want time.Duration
	}{
		"a minute":                      {minute, time.Minute},
		"the clock was set forth":       {jumped, time.Minute},
		"the clock was set back":        {back, time.Minute},
		"another boot":                  {rebooted, 5 * time.Minute},
		"another boot, an earlier time": {past, 0},
		"no boot known":                 {Instant{Wall: noon.Wall.Add(time.Second)}, time.Second},
	} {
		if got := c.now.Since(noon); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if noon.Before(c.now) != (c.want > 0) || c.now.Until(noon) != c.want {
			t.Errorf("%s: Before and Until see it otherwise", name)
		}
	}
	if !(Instant{}).IsZero() || noon.IsZero() {
		t.Error("the zero Instant is no instant")
	}
	if !(Instant{}).Before(noon) {
		t.Error("no instant comes before any")
	}
}

func TestADeadlineIsKeptByTheUptimeWhereTheClockWentBackAcrossABoot(t *testing.T) {
	i := Incident{LiveSince: noon, Playbook: Playbook{Deadline: 20 * time.Minute}}
	// The host was booted, and the clock stands five minutes after the alert came.
	at := func(up time.Duration) Instant {
		return Instant{Wall: noon.Wall.Add(5 * time.Minute), Boot: "b2", Up: up}
	}
	for up, want := range map[time.Duration]time.Duration{
		time.Minute:      15 * time.Minute, // by the wall clock
		8 * time.Minute:  12 * time.Minute,
		20 * time.Minute: 0,
		54 * time.Minute: 0,
	} {
		now := at(up)
		if got := i.Due(now).Until(now); got != want {
			t.Errorf("up for %s it is due in %s, want %s", up, got, want)
		}
		if got := i.Overdue(now); got != (want == 0) {
			t.Errorf("up for %s: overdue %t", up, got)
		}
	}
}
