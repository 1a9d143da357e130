package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nightshift/remediate"
)

// spread reports the middle and the slowest hundredth of what was timed.
func spread(b *testing.B, times []time.Duration) {
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-us")
}

// timed times each call of fn.
func timed(b *testing.B, fn func(i int) error) {
	var times []time.Duration
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		if err := fn(i); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(began))
	}
	spread(b, times)
}

// BenchmarkFloor is what two durable writes take without a journal: an append to
// one file and a change in place of another.
func BenchmarkFloor(b *testing.B) {
	dir := b.TempDir()
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY|unix.O_DSYNC, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	head, err := openHead(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer head.close()
	event := make([]byte, 700)
	timed(b, func(i int) error {
		if _, err := log.Write(event); err != nil {
			return err
		}
		return head.write(Head{Epoch: "01KJMMA2G04T2KVZ6T9HQB7NMY", N: uint64(i), Hash: genesis})
	})
}

func BenchmarkAppend(b *testing.B) {
	a := start(b, b.TempDir())
	text := strings.Repeat("x", 200)
	timed(b, func(i int) error {
		_, err := a.Append(b.Context(), a.comment(remediate.ID(fmt.Sprintf("INC%05d", i/10)), text))
		return err
	})
}

// BenchmarkStoreAlerts stores a batch of one alert, and reads it.
func BenchmarkStoreAlerts(b *testing.B) {
	a := start(b, b.TempDir())
	reader, err := a.ReadAlerts(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	batch := []byte(strings.Repeat("x", 700))
	timed(b, func(int) error {
		if _, err := a.StoreAlerts(b.Context(), batch); err != nil {
			return err
		}
		_, err := reader.Next(b.Context())
		return err
	})
}

// BenchmarkReady opens a log of 9,990 events: after a proper end it has a
// snapshot, after a kill all of them are read.
func BenchmarkReady(b *testing.B) {
	for _, closed := range []bool{true, false} {
		b.Run(map[bool]string{true: "closed", false: "killed"}[closed], func(b *testing.B) {
			dir := b.TempDir()
			a := start(b, dir)
			a.add(b, 9_990)
			if !closed {
				a.chain.replayed = false // no snapshot at the end
			}
			a.stop(b)
			timed(b, func(int) error {
				a := newAgent()
				j, err := Open(b.Context(), a.options(dir))
				if err != nil {
					return err
				}
				if _, err := j.Replay(b.Context(), a.apply); err != nil {
					return err
				}
				return j.abandon()
			})
		})
	}
}
