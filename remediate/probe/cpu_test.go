package probe

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"nightshift/remediate"
)

// hostTree is a host of two processors with units in control groups of version 2.
func hostTree(busyTicks string, units map[string]string) fstest.MapFS {
	tree := fstest.MapFS{"proc/stat": {Data: []byte("cpu  " + busyTicks + " 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\nintr 1\n")}}
	for dir, usec := range units {
		tree["sys/fs/cgroup/"+dir+"/cpu.stat"] = &fstest.MapFile{Data: []byte("usage_usec " + usec + "\nuser_usec 0\n")}
	}
	return tree
}

// ticking is a clock that a test moves.
type ticking struct{ at time.Time }

func (c *ticking) now() time.Time { return c.at }

func TestCPUIsAMeanOverTheSpan(t *testing.T) {
	clock := &ticking{time.Unix(1000, 0)}
	c := NewCPU(CPUOptions{Name: "x", MaxPercent: 80, Per: 10 * time.Second, FS: hostTree("0", nil)}, clock.now)
	look := func(after time.Duration, ticks string) answer {
		clock.at = clock.at.Add(after)
		c.o.FS = hostTree(ticks, nil)
		if _, err := c.sample(t.Context()); err != nil {
			t.Fatal(err)
		}
		return c.judge()
	}
	for n, step := range []struct {
		after time.Duration
		ticks string // of 200 a second
		want  remediate.Health
		part  string
	}{
		{0, "0", remediate.Unknown, "one sample"},
		{5 * time.Second, "900", remediate.Unknown, "90.0 % are used, over the 5s seen so far"},
		{5 * time.Second, "1800", remediate.Unhealthy, "90.0 % are used, over 10s; expected at most 80.0 %"},
		{5 * time.Second, "2000", remediate.Healthy, "55.0 % are used, over 10s"},
		{time.Hour, "2000", remediate.Healthy, "0."},
	} {
		if got := look(step.after, step.ticks); got.health != step.want || !strings.Contains(got.detail, step.part) {
			t.Errorf("%d: %v, want %s %q", n, got, step.want, step.part)
		}
	}
}

func TestCPUOfAUnitIsThatOfItsGroupAndOfNoOtherByThatName(t *testing.T) {
	tree := hostTree("0", map[string]string{
		"system.slice/web.service":                             "3000000",
		"rave.slice/rave-db.slice/db.service":                  "5000000",
		"user.slice/user-1.slice/user@1.service/evil.service":  "9000000",
		"system.slice/web.service/payload.slice/inner.service": "9000000",
		"rave.slice": "7000000",
	})
	for of, want := range map[string]float64{"web.service": 3, "db.service": 5, "rave.slice": 7} {
		if got, err := cpuTime(tree, of); err != nil || got != want {
			t.Errorf("%s: %v %v", of, got, err)
		}
	}
	for _, of := range []string{"evil.service", "inner.service", "none.service", "none.slice"} {
		if got, err := cpuTime(tree, of); !errors.Is(err, errNoGroup) {
			t.Errorf("%s: %v %v", of, got, err)
		}
	}
}

func TestWithoutAccountsTheProcessesAreAddedUp(t *testing.T) {
	tree := hostTree("0", nil)
	for pid, text := range map[string][2]string{
		"10": {"10 (a) b) c) S 1 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0\n", "1:name=systemd:/system.slice/web.service\n"},
		"11": {"11 (x) S 1 1 1 0 -1 0 0 0 0 0 100 0 0 0 20 0\n", "1:name=systemd:/system.slice/web.service/below\n"},
		"12": {"12 (y) S 1 1 1 0 -1 0 0 0 0 0 900 0 0 0 20 0\n", "0::/user.slice/user-1.slice/user@1.service/web.service\n"},
	} {
		tree["proc/"+pid+"/stat"] = &fstest.MapFile{Data: []byte(text[0])}
		tree["proc/"+pid+"/cgroup"] = &fstest.MapFile{Data: []byte(text[1])}
	}
	if got, err := cpuTime(tree, "web.service"); err != nil || got != 3 {
		t.Errorf("%v %v", got, err)
	}
	if got, err := cpuTime(tree, "system.slice"); err != nil || got != 3 {
		t.Errorf("%v %v", got, err)
	}
	if got, err := timeOfUnits(tree); err != nil || got["web.service"] != 3 || got["user.slice"] != 9 {
		t.Errorf("%v %v", got, err)
	}
}

// TestWhoIsBusiest holds that nobody of the inventory pays for what is off it.
func TestWhoIsBusiest(t *testing.T) {
	known := func(unit string) bool { return unit == "web.service" || unit == "db.service" }
	for name, c := range map[string]struct {
		busy      string            // ticks in 10 s
		used      map[string]string // microseconds in 10 s
		want, why string
	}{
		"one runs away":        {"1100", map[string]string{"system.slice/web.service": "10000000", "system.slice/db.service": "500000"}, "web.service", "100.0 % of a processor, over 10s"},
		"one off the list":     {"1100", map[string]string{"system.slice/backup.service": "10000000", "system.slice/web.service": "500000"}, "", "backup.service uses 100.0 % of a processor, over 10s, and is none of the inventory"},
		"what users run":       {"1100", map[string]string{"user.slice": "10000000", "system.slice/web.service": "900000"}, "", "user.slice uses"},
		"two share it":         {"2000", map[string]string{"system.slice/web.service": "9000000", "system.slice/db.service": "9500000"}, "", "no unit uses half"},
		"the kernel is busy":   {"2000", map[string]string{"system.slice/web.service": "3000000"}, "", "no unit uses half"},
		"nobody does anything": {"20", map[string]string{"system.slice/web.service": "200000"}, "", "no unit uses half"},
		"it began anew":        {"1100", map[string]string{"system.slice/web.service": "-"}, "", "no unit uses half"},
	} {
		t.Run(name, func(t *testing.T) {
			clock := &ticking{time.Unix(1000, 0)}
			zero := map[string]string{}
			for dir := range c.used {
				zero[dir] = "0"
			}
			l := NewLoad(hostTree("0", zero), time.Minute, clock.now)
			if _, err := l.Sample(t.Context()); err != nil {
				t.Fatal(err)
			}
			clock.at = clock.at.Add(10 * time.Second)
			l.root = hostTree(c.busy, c.used)
			if _, err := l.Sample(t.Context()); err != nil {
				t.Fatal(err)
			}
			clock.at = clock.at.Add(time.Microsecond)
			got := l.Busiest(t.Context(), known)
			if got.Unit != c.want || !strings.Contains(got.Why, c.why) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestARunawayIsSeenOnThisHost burns a processor in this very process.
func TestARunawayIsSeenOnThisHost(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
		}
	}()
	l := NewLoad(nil, time.Minute, time.Now)
	_, all, span, err := l.shares(t.Context())
	cancel()
	<-done
	if err != nil || all <= 0 || span < firstLook {
		t.Errorf("%v of the processors over %s, %v", all, span, err)
	}
	if seen := l.See(t.Context(), remediate.Look{What: remediate.SeeCPU}); seen.Error != "" || !strings.Contains(seen.Text, "all, of one processor") {
		t.Errorf("%+v", seen)
	}
	sees(t, NewCPU(CPUOptions{Name: "x", MaxPercent: 100, Per: time.Second, Timeout: patience}, time.Now), remediate.Healthy, "are used")
}

func TestOOMKillsAreCountedInBothVersions(t *testing.T) {
	v2 := fstest.MapFS{
		"proc/vmstat": {Data: []byte("nr_free_pages 1\noom_kill 4\n")},
		"sys/fs/cgroup/system.slice/web.service/memory.events": {Data: []byte("low 0\noom 3\noom_kill 2\n")},
	}
	v1 := fstest.MapFS{
		"sys/fs/cgroup/memory/a.slice/memory.oom_control":             {Data: []byte("oom_kill_disable 0\nunder_oom 0\noom_kill 0\n")},
		"sys/fs/cgroup/memory/a.slice/web.service/memory.oom_control": {Data: []byte("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")},
	}
	for name, c := range map[string]struct {
		tree fstest.MapFS
		of   string
		want float64
	}{
		"the host": {v2, "", 4}, "a service": {v2, "web.service", 2}, "version 1": {v1, "web.service", 3}, "a slice of version 1, with what is below": {v1, "a.slice", 3},
	} {
		if got, err := OOMKills(c.tree, c.of); err != nil || got != c.want {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
	if _, err := OOMKills(v2, "none.service"); err == nil {
		t.Error("a service without a group has a count")
	}
	if n, err := OOMKills(Root(), ""); err != nil || n < 0 {
		t.Errorf("this host: %v %v", n, err)
	}
}

func TestACounterMindsARiseAndNoneBefore(t *testing.T) {
	clock, value := &ticking{time.Unix(1000, 0)}, 7.0
	c := NewCounter(CounterOptions{
		Name: "x", What: "kills", Per: time.Minute, Timeout: patience, Read: func(context.Context) (float64, error) { return value, nil },
	}, clock.now)
	look := func(after time.Duration, now float64) remediate.Observation {
		clock.at, value = clock.at.Add(after), now
		if _, err := c.sample(t.Context()); err != nil {
			t.Fatal(err)
		}
		clock.at = clock.at.Add(time.Second)
		return c.Probe(t.Context())
	}
	for n, step := range []struct {
		after time.Duration
		value float64
		want  remediate.Health
	}{{0, 7, remediate.Healthy}, {5 * time.Second, 8, remediate.Unhealthy}, {30 * time.Second, 8, remediate.Unhealthy}, {61 * time.Second, 8, remediate.Healthy}, {time.Second, 0, remediate.Healthy}} {
		if got := look(step.after, step.value); got.Health != step.want || !strings.HasPrefix(got.Detail, "kills: ") {
			t.Errorf("%d: %+v", n, got)
		}
	}
	c.o.Read = func(context.Context) (float64, error) { return 0, errNoGroup }
	sees(t, c, remediate.Unknown, "cannot count kills: it has no control group")
}
