package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// typed runs a command line against the agent, as a program without a terminal does.
func (w *watched) typed(t *testing.T, args ...string) (status int, out, said string) {
	t.Helper()
	var stdout, stderr strings.Builder
	c := &cli{in: strings.NewReader("y\n"), out: &output{w: &stdout}, err: &stderr, now: func() time.Time { return noon.Add(time.Minute) }}
	status = c.run(t.Context(), append(args, "--nats", w.url, "--nkey", w.key, "--host", "rave-host"))
	return status, stdout.String(), stderr.String()
}

func TestAScriptApprovesExactlyWhatItNames(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"by its digest":         {[]string{"--yes", "--digest", "5f2c8d10a3b9"}, statusOK, "is approved"},
		"by the old name of it": {[]string{"--plan", "5F2C8D10A3B9"}, statusOK, "is approved"},
		"whatever is shown":     {[]string{"-y"}, statusOK, "is approved"},
		"another plan":          {[]string{"--yes", "--digest", "0000aaaa0000"}, statusFailed, "cannot approve what is not meant: the rung has the digest 5f2c8d10a3b94e67c1"},
		"nothing":               {nil, statusUsage, "cannot approve without being asked: add --yes --digest 5f2c8d10a3b94e67c1"},
		"only to look":          {[]string{"--yes", "--dry-run"}, statusOK, "would approve that; nothing was said"},
	} {
		t.Run(name, func(t *testing.T) {
			w := watch(t)
			status, out, said := w.typed(t, append([]string{"approve", "7K2M9QX4"}, c.args...)...)
			if status != c.status || !strings.Contains(out+said, c.says) {
				t.Errorf("status %d, want %d and %q; it says:\n%s%s", status, c.status, c.says, out, said)
			}
			want := []string{"approve 5f2c8d10a3b94e67c1"}
			if !strings.Contains(c.says, "is approved") {
				want = nil
			}
			if !slices.Equal(w.said, want) {
				t.Errorf("the agent heard %q, want %q", w.said, want)
			}
			for _, shown := range []string{"what is lost: what was written since", "stays   data", "asked    by operator"} {
				if !strings.Contains(said, shown) {
					t.Errorf("before that it does not show %q:\n%s", shown, said)
				}
			}
		})
	}
}

func TestWhatWaitsForNobodyIsNotApproved(t *testing.T) {
	w := watch(t)
	w.happens(w.denied)
	w.happens(wentBack()[:1])
	status, _, said := w.typed(t, "approve", "7K2M9QX4", "--yes")
	if status != statusFailed || !strings.Contains(said, "it is open and waits for no answer") || len(w.said) > 0 {
		t.Errorf("status %d, the agent heard %q; it says %q", status, w.said, said)
	}
}
