package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightshift/remediate"
	"nightshift/remediate/systemd"
)

// sleeper makes a unit that runs until it is stopped and starts as often as it is
// asked to. A name with an @ is a template.
func sleeper(name string) error {
	const text = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep infinity\n"
	if err := os.WriteFile(filepath.Join("/run/systemd/system", name), []byte(text), 0o644); err != nil {
		return err
	}
	return systemctl("daemon-reload")
}

func systemctl(args ...string) error {
	if out, err := exec.Command("systemctl", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot run systemctl %v: %w: %s", args, err, out)
	}
	return nil
}

// connect reaches the world's systemd as the agent does.
func connect() (*systemd.Units, func()) {
	bus := systemd.Connect(systemd.Options{Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry()})
	return systemd.NewUnits(bus, func() []string { return nil }), bus.Close
}

// restarts times one restart until systemd says that it is done, as the engine
// asks for it: the unit is read before and after.
func (b *bench) restarts(ctx context.Context) ([]row, error) {
	const unit = "ns-bench.service"
	if err := sleeper(unit); err != nil {
		return nil, err
	}
	units, hangUp := connect()
	defer hangUp()
	action := units.Actions()[remediate.VerbRestart]
	step := remediate.Step{Do: remediate.VerbRestart, On: remediate.Unit(unit), Risk: remediate.Restart}
	var both turns
	err := alternate(20*b.rounds, timed(&both.ours, func() error {
		receipt, err := action.Do(ctx, step, nil)
		if err == nil && receipt.Result != remediate.Done {
			err = fmt.Errorf("the restart was %s: %s", receipt.Result, receipt.Detail)
		}
		return err
	}), timed(&both.floor, func() error { return systemctl("restart", unit) }))
	if err != nil {
		return nil, err
	}
	slowest := row{What: "restart until done, p99", Unit: "ms", Ours: quantile(both.ours, 0.99)}
	theirs := quantile(both.floor, 0.99)
	slowest.Floor = &theirs
	return []row{both.row("restart until done", "ms", "systemctl restart").ratioAtMost(1), slowest}, systemctl("stop", unit)
}

// timed notes how long each call of f takes, in milliseconds.
func timed(took *[]float64, f func() error) func() error {
	return func() error {
		began := time.Now()
		err := f()
		*took = append(*took, ms(time.Since(began)))
		return err
	}
}
