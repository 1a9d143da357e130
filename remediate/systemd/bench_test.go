package systemd

import (
	"context"
	"os/exec"
	"slices"
	"testing"
	"time"

	"nightshift/remediate"
)

// median runs f as often as b asks for and reports the median, which a busy
// machine disturbs less than the mean.
func median(b *testing.B, f func()) {
	b.Helper()
	took := make([]time.Duration, 0, b.N)
	for b.Loop() {
		begin := time.Now()
		f()
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

func restarting(b *testing.B, unit string) func() {
	u, step := reach(b), stepOf(remediate.VerbRestart, unit)
	action := u.Actions()[step.Do]
	return func() {
		if receipt, err := action.Do(context.Background(), step, nil); err != nil || receipt.Result != remediate.Done {
			b.Fatal(receipt, err)
		}
	}
}

// BenchmarkRestart is a restart as the engine does it, of a unit without a start
// limit and of one whose starts have to be counted, beside systemctl's.
func BenchmarkRestart(b *testing.B) {
	free := sleeper(b, "ns-bench.service", "[Unit]", "StartLimitIntervalSec=0")
	counted := sleeper(b, "ns-bench-counted.service")
	b.Run("dbus", func(b *testing.B) { median(b, restarting(b, free)) })
	b.Run("dbus-counted", func(b *testing.B) { median(b, restarting(b, counted)) })
	b.Run("systemctl", func(b *testing.B) {
		median(b, func() {
			if err := exec.Command("systemctl", "restart", free).Run(); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// BenchmarkReading is what a gate, a probe and a look cost.
func BenchmarkReading(b *testing.B) {
	u, unit := reach(b), sleeper(b, "ns-bench-read.service")
	run(b, "systemctl", "start", unit)
	ctx := context.Background()
	b.Run("probe", func(b *testing.B) { median(b, func() { u.Probe(ctx, unit) }) })
	b.Run("situation", func(b *testing.B) {
		median(b, func() { _, _ = u.Situation(ctx, remediate.Unit(unit)) })
	})
	b.Run("journal", func(b *testing.B) {
		median(b, func() { u.See(ctx, remediate.Look{What: remediate.SeeJournal, Lines: 50}, remediate.Unit(unit)) })
	})
}
